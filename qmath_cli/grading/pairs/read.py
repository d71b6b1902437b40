"""Pairs of answers from a file: TSV, CSV or JSONL, read line by line, so that a file may have any length.

A line that is no pair becomes a `BadLine` in its place, with what is wrong with it; the lines after it are read as
usual. What is wrong with the whole file (no such columns, no format that fits) is a `DataError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO

from qmath_cli.errors import DataError
from qmath_cli.grading.pairs import jsonl, table
from qmath_cli.grading.pairs.lines import PairLines
from qmath_cli.grading.pairs.pair import BadLine, Pair


class PairFormat(StrEnum):
    """The formats of a file of pairs."""

    TSV = "tsv"
    CSV = "csv"
    JSONL = "jsonl"


_SUFFIXES = {
    "tsv": PairFormat.TSV,
    "tab": PairFormat.TSV,
    "csv": PairFormat.CSV,
    "jsonl": PairFormat.JSONL,
    "ndjson": PairFormat.JSONL,
    "json": PairFormat.JSONL,
}


def read(stream: BinaryIO, source: str, kind: PairFormat | None = None) -> Iterator[Pair | BadLine]:
    """Read pairs.

    Args:
        stream: The file. It is read as far as pairs are taken.
        source: Its name, for messages; its suffix tells the format.
        kind: Its format, whatever its name is. Without a known suffix, the first line tells the format.

    Returns:
        A pair or a bad line for each line that is not empty, in their order.

    Raises:
        DataError: The first line shows that this is no file of pairs.
        OSError: It cannot be read; also while pairs are taken.
    """
    lines = PairLines(stream)
    first = lines.first()
    kind = kind or _SUFFIXES.get(source.lower().rpartition(".")[2]) or _sniffed(first, source)
    if kind is PairFormat.JSONL:
        if first.lstrip().startswith("["):
            raise DataError(f"{source} is one JSON array, not one object on each line", "jq -c '.[]' makes lines of it")
        return jsonl.pairs(lines)
    if kind is PairFormat.TSV:
        return table.pairs(table.tab_rows(lines), source, width=None)
    return table.pairs(table.csv_rows(lines, table.delimiter_of(first)), source, width=2)


def _sniffed(first: str, source: str) -> PairFormat:
    if re.match(r'\s*\{\s*"', first):
        return PairFormat.JSONL
    if "\t" in first or not first.strip():  # an empty file has no pairs in any format
        return PairFormat.TSV
    if "," in first or table.delimiter_of(first) == ";":
        return PairFormat.CSV
    raise DataError(f"{source}: the first line is no pair in TSV, CSV or JSONL", "--format names the format")
