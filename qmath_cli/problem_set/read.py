"""A set of problems from a text: plain, CSV, TSV, JSONL or one JSON array.

The format is that of the file's name, else it is looked at. Every problem has an id, which is unique: its own, or its
place in the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NoReturn

from qmath_cli.errors import DataError
from qmath_cli.problem_set import fields, plain_text, table
from qmath_cli.problem_set.fields import BadEntry
from qmath_cli.problem_set.plain_text import Division
from qmath_cli.records import Problem

_OBJECT = 'a line is, for example: {"problem": "What is 1/2 + 1/3?", "answer": "5/6"}'


class InputFormat(StrEnum):
    """The formats of a file of problems."""

    TXT = "txt"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"


_SUFFIXES = {
    **dict.fromkeys(("txt", "text", "md", "tex"), InputFormat.TXT),
    "csv": InputFormat.CSV,
    **dict.fromkeys(("tsv", "tab"), InputFormat.TSV),
    **dict.fromkeys(("jsonl", "ndjson", "json"), InputFormat.JSONL),
}
_ONE_EACH = {
    Division.LINES: "one a line",
    Division.BLOCKS: "in blocks between blank lines",
    Division.NUMBERS: "numbered",
}


@dataclass(frozen=True, slots=True)
class ProblemSet:
    """Problems in their order, in words how they were found, and the rows that are none."""

    problems: tuple[Problem, ...]
    found: str
    bad: tuple[BadEntry, ...] = ()


def read(text: str, source: str, kind: InputFormat | None = None, division: Division | None = None) -> ProblemSet:
    """Read the problems of a text.

    Args:
        text: Its lines end in newlines.
        source: The file's name, for messages; its suffix tells the format.
        kind: The format, whatever the name is.
        division: How plain text is divided; None: as it looks.

    Raises:
        DataError: It has no problems, or its first line does not say where they are.
    """
    kind = kind or (InputFormat.TXT if division else None) or _SUFFIXES.get(source.lower().rpartition(".")[2])
    kind = kind or _sniffed(text)
    entries, found = _READERS[kind](text, source) if kind is not InputFormat.TXT else _plain(text, division)
    problems = _with_ids(entries)
    bad = tuple(one for one in entries if isinstance(one, BadEntry))
    if not problems and not bad:
        raise DataError(f"{source} has no problems", "one a line, or CSV, TSV or JSONL with a field 'problem'")
    return ProblemSet(problems, found, bad)


def looks_like_many(text: str, source: str) -> ProblemSet | None:
    """The problems of a text that looks like several and was given as one; None where it looks like one."""
    kind = _sniffed(text)
    if kind is InputFormat.TXT and plain_text.many(text) is None:
        return None
    try:
        found = read(text, source, kind)
    except DataError:
        return None
    return found if len(found.problems) > 1 else None


def _with_ids(entries: list[Problem | BadEntry]) -> tuple[Problem, ...]:
    taken: set[str] = set()
    problems = []
    for place, one in enumerate(entries, 1):
        if isinstance(one, Problem):
            name = one.id or str(place)
            name = name if name not in taken else f"{name}#{place}"
            taken.add(name)
            problems.append(replace(one, id=name))
    return tuple(problems)


def _sniffed(text: str) -> InputFormat:
    first = next((line for line in text.split("\n") if line.strip()), "")
    if re.match(r'\s*(?:\[\s*$|\[\s*[{"]|\{\s*")', first):
        return InputFormat.JSONL
    if "\t" in first and fields.names_a_problem(first.split("\t")):
        return InputFormat.TSV
    several = fields.names_a_problem(_header(first)) and len(_header(first)) > 1
    return InputFormat.CSV if several else InputFormat.TXT


# ---------------------------------------------------------------- formats

Entries = tuple[list[Problem | BadEntry], str]


def _plain(text: str, division: Division | None) -> Entries:
    divided = plain_text.divide(text, division)
    entries = [fields.problem(line, one, name) for line, (name, one) in enumerate(divided.problems, 1)]
    left_out = f"; left out, before number 1: {divided.before!r}" if divided.before else ""
    return entries, _ONE_EACH[divided.division] + left_out


def _csv(text: str, source: str) -> Entries:
    return _entries(table.csv_entries(text.encode("utf-8", "surrogatepass"), source)), "rows of CSV"


def _tsv(text: str, source: str) -> Entries:
    return _entries(table.tsv_entries(text.encode("utf-8", "surrogatepass"), source)), "rows of TSV"


def _jsonl(text: str, source: str) -> Entries:
    if text.lstrip().startswith("["):
        try:
            found = _loads(text)
            values = found if isinstance(found, list) else [found]
            return [_of_json(place, value) for place, value in enumerate(values, 1)], "elements of a JSON array"
        except (ValueError, RecursionError) as exc:
            raise DataError(f"{source} begins as a JSON array and is none: {exc}", _OBJECT) from exc
    lines = enumerate(text.split("\n"), 1)
    return [_line(number, line) for number, line in lines if line.strip()], "lines of JSONL"


_READERS: dict[InputFormat, Callable[[str, str], Entries]] = {
    InputFormat.CSV: _csv,
    InputFormat.TSV: _tsv,
    InputFormat.JSONL: _jsonl,
}


def _line(number: int, line: str) -> Problem | BadEntry:
    try:
        return _of_json(number, _loads(line))
    except (ValueError, RecursionError):
        return BadEntry(number, "this is not JSON")


def _of_json(line: int, value: object) -> Problem | BadEntry:
    """A problem from an object, or from a text alone."""
    if isinstance(value, str):
        return fields.problem(line, value)
    return fields.entry(line, value) if isinstance(value, dict) else BadEntry(line, "this is not a JSON object")


def _loads(text: str) -> object:
    """JSON in which a number keeps its digits as they are written."""
    found: object = json.loads(text, parse_int=str, parse_float=str, parse_constant=_refused)
    return found


def _refused(name: str) -> NoReturn:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _entries(rows: Iterator[table.Entry]) -> list[Problem | BadEntry]:
    return [BadEntry(line, row) if isinstance(row, str) else fields.entry(line, row) for line, row in rows]


def _header(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in re.split("[,;]", line)]
