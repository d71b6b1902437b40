r"""The verdict on two answers by the strict rules.

Both answers are cleaned (`text`), read to a shape (`reading`) and compared part by part (`comparison`); the rules of
each kind are there. Not accepted: a rounded value where an exact one is expected, other brackets, other dimensions.

The verdict is `undecided`, with the reason in words, if an answer is not understood, or if two numbers could be neither
proved equal nor proved different. Expressions with variables that have equal values at several points count as equal;
this is no proof. May take any time and memory: it runs in `child` only.
"""

from __future__ import annotations

from itertools import product

from qmath_cli.grading.strict import clocks
from qmath_cli.grading.strict.comparison import Comparer
from qmath_cli.grading.strict.kinds import (
    Blanks,
    Both,
    Bracketed,
    Builder,
    Conditioned,
    Congruence,
    Either,
    Items,
    Member,
    Named,
    NamedSet,
    Piecewise,
    Ratio,
    Region,
    Relation,
    Shape,
    Value,
    Words,
)
from qmath_cli.grading.strict.phrases import contrary, parted
from qmath_cli.grading.strict.reading.answers import read_all
from qmath_cli.grading.strict.text import clean
from qmath_cli.grading.strict.units import NONE
from qmath_cli.grading.strict.words import letters
from qmath_cli.mathematics.meaning.equality import Undecided
from qmath_cli.mathematics.meaning.terms import Matrix, NotUnderstood, symbols
from qmath_cli.records import Mark, Verdict

_RULES: dict[type, str] = {
    Blanks: "blanks",
    Both: "system",
    Bracketed: "point or interval",
    Builder: "set",
    Conditioned: "answer with a condition",
    Congruence: "remainder",
    Either: "alternatives",
    Items: "list",
    Member: "set",
    Named: "named value",
    NamedSet: "set",
    Piecewise: "function by cases",
    Ratio: "ratio",
    Region: "set",
    Relation: "relation",
    Words: "words",
}


def compare(answer: str, reference: str, *, exact: bool = False) -> Verdict:
    """Compare two answers under the strict rules.

    Args:
        answer: The answer, as written.
        reference: The expected answer, as written.
        exact: Whether an answer that only rounds to the expected one is wrong.

    Returns:
        The verdict; its rule names the kind of the expected answer and what was forgiven.
    """
    ours, theirs = clean(answer), clean(reference)
    if not ours or not theirs:
        return _verdict(same=ours == theirs, rule="empty")
    if ours == theirs:
        return Verdict(Mark.CORRECT, "same text")
    mine, ours = parted(ours)
    other, theirs = parted(theirs)
    verdict = _without_subjects(ours, theirs, exact=exact)
    if verdict.mark is not Mark.CORRECT or not mine or not other or mine == other:
        return verdict
    if contrary(mine, other) or min(len(mine), len(other)) == 1:
        return Verdict(Mark.WRONG, verdict.rule)
    return Verdict(Mark.UNDECIDED, verdict.rule, f"equal, but said of {mine!r} and of {other!r}")


def _without_subjects(ours: str, theirs: str, *, exact: bool) -> Verdict:
    """The verdict on what the answers say, whatever they say it of."""
    if ours == theirs:
        return Verdict(Mark.CORRECT, "same text")
    expected_letters = letters(theirs)
    if expected_letters:
        return _verdict(same=letters(ours, lenient=True) == expected_letters, rule="choice")
    times = clocks.compared(ours, theirs)
    if times is not None:
        return _verdict(same=times, rule="clock time")
    return _compared(ours, theirs, exact=exact)


def _compared(ours: str, theirs: str, *, exact: bool) -> Verdict:
    rule = "answer"
    try:
        expected = read_all(theirs)
        rule = _rule(expected[0])
        readings = read_all(ours)
        comparison = Comparer(exact=exact)
        same = comparison.same(readings[0], expected[0]) or _as_lists(comparison, readings, expected)
    except (NotUnderstood, Undecided) as exc:
        return Verdict(Mark.UNDECIDED, rule, _reason(exc))
    notes = dict.fromkeys(comparison.notes)
    return _verdict(same=same, rule=", ".join([rule, *notes] if same else [rule]))


def _as_lists(comparison: Comparer, readings: list[Shape], expected: list[Shape]) -> bool:
    """Whether the answers agree if `1,234` is a list: only where the other side is one too."""
    pairs = product(readings, expected)
    several = (Items, Blanks, Bracketed)
    return any(
        comparison.same(a, b)
        for a, b in pairs
        if isinstance(a, several) and isinstance(b, several) and (a is not readings[0] or b is not expected[0])
    )


def _rule(shape: Shape) -> str:
    """The kind of the expected answer, in words."""
    if not isinstance(shape, Value):
        return _RULES[type(shape)]
    if isinstance(shape.term, Matrix):
        return "matrix"
    if shape.unit.is_known:
        return "percentage" if shape.unit.dimension == (("percent", 1),) else "quantity"
    return "expression" if symbols(shape.term) else "number" if shape.unit == NONE else "quantity"


def _reason(exc: Exception) -> str:
    return str(exc) if isinstance(exc, Undecided) else f"not understood: {exc}"


def _verdict(*, same: bool, rule: str) -> Verdict:
    return Verdict(Mark.CORRECT if same else Mark.WRONG, rule)
