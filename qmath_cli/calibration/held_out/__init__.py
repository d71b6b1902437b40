"""The kinds of problems and the sentences of the held-out half: others than those of the calibration half."""

from __future__ import annotations

from random import Random

from qmath_cli.calibration.exercise import Exercise, Kind
from qmath_cli.calibration.held_out import everyday, figures, numbers
from qmath_cli.calibration.measured.choice import choice
from qmath_cli.calibration.wording import Manner


def _choices(rng: Random) -> Exercise:
    """A choice question about whole numbers."""
    whole: tuple[Kind, ...] = (numbers.progressions, numbers.lights, numbers.unions, figures.polygons)
    return choice(rng, (*whole, everyday.legs, everyday.averages, everyday.tanks))


KINDS: dict[str, Kind] = {
    "progressions": numbers.progressions,
    "interest": numbers.interest,
    "periods": numbers.lights,
    "digits": numbers.digits,
    "recursions": numbers.recursions,
    "unions": numbers.unions,
    "polygons": figures.polygons,
    "shadows": figures.shadows,
    "tangents": figures.tangents,
    "enclosed areas": figures.enclosed,
    "inverse matrices": figures.inverse_matrices,
    "vectors": figures.vectors,
    "heads and legs": everyday.legs,
    "baskets": everyday.baskets,
    "averages": everyday.averages,
    "screening": everyday.screening,
    "handshakes": everyday.handshakes,
    "tanks": everyday.tanks,
    "held-out choices": _choices,
    "squares": everyday.squares,
}

MANNER = Manner(
    openings=(
        ("We need to be systematic here.", "这里需要有条理地分析。"),
        ("The given data lead to the result in a few steps.", "由已知数据经过几步即可得到结果。"),
        ("Let us organise the information first.", "先整理题目中的信息。"),
        ("", ""),
    ),
    plans=(
        ("A small script settles this.", "用一段小脚本即可解决。"),
        ("To determine the result, we set up the computation and run it.", "为求出结果，先列出计算过程，再运行。"),
        ("We follow these steps:", "按以下步骤进行："),
    ),
    programs=(
        ("Here is code to {}.", "代码如下，用于{}。"),
        ("With Python one can {}.", "借助 Python 可以{}。"),
    ),
    again=(("After that, {}.", "然后{}。"),),
    conclusions=(
        ("So {}", "故{}"),
        ("As a result, {}", "结果表明，{}"),
        ("Consequently, {}", "从而{}"),
        ("In summary, {}", "总之，{}"),
    ),
    checks=(("", ""), ("Substituting back confirms this.", "代回原题，结果成立。")),
    proofs=(("Here is an argument.", "论证如下。"), ("*Proof.*", "*证明*：")),
)
