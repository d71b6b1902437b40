"""Solutions with one step made wrong: a digit, a sign, an operator or a name is another one.

An altered program is run, so that the output behind it is the real one, and the programs after it are run after it.
In some solutions the closing sentence then boxes the new output, in the others it boxes the right answer, and so
contradicts the output. In words only one paragraph is altered, and nothing follows from it.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import FrameType

from convert.demo.problems import Draft
from convert.demo.programs import Session
from convert.demo.solutions import Mode

CARRIED = 0.6
"""The share of solutions with an altered program whose closing sentence boxes the new output."""

SECONDS = 0.5
"""An altered program that takes longer is not used."""

_NAMES = (
    ("gcd", "lcm"),
    ("factorial", "comb"),
    ("comb", "perm"),
    ("expand", "factor"),
    ("diff", "integrate"),
    ("det", "trace"),
    ("symbols", "sqrt"),
    ("sum", "max"),
    ("x", "n"),
    ("x", "y"),
    ("n", "k"),
    ("Friday", "Monday"),
    ("Sunday", "Tuesday"),
    ("Saturday", "Wednesday"),
    ("Thursday", "Friday"),
    ("data", "mean"),
    ("a", "d"),
    ("c", "r"),
    ("cost", "price"),
    ("roots", "solutions"),
    ("factors", "count"),
    ("values", "keys"),
    ("latex", "print"),
    ("Rational", "Decimal"),
)
_OPERATORS = {
    " + ": (" - ", " * "),
    " - ": (" + ",),
    " * ": (" + ", " / "),
    "*": ("+",),
    " / ": (" * ",),
    " // ": (" * ", " + "),
    " % ": (" // ",),
    "**": ("*",),
    r"\times": ("+", r"\div"),
    r"\div": (r"\times",),
    r"\cdot": ("+",),
}


_Site = tuple[int, int, tuple[str, ...]]
"""Where a text can be changed, and into what."""


class Change(StrEnum):
    """What is altered."""

    DIGIT = "digit"
    SIGN = "sign"
    OPERATOR = "operator"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Marked:
    """A solution with a verdict on every step: right (1), wrong (0), or None where neither can be said.

    `wrong` is the index of the step that was altered, -1 if none was; `change` is what was altered in it.
    """

    mode: Mode
    problem: str
    text: str
    own: tuple[bool, ...]
    verdicts: tuple[int | None, ...]
    wrong: int = -1
    change: Change | None = None


def slip(rng: Random, text: str, change: Change) -> str | None:
    """The text with one change; None where there is nothing to change in this way."""
    sites = list(_sites(text, change))
    if not sites:
        return None
    start, end, others = rng.choice(sites)
    return text[:start] + rng.choice(others) + text[end:]


def _sites(text: str, change: Change) -> Iterator[_Site]:
    """Where a text can be changed, and into what."""
    kinds = {Change.DIGIT: _digits, Change.SIGN: _signs, Change.OPERATOR: _operators, Change.NAME: _names}
    return kinds[change](text)


def _digits(text: str) -> Iterator[_Site]:
    for match in re.finditer(r"\d", text):
        first = not text[: match.start()].endswith(tuple("0123456789."))
        yield match.start(), match.end(), tuple(d for d in "0123456789" if d != match[0] and not (first and d == "0"))


def _signs(text: str) -> Iterator[_Site]:
    for match in re.finditer(r"(?<=[({\[,=])(\s*)-\s?(?=[\d\w\\])", text):
        yield match.start(), match.end(), (match[1],)
    for match in re.finditer(r"(?<=[({\[])(?=\d)|(?<==\s)(?=\d)", text):
        yield match.start(), match.end(), ("-",)


def _operators(text: str) -> Iterator[_Site]:
    for operator, others in _OPERATORS.items():
        for match in re.finditer(re.escape(operator), text):
            if not (operator == "*" and "**" in text[max(0, match.start() - 1) : match.end() + 1]):
                yield match.start(), match.end(), others


def _names(text: str) -> Iterator[_Site]:
    for pair in _NAMES:
        for name, other in (pair, pair[::-1]):
            for match in re.finditer(rf"(?<![A-Za-z_\\]){name}(?![A-Za-z_(]*\s*=[^=])(?![A-Za-z_])", text):
                yield match.start(), match.end(), (other,)


def right(draft: Draft, mode: Mode) -> Marked:
    """The draft's own solution: every step is right."""
    parts = _tir(draft, [step.code for step in draft.steps]) if mode is Mode.TIR else _cot(draft)
    return _marked(draft, mode, [*parts, (draft.closed(draft.answer), True)], [1] * (_count(parts) + 1))


def altered(rng: Random, draft: Draft, mode: Mode) -> Marked | None:
    """The draft's solution with one step made wrong; None where the change that was drawn changes nothing."""
    change = rng.choice([Change.DIGIT, Change.DIGIT, Change.SIGN, Change.OPERATOR, Change.NAME])
    return _altered_tir(rng, draft, change) if mode is Mode.TIR else _altered_cot(rng, draft, change)


def _altered_tir(rng: Random, draft: Draft, change: Change) -> Marked | None:
    codes = [step.code for step in draft.steps]
    parts = _tir(draft, codes)
    place = rng.randrange(len(codes) + 1)
    if place == len(codes):
        closing = slip(rng, draft.closed(draft.answer), change)
        if closing is None or not _says_otherwise(closing, draft):
            return None
        return _marked(draft, Mode.TIR, [*parts, (closing, True)], [1] * _count(parts) + [0], _count(parts), change)
    code = slip(rng, codes[place], change)
    if code is None:
        return None
    codes[place] = code
    try:
        with _limit():
            wrong = _tir(draft, codes)
    except (TimeoutError, RecursionError, MemoryError):
        return None
    output, before = wrong[-1][0], parts[-1][0]
    if output == before or len(output) > 400:
        return None
    new = output.removesuffix("\n```\n").strip("\n")
    fits = "\n" not in new and "Error" not in new and len(new) < 60
    carried = fits and rng.random() < CARRIED
    closing = draft.closed(
        draft.answer.replace(before.removesuffix("\n```\n").strip("\n"), new) if carried else draft.answer
    )
    verdicts: list[int | None] = [1] * (_count(parts) + 1)
    verdicts[2 * place + 1] = 0
    if not carried:
        verdicts[-1] = 0
    return _marked(draft, Mode.TIR, [*wrong, (closing, True)], verdicts, 2 * place + 1, change)


def _altered_cot(rng: Random, draft: Draft, change: Change) -> Marked | None:
    parts, closing = _cot(draft), draft.closed(draft.answer)
    count = _count(parts)
    if rng.random() < 0.5:
        other = slip(rng, closing, change)
        if other is None or not _says_otherwise(other, draft):
            return None
        return _marked(draft, Mode.COT, [*parts, (other, True)], [1] * count + [0], count, change)
    other = slip(rng, draft.reasoning, change)
    if other is None or "\n\n" in draft.reasoning:
        return None
    return _marked(draft, Mode.COT, [(other + "\n\n", True), (closing, True)], [0, None], 0, change)


def _says_otherwise(closing: str, draft: Draft) -> bool:
    """Whether the box of a changed closing sentence holds another answer."""
    return rf"\boxed{{{draft.answer}}}" not in closing


def _tir(draft: Draft, codes: list[str]) -> list[tuple[str, bool]]:
    """The turn up to the closing sentence, in parts, and whether each part is the assistant's own."""
    session, parts = Session(), []
    for step, code in zip(draft.steps, codes, strict=True):
        parts += [(f"{step.prose}\n\n", True), (f"```python\n{code}\n```\n```output", True)]
        parts += [(f"\n{session.run(code)}\n```\n", False)]
    return parts


def _cot(draft: Draft) -> list[tuple[str, bool]]:
    return [(f"{draft.reasoning}\n\n", True)]


def _count(parts: list[tuple[str, bool]]) -> int:
    """The number of steps: a program and its output are one."""
    return sum(own for _, own in parts) if len(parts) > 1 else parts[0][0].strip().count("\n\n") + 1


def _marked(
    draft: Draft,
    mode: Mode,
    parts: list[tuple[str, bool]],
    verdicts: list[int | None],
    wrong: int = -1,
    change: Change | None = None,
) -> Marked:
    text = "".join(part for part, _ in parts)
    own = tuple(mine for part, mine in parts for _ in part)
    return Marked(mode, draft.problem, text, own, tuple(verdicts), wrong, change)


@contextmanager
def _limit() -> Iterator[None]:
    """End an altered program that does not end by itself. For the main thread."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    except _Late as exc:
        raise TimeoutError from exc
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class _Late(BaseException):
    """Not an `Exception`, which a session takes for the program's result."""
