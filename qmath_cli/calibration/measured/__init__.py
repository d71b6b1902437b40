"""The kinds of problems and the sentences of the calibration half."""

from __future__ import annotations

from random import Random

from qmath_cli.calibration.exercise import Exercise, Kind
from qmath_cli.calibration.measured import (
    algebra,
    arithmetic,
    calculus,
    chance,
    choice,
    counting,
    geometry,
    number_theory,
    proofs,
    stories,
)
from qmath_cli.calibration.wording import Manner


def _choices(rng: Random) -> Exercise:
    """A choice question about whole numbers."""
    whole: tuple[Kind, ...] = (arithmetic.operations, arithmetic.units, number_theory.euclid, counting.committees)
    return choice.choice(rng, (*whole, calculus.derivatives, stories.ages, chance.determinants))


KINDS: dict[str, Kind] = {
    "operations": arithmetic.operations,
    "fractions": arithmetic.fraction_sums,
    "percentages": arithmetic.percentages,
    "units": arithmetic.units,
    "powers": arithmetic.powers,
    "negatives": arithmetic.negatives,
    "linear equations": algebra.linear,
    "quadratic equations": algebra.quadratic,
    "linear systems": algebra.systems,
    "remainders of polynomials": algebra.remainders,
    "logarithms": algebra.logarithms,
    "inequalities": algebra.inequalities,
    "compositions": algebra.compositions,
    "Euclid's algorithm": number_theory.euclid,
    "modular powers": number_theory.last_digits,
    "divisors": number_theory.divisors,
    "congruences": number_theory.congruences,
    "bases": number_theory.bases,
    "inverses": number_theory.inverses,
    "committees": counting.committees,
    "words": counting.words,
    "stars and bars": counting.parts,
    "paths": counting.paths,
    "right triangles": geometry.right_triangles,
    "Heron's formula": geometry.heron,
    "sectors": geometry.sectors,
    "lines": geometry.lines_in_coordinates,
    "cones": geometry.cylinders,
    "derivatives": calculus.derivatives,
    "integrals": calculus.integrals,
    "limits": calculus.limits,
    "extrema": calculus.extrema,
    "series": calculus.series,
    "dice": chance.dice,
    "urns": chance.urns,
    "expected values": chance.expectations,
    "determinants": chance.determinants,
    "products of matrices": chance.products,
    "eigenvalues": chance.eigenvalues,
    "work": stories.work,
    "mixtures": stories.mixtures,
    "ages": stories.ages,
    "meeting": stories.meeting,
    "orchards": stories.orchards,
    "choices": _choices,
    "induction": proofs.induction,
    "irrational roots": proofs.irrational,
    "divisibility": proofs.divisibility,
    "isosceles triangles": proofs.triangles,
}

MANNER = Manner(
    openings=(
        ("To solve this problem, we go through it step by step.", "我们一步一步来解这道题。"),
        ("Let's work this out carefully.", "让我们仔细地推导。"),
        ("We are given everything we need, so we can start right away.", "已知条件已经足够，可以直接求解。"),
        ("First, let us see what is asked.", "首先明确题目所求。"),
        ("Here is a solution that uses the standard method.", "下面用常规方法求解。"),
        ("", ""),
    ),
    plans=(
        ("To find the answer, we can use Python. The plan is as follows.", "可以用 Python 求出答案，思路如下。"),
        ("We combine reasoning with a short program.", "我们把推理和一小段程序结合起来。"),
        ("Let's break this problem down and let a program do the arithmetic.", "把问题分解，用程序完成计算。"),
        ("The computation is best left to code.", "计算部分交给代码完成。"),
    ),
    programs=(
        ("Let's write a program to {}.", "编写程序：{}。"),
        ("The following code will {}.", "下面的代码用来{}。"),
        ("In Python we {}:", "在 Python 中{}："),
    ),
    again=(
        ("Next, we {}.", "接下来{}。"),
        ("Now we use the result and {}.", "利用上面的结果，{}。"),
    ),
    conclusions=(
        ("Therefore, {}", "因此，{}"),
        ("Thus, {}", "所以，{}"),
        ("Hence {}", "由此可见，{}"),
        ("We conclude that {}", "综上所述，{}"),
        ("Final answer: {}", "最终答案：{}"),
    ),
    checks=(
        ("", ""),
        ("", ""),
        ("This agrees with a rough estimate of its size.", "这与粗略的估计一致。"),
        ("All conditions of the problem are met.", "题目的所有条件都满足。"),
    ),
    proofs=(
        ("**Proof.** We argue step by step.", "**证明：** 分步论证如下。"),
        ("Proof.", "证明："),
        (
            "We have to show the claim in general, not only for examples.",
            "我们需要给出一般的证明，而不能只验证几个例子。",
        ),
    ),
)
