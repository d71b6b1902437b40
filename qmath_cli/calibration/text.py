"""The two halves of the text: one to measure importance matrices on, the other, held out, to compare models on.

Both are drawn by a seed: the same call gives the same text on every machine. The halves share no kind of problem and
no sentence of a solution's frame, so that what is measured on the second says something about text that the first did
not show. Half of the solutions are in Chinese, half of those that can have programs have them; kinds take turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from random import Random

from qmath_cli.calibration.exercise import Kind
from qmath_cli.calibration.solution import WorkedSolution, as_prompt
from qmath_cli.calibration.wording import Manner, write
from qmath_cli.records import Language, Mode, Prompt

SOLUTIONS = 720
"""Solutions of the calibration text: about 133,000 tokens of Qwen2's."""

NAME = "qmath-calibration-1"
"""What the text is called in files; another text gets another name."""


def calibration_solutions(count: int = SOLUTIONS, seed: int = 0) -> Iterator[WorkedSolution]:
    """Solutions of the calibration half; their number takes part in nothing, so that fewer are a beginning of more."""
    from qmath_cli.calibration.measured import KINDS, MANNER

    return islice(_drawn(KINDS, MANNER, f"calibration {seed}"), count)


def held_out_solutions(count: int, seed: int = 0) -> Iterator[WorkedSolution]:
    """Solutions of the held-out half."""
    from qmath_cli.calibration.held_out import KINDS, MANNER

    return islice(_drawn(KINDS, MANNER, f"held out {seed}"), count)


def calibration_text() -> Prompt:
    """The calibration text as the importance matrix is measured on it."""
    return as_prompt(calibration_solutions())


def _drawn(kinds: Mapping[str, Kind], manner: Manner, seed: str) -> Iterator[WorkedSolution]:
    rng = Random(seed)
    while True:
        names = list(kinds)
        rng.shuffle(names)
        for name in names:
            mode, language = rng.choice((Mode.COT, Mode.TIR)), rng.choice((Language.EN, Language.ZH))
            yield write(kinds[name](rng), name, manner, mode, language, rng)
