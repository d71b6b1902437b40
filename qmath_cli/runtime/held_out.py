"""The held-out mathematical text as problems: with written solutions to read, or with answers to find.

Solutions are read in the order in which the text has them; problems are those of them that have an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count, islice

from qmath_cli.calibration.solution import WorkedSolution, as_text
from qmath_cli.calibration.text import held_out_solutions
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.grading.official import answers

NAME = "held-out"
"""What the data set is called."""

SOLUTIONS = 100
"""How many solutions models are compared on where nobody says."""

_TELLING = 100  # solutions by which the text is recognised: a changed generator makes another data set


def written_solutions(number: int = SOLUTIONS) -> list[tuple[Item, str]]:
    """Problems, each with the text of its solution."""
    return [(_item(one, i), one.response) for i, one in enumerate(held_out_solutions(number))]


def problems(number: int) -> Dataset:
    """Problems with answers; fewer are a beginning of more."""
    found = (_item(one, i) for i, one in enumerate(_endless()) if one.answer)
    telling = as_text(held_out_solutions(_TELLING))
    return Dataset(NAME, tuple(islice(found, number)), hashlib.sha256(telling.encode()).hexdigest())


def _endless() -> Iterator[WorkedSolution]:
    for seed in count():
        yield from held_out_solutions(10_000, seed)


def _item(one: WorkedSolution, place: int) -> Item:
    return Item(
        id=str(place),
        problem=one.problem,
        reference=one.answer,
        official=answers.reference_of_answer(one.answer, NAME),
        language=one.language,
        subject=one.kind,
        label=str(place + 1),
    )
