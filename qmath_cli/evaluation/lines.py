"""The lines of a file of problems, and in words why one is none or why a whole file is of another format.

JSONL, or by its name CSV or TSV whose first line names the columns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError
from qmath_cli.evaluation.fields import FieldError, Row, kind_of
from qmath_cli.problem_set.table import csv_entries, tsv_entries

SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".tab")
"""How the names of files of problems end."""

_SKIP = "--skip-bad skips damaged lines and reports how many"
_EXAMPLE = 'a line is, for example: {"problem": "What is 1/2 + 1/3?", "answer": "5/6"}'
_COLUMNS = "the first line names the columns, for example: problem,answer"
_TABLES = {".csv": csv_entries, ".tsv": tsv_entries, ".tab": tsv_entries}
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_OTHER_FILES = {b"PAR1": "Parquet", b"\x1f\x8b": "gzip", b"PK\x03\x04": "a zip archive", b"ARROW1": "Arrow"}


def read(path: Path) -> bytes:
    """The content of a file. Raises `DataError` where it cannot be read, or is visibly of another kind.

    A table may be UTF-16, which spreadsheets write.
    """
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DataError(f"cannot read {path}: {exc.strerror or exc}") from exc
    if path.suffix.lower() in _TABLES and data[:2] in _BOMS:
        return data
    for magic, name in {**_OTHER_FILES, **_BOMS}.items():
        if data.startswith(magic):
            written = "write its rows as JSON, one object per line, or as CSV"
            hint = f"iconv -f {name} -t UTF-8" if magic in _BOMS else written
            raise DataError(f"{path} is {name}, not JSONL in UTF-8", hint)
    return data


class ForeignFile(DataError):
    """No line of a file is one of what it was taken for."""


def entries(path: Path, data: bytes) -> Iterator[tuple[int, Row | FieldError]]:
    """The lines that are not blank, with their numbers from 1: each as fields, or what is wrong with it.

    Raises:
        DataError: the first line of a table does not say which column is the problem.
    """
    if table := _TABLES.get(path.suffix.lower()):
        for number, found in table(data, str(path)):
            yield number, FieldError(found) if isinstance(found, str) else _filled(found)
        return
    for number, line in numbered(data):
        try:
            yield number, row(line)
        except FieldError as exc:
            yield number, exc


def _filled(cells: Mapping[str, str]) -> Row | FieldError:
    """The cells that hold something."""
    if any("\udc80" <= char <= "\udcff" for cell in cells.values() for char in cell):
        return FieldError("it is not UTF-8")
    return {name: cell for name, cell in cells.items() if cell}


def numbered(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1."""
    content = data.removeprefix(b"\xef\xbb\xbf")
    return ((number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip())


def row(line: bytes) -> Row:
    """One line as an object. Raises `FieldError`."""
    try:
        found: Any = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise FieldError(f"it is not UTF-8 (byte {exc.start + 1})") from exc
    except json.JSONDecodeError as exc:
        raise FieldError(f"it is not JSON (column {exc.colno})") from exc
    except ValueError as exc:  # Python reads no integer of more than 4300 digits
        raise FieldError("it holds a number with thousands of digits") from exc
    except RecursionError as exc:
        raise FieldError("it is nested too deeply") from exc
    if not isinstance(found, dict):
        raise FieldError(f"it is {kind_of(found)}, not an object with fields")
    return found


def bad_line(path: Path, number: int, name: str, reason: FieldError) -> DataError:
    """The error for one damaged line among others; `name` is that of a published data set, or empty."""
    what = f"not a problem of {name}: " if name else ""
    return DataError(f"{path}, line {number}: {what}{reason}", _SKIP)


def bad_file(path: Path, data: bytes, name: str, number: int, reason: FieldError) -> DataError:
    """The error for a file without one good line: skipping would leave nothing of it."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if path.suffix.lower() in _TABLES:
        hint = _COLUMNS
    elif start.startswith(b"["):
        hint = "the file is one JSON list; one object per line: jq -c '.[]' FILE > NEW.jsonl"
    elif start.startswith(b"{") and start.split(b"\n", 1)[0].strip() in {b"{", b"{}"}:
        hint = "the file is JSON over several lines; one object per line: jq -c . FILE > NEW.jsonl"
    elif not start.startswith(b"{"):
        hint = f"{_EXAMPLE}; a table has a name that ends in .csv or .tsv"
    elif name:
        hint = f"no line has the fields of {name}; in a file of your own {_EXAMPLE}"
    else:
        hint = f"{_EXAMPLE}; id, subject and level are optional"
    what = f"a file of {name}" if name else "a file of problems"
    return ForeignFile(f"{path} is not {what}: line {number}: {reason}", hint)
