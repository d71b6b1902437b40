"""Rows of CSV and TSV by the names of their columns, which the first line gives."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping

from qmath_cli.errors import DataError
from qmath_cli.grading.pairs.lines import PairLines
from qmath_cli.grading.pairs.table import Cells, csv_rows, tab_rows
from qmath_cli.problem_set import fields

Entry = tuple[int, Mapping[str, str] | str]
"""The number of a row's first line, and its cells by name, or why it has none."""

_HEADER = "the first line names the columns, for example: problem,answer"


def csv_entries(data: bytes, source: str) -> Iterator[Entry]:
    """The rows of CSV; between semicolons where the first line is, as Excel writes it in much of Europe.

    Args:
        data: The file's content, in UTF-8, or in UTF-16 with a byte order mark.
        source: The file's name, for messages.

    Raises:
        DataError: the first line names several columns, and no problem.
    """
    lines = PairLines(io.BytesIO(data))
    first = lines.first()
    semicolons = ";" in first and fields.names_a_problem(first.split(";"))
    return _entries(csv_rows(lines, ";" if semicolons else ","), source)


def tsv_entries(data: bytes, source: str) -> Iterator[Entry]:
    """The same of TSV."""
    return _entries(tab_rows(PairLines(io.BytesIO(data))), source)


def _entries(rows: Iterator[Cells], source: str) -> Iterator[Entry]:
    """Rows below a header; a table of one column needs none."""
    first = next(rows, None)
    if first is None:
        return
    names = first[1] or []
    if not fields.names_a_problem(names):
        if len(_trimmed(names)) > 1:
            raise DataError(f"{source}: no column is called problem or question", _HEADER)
        names = ["problem"]
        yield _entry(first, names)
    for row in rows:
        yield _entry(row, names)


def _entry(row: Cells, names: list[str]) -> Entry:
    line, cells = row
    if cells is None:
        return line, 'the quotes of this row do not match; one inside of quotes is doubled: "a ""b"""'
    if len(_trimmed(cells)) > len(names):
        return line, f"{len(cells)} cells where {len(names)} are expected; one with commas goes in quotes"
    return line, {name: cell.strip() for name, cell in zip(names, cells, strict=False)}


def _trimmed(cells: list[str]) -> list[str]:
    """Cells without empty ones at the end, which spreadsheets add."""
    filled = [place for place, cell in enumerate(cells, 1) if cell.strip()]
    return cells[: filled[-1] if filled else 0]
