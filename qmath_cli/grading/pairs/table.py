"""Pairs from TSV and CSV: rows of cells, under an optional header that names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from qmath_cli.errors import DataError
from qmath_cli.grading.pairs.lines import PairLines
from qmath_cli.grading.pairs.pair import ANSWER, EXPECTED, BadLine, Pair, expected_name, missing, pair_of

Cells = tuple[int, list[str] | None]  # the number of the row's first line, and its cells if they could be separated


def tab_rows(lines: PairLines) -> Iterator[Cells]:
    """Cells between tabs. Quotes around a whole cell are removed: Excel adds them where the cell has a comma."""
    for line in lines:
        if line.strip(" \n"):
            yield lines.number, [_unquoted(cell) for cell in line.rstrip("\n").split("\t")]


def _unquoted(cell: str) -> str:
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"') if quoted else cell


def csv_rows(lines: PairLines, delimiter: str) -> Iterator[Cells]:
    """Cells as RFC 4180 separates them. Of a row whose quotes do not match, only the first line is lost."""
    taken: list[str] = []

    def fed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    while True:
        taken.clear()
        start = lines.number + 1
        try:
            cells = next(csv.reader(fed(), delimiter=delimiter, skipinitialspace=True, strict=True))
        except StopIteration:
            return
        except csv.Error:
            lines.give_back(taken[1:])
            yield start, None
            continue
        if any(cell.strip() for cell in cells):
            yield start, cells


def delimiter_of(first: str) -> str:
    """A comma; a semicolon if the first line is a header that has one, as Excel writes it in much of Europe."""
    return ";" if ANSWER in _lowered(first.split(";")) else ","


def _lowered(cells: list[str]) -> list[str]:
    return [_unquoted(cell.strip()).strip().lower() for cell in cells]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the two answers stand in a row, and how many cells a row may have (None: any number)."""

    answer: int = 0
    expected: int = 1
    width: int | None = None


def pairs(rows: Iterator[Cells], source: str, width: int | None) -> Iterator[Pair | BadLine]:
    """Pairs from rows.

    Args:
        rows: The rows.
        source: The file's name, for messages.
        width: How many cells a row has where there is no header; None if more than two do no harm.

    Raises:
        DataError: The first row names one of the two columns and not the other.
    """
    first = next(rows, None)
    if first is None:
        return iter(())
    named = None if first[1] is None else _header(first[1], source, limited=width is not None)
    columns = named or _Columns(width=width)
    return (_row_pair(number, cells, columns) for number, cells in (rows if named else chain([first], rows)))


def _header(cells: list[str], source: str, *, limited: bool) -> _Columns | None:
    """The columns that a first row names; None if it is a pair. Raises `DataError` if it names one of the two only."""
    names = _lowered(cells)
    if not {ANSWER, *EXPECTED} & set(names):
        return None
    expected = expected_name(names)
    if ANSWER not in names or expected is None:
        raise DataError(f"{source}, header: {missing(names)}", "for example: answer,expected")
    return _Columns(names.index(ANSWER), names.index(expected), len(names) if limited else None)


def _row_pair(number: int, cells: list[str] | None, columns: _Columns) -> Pair | BadLine:
    if cells is None:
        return BadLine(number, "the quotes of this row do not match", 'a quote inside of quotes is doubled: "a ""b"""')
    if len(cells) <= max(columns.answer, columns.expected):
        return BadLine(number, "the row ends too early", "a row has the answer and the expected one")
    if columns.width is not None and len(cells) > columns.width:
        why = f"{len(cells)} cells where {columns.width} are expected"
        return BadLine(number, why, "put a cell with commas in quotes, or name all columns in a first line")
    return pair_of(number, cells[columns.answer], cells[columns.expected])
