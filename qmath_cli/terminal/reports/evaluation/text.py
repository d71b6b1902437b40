"""The report of an evaluation as lines for people: no wider than the terminal, with the accuracy in the last ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qmath_cli.evaluation.comparison import against_published
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.score import Score, ScoredRun, Subset
from qmath_cli.evaluation.statistics import mcnemar
from qmath_cli.terminal import text_width
from qmath_cli.terminal.maths import Alphabet
from qmath_cli.terminal.one_line import cut
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.reports.evaluation import failures
from qmath_cli.terminal.reports.evaluation.figures import (
    NOTHING,
    aligned,
    energy_lines,
    interval,
    name_of,
    pairs,
    percent,
    unboxed,
)
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.tables import columns
from qmath_cli.terminal.word_wrap import wrapped

_MIN_SUBSETS = 2  # fewer subjects or levels get no table
_PIPE = 100  # columns of a line where no terminal says how many there are
_WIDEST = 120  # columns of lines that are words
_NUMBERS = frozenset(range(1, 9))  # the columns of a table that are aligned to the right
_SUBSET = 42  # columns that a table of subjects needs beside their names


@dataclass(frozen=True, slots=True)
class Room:
    """Columns of a line, and the characters to draw with (None: formulas stay LaTeX)."""

    width: int = _PIPE
    alphabet: Alphabet | None = None

    @classmethod
    def of(cls, style: Style) -> Room:
        """Those of a terminal; on a pipe, lines that can be read in an editor."""
        if not style.tty:
            return cls()
        drawn = (Alphabet.UNICODE if style.unicode else Alphabet.ASCII) if style.drawn else None
        return cls(style.width(), drawn)


def lines(
    data: Dataset, runs: Sequence[ScoredRun], room: Room | None = None, *, partial: bool = False
) -> Iterator[str]:
    """The report, line by line: subsets, failures, remarks, rates, differences; last the accuracy, one row per run.

    Args:
        data: The problems.
        runs: One or more runs over the same problems.
        room: How much fits; None: as on a pipe.
        partial: Whether the evaluation was interrupted.

    Yields:
        The lines, without newlines.
    """
    room = room or Room()
    scores = [run.score for run in runs]
    names = _names(scores, room)
    first = scores[0]
    yield from _words([_head(data, first, room, partial=partial)], room)
    yield from _explained(scores, names, room)
    if not any(one.items for one in scores):
        return
    blocks = (
        _subsets("subject", first.subjects, room),
        _subsets("level", first.levels, room),
        *(_failures(data, run, name, room, len(runs)) for run, name in zip(runs, names, strict=True)),
        _words(_remarks(scores, names), room),
        _table(_rates(scores, names), room),
        [*_words(_differences(scores, names), room), *_table(_accuracies(scores, names), room)],
    )
    for block in blocks:
        if block:
            yield ""
            yield from block


def _table(rows: Sequence[Sequence[str]], room: Room) -> list[str]:
    """A row for each run; where that is too wide, a column."""
    found = columns(rows, right=_NUMBERS)
    fits = max(map(text_width.columns, found)) <= room.width
    return found if fits else columns(list(zip(*rows, strict=True)), right=_NUMBERS)


def _words(texts: Iterable[str], room: Room) -> list[str]:
    """Sentences, broken between words."""
    return [line for text in texts for line in wrapped(text, min(room.width, _WIDEST)).splitlines()]


def _head(data: Dataset, first: Score, room: Room, *, partial: bool) -> str:
    name = cut(" ".join(clean(data.name).split()), room.width // 2, room.alphabet)
    if not first.items:
        return f"{name}: no problem is finished yet{' (interrupted)' if partial else ''}"
    whole = f" of {len(data.items)}" if first.items < len(data.items) else ""
    state = " (interrupted: what is done so far)" if partial else ""
    samples = "one sample each" if first.k == 1 else f"{first.k} samples each"
    problems = f"{first.items}{whole} problem{'' if len(data.items) == 1 else 's'}"
    return f"{name}: {problems}, {samples}, {first.grade} grade{state}"


def _names(scores: Sequence[Score], room: Room) -> list[str]:
    """What the runs are called in tables: their names where all tables fit with them, else numbers in brackets."""
    names = [name_of(one) for one in scores]
    tables = (_rates(scores, names), _accuracies(scores, names))
    widest = max(text_width.columns(line) for table in tables for line in columns(table))
    if widest <= room.width and len(set(names)) == len(names):
        return names
    return [f"[{number}]" for number in range(1, len(names) + 1)]


def _explained(scores: Sequence[Score], names: Sequence[str], room: Room) -> Iterator[str]:
    """The names of runs that have numbers in tables; of one that is too long, the end, where a path has its file."""
    for one, name in zip(scores, names, strict=True):
        full = name_of(one)
        if full != name:
            yield f"{name} {_end(full, room.width - len(name) - 1, room.alphabet)}"


def _end(line: str, width: int, alphabet: Alphabet | None) -> str:
    if text_width.columns(line) <= width:
        return line
    beginning = "…" if alphabet is Alphabet.UNICODE else "..."
    while line and text_width.columns(line) + len(beginning) > width:
        line = line[1:]
    return beginning + line


def _subsets(title: str, parts: Sequence[Subset], room: Room) -> list[str]:
    if len(parts) < _MIN_SUBSETS:
        return []
    widest = max(room.width - _SUBSET, len(title))
    names = [cut(" ".join(clean(part.name).split()), widest, room.alphabet) for part in parts]
    rows = [
        (name, str(part.items), percent(part.accuracy), interval(part.ci95))
        for name, part in zip(names, parts, strict=True)
    ]
    return columns([(title, "problems", "accuracy", "95 %"), *rows], right=_NUMBERS)


def _failures(data: Dataset, run: ScoredRun, name: str, room: Room, several: int) -> list[str]:
    found = list(failures.listed(data, run, min(room.width, _WIDEST), room.alphabet, several))
    return [f"{name}, {found[0]}", *found[1:]] if found and several > 1 else found


def _remarks(scores: Sequence[Score], names: Sequence[str]) -> Iterator[str]:
    yield from energy_lines(scores)
    for one, name in zip(scores, names, strict=True):
        for method, figure, ours in against_published(one):
            yield f"{name}, {method}: {percent(ours)} here, {percent(figure)} published"
    yield from dict.fromkeys(remark for one in scores for remark in (*unboxed(one), *one.remarks))


def _differences(scores: Sequence[Score], names: Sequence[str]) -> Iterator[str]:
    for (a, b), name in zip(pairs(scores), names[1:], strict=True):
        first, second = aligned(a, b)
        if first:
            found = mcnemar(first, second)
            yield (
                f"{name} against {names[0]}: {100 * (sum(second) - sum(first)) / len(first):+.1f} points on "
                f"{len(first)} common problems ({found.second_only} gained, {found.first_only} lost, p = {found.p:.3f})"
            )


def _rates(scores: Sequence[Score], names: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of failures of all kinds, and of speed; without a column that is empty for all runs."""
    ran, timed = any(one.rates.programs for one in scores), any(one.rates.seconds for one in scores)
    heads = ("run", "no answer", "cut off", "degenerate", "undecided", *["programs"] * ran, *["tokens/s"] * timed)
    rows = []
    for one, name in zip(scores, names, strict=True):
        rates = one.rates
        shares = (rates.no_answer, rates.out_of_tokens, rates.degenerate, rates.undecided)
        cells = [percent(share) if one.items else NOTHING for share in shares]
        cells += [f"{rates.programs - rates.programs_failed}/{rates.programs}"] * ran
        cells += [f"{rates.tokens / rates.seconds:.0f}" if rates.seconds else NOTHING] * timed
        rows.append((name, *cells))
    return [heads, *rows]


def _accuracies(scores: Sequence[Score], names: Sequence[str]) -> list[tuple[str, ...]]:
    """The cells of accuracies, votes and rankings."""
    k, ranked = scores[0].k, any(one.ranked[1] for one in scores)
    reward = next((one.ranked[0] for one in scores if one.ranked[1]), "rm")
    several = [f"maj@{k}", f"pass@{k}"] if k > 1 else []
    heads = ("run", "accuracy", "95 %", *several, *([f"{reward}@{k}", f"{reward}-vote@{k}"] if ranked else []))
    rows = []
    for one, name in zip(scores, names, strict=True):
        shares = [one.maj.get(k), one.passed.get(k)] if k > 1 else []
        shares += [found.get(k) for found in one.ranked[1:]] if ranked else []
        cells = [NOTHING if share is None or not one.items else percent(share) for share in (one.accuracy, *shares)]
        rows.append((name, cells[0], interval(one.ci95) if one.items else NOTHING, *cells[1:]))
    return [heads, *rows]
