"""An answer and what it should be, or the line that is no such pair; and the names that the two have in files."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

ANSWER = "answer"
EXPECTED = ("expected", "reference", "ground_truth")  # the first wins where there are several
_UNDECODED = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of a byte


@dataclass(frozen=True, slots=True)
class Pair:
    """An answer, what it should be, and the line on which they begin, counted from 1."""

    line: int
    answer: str
    expected: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no pair, why, and what to do about it."""

    line: int
    why: str
    hint: str


def pair_of(line: int, answer: str, expected: str) -> Pair | BadLine:
    """The pair, unless its text was not decoded or nothing is expected."""
    if _UNDECODED.search(answer + expected):
        return BadLine(line, "this is not UTF-8 text", "for example: iconv -f GB18030 -t UTF-8 FILE > NEW_FILE")
    if not expected.strip():
        return BadLine(line, "the expected answer is empty", "write what is expected, or leave the line out")
    return Pair(line, answer, expected)


def expected_name(names: Collection[str]) -> str | None:
    """The one of `names` that stands for the expected answer; None if there is none, or no telling which."""
    found = [EXPECTED[0]] if EXPECTED[0] in names else [name for name in EXPECTED if name in names]
    return found[0] if len(found) == 1 else None


def missing(names: Collection[str]) -> str:
    """What `names` lack."""
    if ANSWER not in names:
        return f"there is no '{ANSWER}'"
    found = [repr(name) for name in EXPECTED if name in names]
    if not found:
        return f"there is no '{EXPECTED[0]}'"
    return f"{' and '.join(found)} both name the expected answer; call it '{EXPECTED[0]}'"
