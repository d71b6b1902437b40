r"""A problem divided into its words and its formulas, so that problems of one kind can be compared.

`Find the roots of $x^2 - 5x + 6 = 0$.` has the words `find the roots of #` and one formula of the shape
`x ^ 2 - 9 x + 9 = 9`. Notation that differs only in how it is typed (dollars, braces, `\times` and `*`) has the same
shape, and so have different numbers. Chinese is divided into characters. Pure; nothing here knows the kinds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

SLOT = "#"
"""Stands for a formula among the words."""

_TYPED = (
    (re.compile(r"\\[dt]frac(?![a-z])"), r"\\frac"),
    (re.compile(r"\\(?:left|right|displaystyle|limits)(?![a-z])\s?"), ""),
    (re.compile(r"\\[()\[\]]|\$\$"), "$"),
    (re.compile("`"), ""),
    (re.compile(r"\{bmatrix\}"), "{pmatrix}"),
    (re.compile(r"\\cdot(?![a-z])"), r"\\times"),
    (re.compile(r"[−–‒]"), "-"),
    (re.compile(r"[‘’′]"), "'"),
    (re.compile(r"[“”]"), '"'),
    (re.compile(r"[·∙⋅✕]"), "×"),
    (re.compile(r"\*\*"), "^"),
    (
        re.compile(r"(?<![A-Za-z\\])([cp])(?=\(\d+, ?\d+\))|(?<![A-Za-z\\])([ac])(?=_\{?\d+\}?\^)"),
        lambda m: m.group().upper(),
    ),
    (re.compile(r"√\s*\(?(\d+)\)?"), r"sqrt(\1)"),
    (re.compile(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)"), r"^\1"),
)

_TOKEN = re.compile(
    r"""
    (?P<number>\d+\.\d+|\d[\d]*(?:[a-f]+\d[\da-f]*)?)
  | (?P<command>\\[A-Za-z]+|\\[%,;!\ {}\\])
  | (?P<word>[A-Za-z]{2,}(?:'[a-z]+)?)
  | (?P<letter>[A-Za-z])
  | (?P<blank>\s+)
  | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)

_NAMES = "sqrt gcd lcm det mod sin cos tan cot sec csc log ln exp arcsin arccos arctan sum lim max min abs dx dt dy"
_FUNCTIONS = frozenset((*_NAMES.split(), "pmatrix", "bmatrix", "vmatrix"))
_SPEECH = frozenset(".,:;?!\"'、。，：；？！“”…")
_DROPPED = frozenset(["$", "{", "}", '"', "\\,", "\\;", "\\!", "\\ ", "\\{", "\\}"])
_SAME = {"\\times": "*", "×": "*", "\\div": "/", "÷": "/", "\\%": "%", "\\dots": "...", "\\ldots": "...", "…": "..."}
_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = {**{name[:3]: name for name in _MONTH_NAMES.split()}, **{name: name for name in _MONTH_NAMES.split()}}
_HEXADECIMAL = re.compile("[a-f]{2,5}")
_DATE = re.compile(rf"(?i)(?<=\d )(?:{'|'.join(_MONTHS)})\b\.?|\b(?:{'|'.join(_MONTHS)})\b\.?(?= \d)")
_MOST_EXPONENT = 5


@dataclass(frozen=True, slots=True)
class Phrasing:
    """A problem's words in lower case with `SLOT` for each formula, the formulas as written, and their shapes."""

    words: tuple[str, ...]
    slots: tuple[str, ...]
    shapes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def plainly(problem: str) -> str:
    """A problem in the notation of the demo's training data, where another one means the same: `x²` as `x^2`."""
    for pattern, replacement in _TYPED:
        problem = pattern.sub(replacement, problem)
    problem = _DATE.sub(lambda found: _MONTHS[found.group().lower().rstrip(".")].capitalize(), problem)
    return unicodedata.normalize("NFKC", problem) if not problem.isascii() and _wide(problem) else problem


def _wide(text: str) -> bool:
    """Whether it holds digits or letters in another width or position than usual."""
    return any(
        unicodedata.normalize("NFKC", sign) != sign and (sign.isalnum() or sign in "＋－＝＊／＾（）") for sign in text
    )


def read(problem: str) -> Phrasing:
    """Divide a problem that `plainly` has written."""
    words: list[str] = []
    slots: list[str] = []
    shapes: list[tuple[str, ...]] = []
    run: list[_Token] = []

    def close() -> None:
        while run and (run[-1].kind == "blank" or run[-1].text in _SPEECH - {"!"}):
            run.pop()
        if shape := tuple(_shape(run)):
            words.append(SLOT)
            slots.append(problem[run[0].start : run[-1].end].strip())
            shapes.append(shape)
        run.clear()

    for token in _tokens(problem):
        if _mathematical(token, problem):
            if token.text in ".?!;:。？！；：" and _ends(token, problem):
                close()
            elif run or (token.text not in _SPEECH and token.kind != "blank"):
                run.append(token)
        elif token.kind == "blank":
            if run:
                run.append(token)
        else:
            close()
            words.append(token.text.lower())
    close()
    return Phrasing(tuple(words), tuple(slots), tuple(shapes))


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        sign = match.group()
        kind = "character" if "\u3400" <= sign[0] <= "\u9fff" else str(match.lastgroup)  # as a range, slow to compile
        yield _Token(kind, sign, match.start(), match.end())


def _mathematical(token: _Token, text: str) -> bool:
    """Whether a token belongs to a formula, and not to the words around it."""
    if token.kind == "word":
        word = token.text.lower()
        applied = (word in _FUNCTIONS and _applied(token, text)) or (word in _MONTHS and _dated(token, text))
        return applied or (_HEXADECIMAL.fullmatch(token.text) is not None and "16" in text)
    if token.kind == "letter" and token.text in "aAI":
        return not (text[token.end : token.end + 1] == " " and text[token.end + 1 : token.end + 3].isalpha())
    return token.kind in {"number", "command", "letter", "sign"}


def _applied(token: _Token, text: str) -> bool:
    """Whether a function's name stands in a formula: `gcd(4, 6)`, `7 mod 3`; not `the GCD of`."""
    after = text[token.end :].lstrip()
    before = text[: token.start].rstrip()
    return after[:1] in set("({[$") or before[-1:].isdigit() or before[-1:] in set("{}()^_$|") or len(token.text) == 2


def _dated(token: _Token, text: str) -> bool:
    """Whether a month's name stands in a date: beside a number."""
    return text[: token.start].rstrip()[-1:].isdigit() or text[token.end :].lstrip()[:1].isdigit()


def _ends(token: _Token, text: str) -> bool:
    """Whether a sign of punctuation ends a part of a sentence: it is neither of `...` nor the sign of a factorial."""
    before, after = text[token.start - 1 : token.start], text[token.end : token.end + 1]
    if token.text == "!":
        return not (before.isalnum() or before in {")", "}"})
    return token.text != "." or not (after == "." or before == ".")


def _shape(run: list[_Token]) -> Iterator[str]:
    """The signs of a formula, every number as `9`, a small exponent as itself."""
    previous = ""
    for token in run:
        if token.kind == "blank" or token.text in _DROPPED:
            continue
        sign = _SAME.get(token.text, token.text)
        if token.kind == "number" or _HEXADECIMAL.fullmatch(token.text):
            small = previous == "^" and sign.isdigit() and int(sign) <= _MOST_EXPONENT
            sign = sign if small else "9.9" if "." in sign else "9"
        elif token.kind == "word" and sign.lower() in _MONTHS:
            sign = "month"
        previous = sign
        yield sign
