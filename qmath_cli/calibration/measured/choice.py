"""Choice questions, made of problems of other kinds whose answer is a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from qmath_cli.calibration.exercise import Exercise, Kind, line


def choice(rng: Random, kinds: Sequence[Kind]) -> Exercise:
    """A problem of one of the kinds with four answers to choose from; each kind's answer is a whole number."""
    exercise = rng.choice(kinds)(rng)
    right = int(exercise.answer)
    near = [right + step for step in (-10, -3, -2, -1, 1, 2, 3, 10)] + [2 * right, -right]
    others = rng.sample(sorted(set(near) - {right}), 3)
    values = [right, *others]
    rng.shuffle(values)
    letter = "ABCD"[values.index(right)]
    layout = rng.choice(("\n({}) {}", "\n{}. {}", " ({}) {}"))
    options = "".join(layout.format(name, value) for name, value in zip("ABCD", values, strict=True))
    english, chinese = exercise.problem[0]
    return replace(
        exercise,
        problem=((english + options, chinese + options),),
        answer=letter,
        lines=(*exercise.lines, line(f"Among the options this is {letter}", f"对照选项，应选 {letter}", str(right))),
        result=(f"the value is ${right}$, so the right option is {{}}", f"结果是 ${right}$，故选 {{}}"),
    )
