"""The report of an evaluation: lines for people, and the object of `eval --json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from qmath_cli.evaluation.comparison import against_published
from qmath_cli.evaluation.score import Score, Subset
from qmath_cli.evaluation.statistics import mcnemar
from qmath_cli.models.names import ModelName
from qmath_cli.solving.sample_record import server_record
from qmath_cli.terminal.tables import columns

SCHEMA = "qmath.eval/1"
_MIN_SUBSETS = 2  # fewer subjects or levels get no table


def lines(scores: Sequence[Score], *, partial: bool = False) -> Iterator[str]:
    """The report, line by line: one row per run, differences between runs, subsets, remarks.

    Args:
        scores: The scores of one or more runs over the same problems.
        partial: Whether the evaluation was interrupted.

    Yields:
        The lines, without newlines.
    """
    first = scores[0]
    state = " (interrupted: what is done so far)" if partial else ""
    yield f"{first.data}: {first.items} problems, {_samples(first.k)}, {first.grade} grade{state}"
    yield ""
    yield from columns([_heads(first), *(_row(one) for one in scores)], right=frozenset(range(1, 9)))
    yield from energy_lines(scores)
    yield from _published(scores)
    yield from _differences(scores)
    for title, parts in (("subject", first.subjects), ("level", first.levels)):
        if len(parts) >= _MIN_SUBSETS:
            yield ""
            yield from columns(
                [(title, "problems", "accuracy", "95 %"), *map(_part, parts)], right=frozenset({1, 2, 3})
            )
    remarks = list(dict.fromkeys(remark for one in scores for remark in one.remarks))
    if remarks:
        yield ""
        yield from remarks


def record(scores: Sequence[Score], *, partial: bool = False) -> dict[str, Any]:
    """The report as `qmath.eval/1`: one run as a flat object, several runs as a list with paired differences."""
    if len(scores) == 1:
        return {"schema": SCHEMA, "partial": partial, **_record(scores[0])}
    return {
        "schema": SCHEMA,
        "partial": partial,
        "runs": [_record(one) for one in scores],
        "paired": [
            {"first": name_of(a), "second": name_of(b), **asdict(mcnemar(*_aligned(a, b)))} for a, b in _pairs(scores)
        ],
    }


def name_of(one: Score) -> str:
    """The model's name with its quantization; `recorded responses` where no model was run."""
    if one.setup is None:
        return "recorded responses"
    setup = one.setup
    named = setup.model if ":" in setup.model else str(ModelName(setup.model, setup.quantization.lower()))
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


def _samples(k: int) -> str:
    return "one sample each" if k == 1 else f"{k} samples each"


def _heads(one: Score) -> tuple[str, ...]:
    best = (f"maj@{one.k}", f"pass@{one.k}") if one.k > 1 else ()
    reward, best_rated, _ = one.ranked
    rm = (f"{reward}@{one.k}", f"{reward}-vote@{one.k}") if best_rated else ()
    return (
        "run",
        "accuracy",
        "95 %",
        *best,
        *rm,
        "no answer",
        "cut off",
        "degenerate",
        "undecided",
        "programs",
        "tokens/s",
    )


def _row(one: Score) -> tuple[str, ...]:
    rates = one.rates
    best = (percent(one.maj[one.k]), percent(one.passed[one.k])) if one.k > 1 else ()
    _, best_rated, weighted = one.ranked
    rm = (percent(best_rated[one.k]), percent(weighted[one.k])) if best_rated else ()
    ran = f"{rates.programs - rates.programs_failed}/{rates.programs}"
    speed = f"{rates.tokens / rates.seconds:.0f}" if rates.seconds else "-"
    shares = (rates.no_answer, rates.out_of_tokens, rates.degenerate, rates.undecided)
    return (name_of(one), percent(one.accuracy), interval(one.ci95), *best, *rm, *map(percent, shares), ran, speed)


def _part(part: Subset) -> tuple[str, str, str, str]:
    return part.name, str(part.items), percent(part.accuracy), interval(part.ci95)


def _published(scores: Sequence[Score]) -> Iterator[str]:
    for one in scores:
        for method, figure, ours in against_published(one):
            yield f"{name_of(one)}, {method}: {percent(ours)} here, {percent(figure)} published"


def _differences(scores: Sequence[Score]) -> Iterator[str]:
    for a, b in _pairs(scores):
        first, second = _aligned(a, b)
        found = mcnemar(first, second)
        gap = (sum(second) - sum(first)) / len(first) if first else 0.0
        yield (
            f"{name_of(b)} against {name_of(a)}: {100 * gap:+.1f} points on {len(first)} common problems "
            f"({found.second_only} gained, {found.first_only} lost, p = {found.p:.3f})"
        )


def _pairs(scores: Sequence[Score]) -> Iterator[tuple[Score, Score]]:
    yield from ((scores[0], other) for other in scores[1:])


def _aligned(a: Score, b: Score) -> tuple[list[bool], list[bool]]:
    common = [name for name in a.verdicts if name in b.verdicts]
    return [a.verdicts[name] for name in common], [b.verdicts[name] for name in common]


def _record(one: Score) -> dict[str, Any]:
    rates = asdict(one.rates)
    return {
        "data": one.data,
        "items": one.items,
        "k": one.k,
        "accuracy": one.accuracy,
        "ci95": list(one.ci95),
        "pass": {str(size): share for size, share in one.passed.items()},
        "maj": {str(size): share for size, share in one.maj.items()},
        "rm": {str(size): share for size, share in one.rm.items()},
        "rm_vote": {str(size): share for size, share in one.rm_vote.items()},
        "prm": {str(size): share for size, share in one.prm.items()},
        "prm_vote": {str(size): share for size, share in one.prm_vote.items()},
        "grade": str(one.grade),
        **rates,
        "model": one.setup.model if one.setup else None,
        "quantization": one.setup.quantization if one.setup else None,
        "mode": str(one.setup.mode) if one.setup else None,
        "sampling": asdict(one.setup.sampling) if one.setup else None,
        "run": one.setup.key if one.setup else None,
        "servers": [server_record(server) for server in one.setup.servers] if one.setup else [],
        "subjects": [asdict(part) for part in one.subjects],
        "levels": [asdict(part) for part in one.levels],
        "published": {str(published.method): published.accuracy for published in one.published},
        "remarks": list(one.remarks),
    }
