"""The lines of a JSONL file, and in words why one is none or why a whole file is of another format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError
from qmath_cli.evaluation.fields import FieldError, Row, kind_of

_SKIP = "--skip-bad skips damaged lines and reports how many"
_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_OTHER_FILES = {b"PAR1": "Parquet", b"\x1f\x8b": "gzip", b"PK\x03\x04": "a zip archive", b"ARROW1": "Arrow"}


def read(path: Path) -> bytes:
    """The content of a file. Raises `DataError` where it cannot be read, or is visibly no text in UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DataError(f"cannot read {path}: {exc.strerror or exc}") from exc
    for magic, name in {**_OTHER_FILES, **_BOMS}.items():
        if data.startswith(magic):
            hint = f"iconv -f {name} -t UTF-8" if magic in _BOMS else "write its rows as JSON, one object per line"
            raise DataError(f"{path} is {name}, not JSONL in UTF-8", hint)
    return data


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
    """The error for one damaged line among others."""
    return DataError(f"{path}, line {number}: not a problem of {name}: {reason}", _SKIP)


def bad_file(path: Path, data: bytes, name: str, number: int, reason: FieldError) -> DataError:
    """The error for a file without one good line: skipping would leave nothing of it."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        hint = "the file is one JSON list; one object per line: jq -c '.[]' FILE > NEW.jsonl"
    elif start.startswith(b"{") and start.split(b"\n", 1)[0].strip() in {b"{", b"{}"}:
        hint = "the file is JSON over several lines; one object per line: jq -c . FILE > NEW.jsonl"
    elif not start.startswith(b"{"):
        hint = "a data set is JSONL: one JSON object per line, with the fields problem and answer"
    else:
        hint = f"no line has the fields of {name}; a data set of your own has problem and answer"
    return DataError(f"{path} is not a file of {name}: line {number}: {reason}", hint)
