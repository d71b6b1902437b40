"""Single values of an evaluation's report: names of runs, shares, intervals, energy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmath_cli.evaluation.score import Score
from qmath_cli.models.names import ModelName
from qmath_cli.settings import Grade
from qmath_cli.terminal.output import clean

NOTHING = "-"
"""In place of a figure, where nothing is finished that it could be computed from."""


def name_of(one: Score) -> str:
    """The model's name with its quantization and mode; `recorded responses` where it is not known."""
    if one.setup is None:
        return "recorded responses"
    setup = one.setup
    model = clean(setup.model)
    named = model if ":" in model else str(ModelName(model, setup.quantization.lower()))
    return f"{named} {setup.mode}"


def percent(share: float) -> str:
    """`71.5 %`."""
    return f"{100 * share:.1f} %"


def interval(ci95: tuple[float, float]) -> str:
    """`65.0-77.3`."""
    return f"{100 * ci95[0]:.1f}-{100 * ci95[1]:.1f}"


def energy_lines(scores: Sequence[Score]) -> Iterator[str]:
    """`demo:q8_0 tir: 1.8 kJ ..., 9.0 J per problem`, for every run whose energy was measured."""
    for one in scores:
        if one.rates.joules is not None and one.items:
            yield (
                f"{name_of(one)}: {one.rates.joules / 1000:.1f} kJ by the processor's counters, "
                f"{one.rates.joules / one.items:.1f} J per problem"
            )


def unboxed(one: Score) -> Iterator[str]:
    """How it comes that samples without an answer count as right; nothing where none does."""
    if one.rates.unboxed_correct and one.grade is Grade.OFFICIAL:
        yield (
            f"{percent(one.rates.unboxed_correct)} of the samples have no boxed answer and count as right: without a "
            "box, the official grade takes the last number of the text (or the letter of a choice), as Qwen's "
            "evaluation does."
        )


def pairs(scores: Sequence[Score]) -> Iterator[tuple[Score, Score]]:
    """The first run with each of the others."""
    yield from ((scores[0], other) for other in scores[1:])


def aligned(a: Score, b: Score) -> tuple[list[bool], list[bool]]:
    """The verdicts of two runs on the problems that both have."""
    common = [name for name in a.verdicts if name in b.verdicts]
    return [a.verdicts[name] for name in common], [b.verdicts[name] for name in common]
