"""Problems in plain text: numbered, one a line, or in blocks between blank lines. Which of these it is, is looked at.

Numbered: lines begin with 1., 2., 3. (or `Problem 1:`, `(1)`, `1、` ...) in order, and what follows such a line belongs
to it. Otherwise blank lines separate problems, unless every line is a task of its own or there are no blank lines at
all. A formula or a sentence that goes on in the next line, and lettered parts, keep their lines together. Nothing here
is certain: callers say which form was taken, and let the user choose another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Division(StrEnum):
    """How a text is divided into problems."""

    LINES = "lines"
    BLOCKS = "blocks"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class Divided:
    """The problems of a text, each with its number where it has one; `before` is the text before the first number."""

    division: Division
    problems: tuple[tuple[str, str], ...]
    before: str = ""


_LABEL = re.compile(
    r"\s*(?P<mark>(?:#+\s+)?(?:\*\*)?)(?P<word>(?:problem|exercise|question|task|no\.?|q|ex\.?|例|题|第)?)\s*"
    r"(?P<open>[(（]?)(?P<number>\d{1,4})(?P<close>\s?题[:：.．、]?|[.)）．、:：])(?!\d)(?:\*\*)?\s*(?=\S)",
    re.IGNORECASE,
)
_PART = re.compile(r"\s*\(?(?:[a-h]|i{1,3}|iv|vi?)[.)]\s", re.IGNORECASE)  # of one problem: (a), ii.
_TASK = re.compile(
    r"[?？]|=\s*(?:_+|…|\.\.\.)?\s*\$?$|\b(?:find|compute|calculate|solve|evaluate|simplify|determine|prove|show that|"
    r"what|how (?:many|much|far|long|old)|factor(?:i[sz]e)?|expand|differentiate|integrate|convert|multiply|add|"
    r"subtract|divide|express|estimate|round|reduce|rationali[sz]e)\b|求|计算|解方程|解不等式|化简|证明|多少|几",
    re.IGNORECASE,
)
_ENDED = re.compile(r"[.?!:;=。？！：；][\"'”’)）$\s]*$")
_CONTINUED = re.compile(r"[a-z]{2,} [a-z]")  # a sentence's next line
_LETTERS = re.compile(r"(?<!\\)[a-zA-Z\u4e00-\u9fff]")
_FEW = 5  # so many problems, or fewer, count as many only if each of them is a task
_MOST = 0.8  # of more than that, this share


def divide(text: str, division: Division | None = None) -> Divided:
    """Divide a text into problems.

    Args:
        text: Its lines end in newlines.
        division: How; None: as it looks.
    """
    numbered = _numbered(text)
    division = division or (Division.NUMBERS if numbered is not None else _looks(text))
    if division is Division.NUMBERS:
        return numbered or Divided(division, tuple(("", block) for block in _blocks(text)))
    found = _lines(text) if division is Division.LINES else _blocks(text)
    return Divided(division, tuple(("", problem) for problem in found))


def many(text: str) -> Divided | None:
    """The problems of a text that looks like several; None where it may well be one problem."""
    found = divide(text)
    problems = [problem for _, problem in found.problems]
    if len(problems) < 2 or any(_PART.match(problem) for problem in problems):
        return None
    if found.division is Division.NUMBERS or not any(map(_LETTERS.search, problems)):
        return found
    tasks = sum(map(_is_task, problems))
    enough = tasks == len(problems) if len(problems) <= _FEW else tasks >= _MOST * len(problems)
    return found if enough and _is_task(problems[0]) else None


def _looks(text: str) -> Division:
    """Lines or blocks."""
    lines, blocks = _lines(text), _blocks(text)
    if any(map(_goes_on, lines)) or _wrapped(lines) or _in_parts(lines):
        return Division.BLOCKS
    if len(blocks) in {1, len(lines)} or all(map(_is_task, lines)):
        return Division.LINES
    return Division.BLOCKS


def _is_task(problem: str) -> bool:
    return _TASK.search(problem) is not None


def _goes_on(line: str) -> bool:
    """Whether a formula that begins in this line ends in another one, or a colon says that more follows."""
    if line.endswith((":", "：")):
        return True
    for opening, closing in ((r"\[", r"\]"), (r"\(", r"\)"), (r"\begin{", r"\end{")):
        if line.count(opening) != line.count(closing):
            return True
    return line.count("$$") % 2 == 1


def _wrapped(lines: Sequence[str]) -> bool:
    """Whether a line continues the sentence of the line before it."""
    if not lines or not lines[0][:1].isupper():
        return False
    return any(
        _CONTINUED.match(line) and not _ENDED.search(before) and not (_is_task(before) and _is_task(line))
        for before, line in pairwise(lines)
    )


def _in_parts(lines: Sequence[str]) -> bool:
    """Whether lines that are numbered or lettered follow one that is not: parts of a problem below its beginning."""
    parts = [_PART.match(line) is not None or _LABEL.match(line) is not None for line in lines]
    return sum(parts) > 1 and not parts[0]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _blocks(text: str) -> list[str]:
    return [block.strip() for block in re.split(r"\n[^\S\n]*\n", text) if block.strip()]


def _numbered(text: str) -> Divided | None:
    """The problems of a text whose lines are numbered in order; None if they are not."""
    before: list[str] = []
    found: list[tuple[str, list[str]]] = []
    style: tuple[str, ...] = ()
    for line in text.split("\n"):
        label = _LABEL.match(line)
        if label is not None and _is_next(label, style, found):
            style = style or _style(label)
            found.append((str(int(label["number"])), [_after(label, line)]))
        else:
            (found[-1][1] if found else before).append(line)
    heading = "\n".join(before).strip()
    if len(found) < 2 or (heading and not _is_heading(before, found)):
        return None
    problems = tuple((number, "\n".join(lines).strip()) for number, lines in found)
    return Divided(Division.NUMBERS, problems, heading)


def _style(label: re.Match[str]) -> tuple[str, ...]:
    return label["mark"], label["word"].lower(), label["open"], label["close"].strip()


def _is_next(label: re.Match[str], style: tuple[str, ...], found: Sequence[tuple[str, list[str]]]) -> bool:
    return not found or (_style(label) == style and int(label["number"]) == int(found[-1][0]) + 1)


def _after(label: re.Match[str], line: str) -> str:
    """What follows a number; a `**` that the number opened is closed in the number or left out."""
    rest = line[label.end() :]
    return rest.replace("**", "", 1) if label["mark"].endswith("**") and "**" not in label[0].strip()[2:] else rest


def _is_heading(before: Sequence[str], found: Sequence[tuple[str, list[str]]]) -> bool:
    """Whether the text before number 1 is a title and no part of the problems: a blank line separates it, no task."""
    text = "\n".join(before).strip()
    return len(found) > 2 and found[0][0] == "1" and not before[-1].strip() and not _is_task(text) and "\n" not in text
