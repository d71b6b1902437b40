"""A base model's predictions in a file, so that another model, on another machine, can be compared with them.

Layout, little-endian: `QMLOGITS`, the length of a JSON header (uint32), the header, then one record per scored
position: scale and floor (float32), the target's step and the number of tokens n (uint32), n ids (uint32), n steps
(uint16). The header has the model, its vocabulary, and the passages' token ids. The precision is that of `base_row`:
16 bits over at most 16 nats; tokens below a log-probability of -16 are left out.

A file is written beside its name and renamed when it is complete.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from qmath_cli.benchmark.divergence.base_row import BaseRow
from qmath_cli.benchmark.divergence.passage import Passage
from qmath_cli.errors import DoesNotFit, IntegrityError, UsageError
from qmath_cli.files import unfinished

_MAGIC = b"QMLOGITS"
_SCHEMA = "qmath.logits/1"
_RECORD = struct.Struct("<ffII")
_MOST_HEADER = 1 << 28  # bytes


@dataclass(frozen=True, slots=True)
class BaseHeader:
    """What a file of predictions is about.

    Attributes:
        model: the base model's name, with its quantization.
        vocabulary: how many tokens it has.
        source: what the passages are, in words.
        passages: the passages.
    """

    model: str
    vocabulary: int
    source: str
    passages: tuple[Passage, ...]


def is_base_file(path: Path) -> bool:
    """Whether a file begins as these do."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


class BaseWriter:
    """Appends records; made by `writing`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, row: BaseRow) -> None:
        """Append one position's prediction."""
        self._file.write(_RECORD.pack(row.scale, row.floor, row.target, row.ids.size))
        self._file.write(row.ids.astype("<u4").tobytes())
        self._file.write(row.steps.astype("<u2").tobytes())


@contextmanager
def writing(path: Path, header: BaseHeader) -> Iterator[BaseWriter]:
    """Write a file of predictions: it has its name only when the block ends without an error.

    Raises:
        DoesNotFit: the disk is full, or the folder cannot be written.
    """
    part = unfinished(path)
    text = json.dumps(_as_json(header)).encode()
    try:
        with part.open("wb") as file:
            file.write(_MAGIC + struct.pack("<I", len(text)) + text)
            yield BaseWriter(file)
        part.replace(path)
    except OSError as exc:
        raise DoesNotFit(f"cannot write {path}: {exc.strerror or exc}", "another folder, or fewer chunks") from exc
    finally:
        part.unlink(missing_ok=True)


class BaseReader:
    """The predictions of a file in order; made by `reading`. `header` says what they are about."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self.header = _header(file, path)

    def read(self) -> BaseRow:
        """The next position's prediction. Raises `IntegrityError` if the file is cut or damaged."""
        scale, floor, target, count = _RECORD.unpack(self._exactly(_RECORD.size))
        if count > self.header.vocabulary or target > np.iinfo(np.uint16).max:
            raise _damaged(self._path)
        ids = np.frombuffer(self._exactly(4 * count), "<u4")
        if count and int(ids.max()) >= self.header.vocabulary:
            raise _damaged(self._path)
        steps = np.frombuffer(self._exactly(2 * count), "<u2")
        return BaseRow(np.float32(scale), np.float32(floor), target, ids, steps)

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) != size:
            raise _damaged(self._path)
        return data


@contextmanager
def reading(path: Path) -> Iterator[BaseReader]:
    """Open a file of predictions.

    Raises:
        UsageError: the file cannot be read.
        IntegrityError: it is not one of these files, or is damaged.
    """
    try:
        file = path.open("rb")
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror or exc}") from exc
    with file:
        yield BaseReader(file, path)


def _as_json(header: BaseHeader) -> dict[str, object]:
    passages: Sequence[object] = [
        {"first": p.first, "given": [list(pair) for pair in p.given], "tokens": list(p.tokens)} for p in header.passages
    ]
    return {
        "schema": _SCHEMA,
        "model": header.model,
        "vocabulary": header.vocabulary,
        "source": header.source,
        "passages": passages,
    }


def _header(file: BinaryIO, path: Path) -> BaseHeader:
    head = file.read(len(_MAGIC) + 4)
    size = int.from_bytes(head[len(_MAGIC) :], "little")
    if head[: len(_MAGIC)] != _MAGIC or not 0 < size <= _MOST_HEADER:
        raise _damaged(path)
    try:
        found = json.loads(file.read(size))
        passages = tuple(_passage(one) for one in found["passages"])
        return BaseHeader(str(found["model"]), int(found["vocabulary"]), str(found["source"]), passages)
    except (ValueError, KeyError, TypeError) as exc:
        raise _damaged(path) from exc


def _passage(found: Mapping[str, Any]) -> Passage:
    given = tuple((int(start), int(end)) for start, end in found["given"])
    return Passage(tuple(map(int, found["tokens"])), int(found["first"]), given)


def _damaged(path: Path) -> IntegrityError:
    return IntegrityError(f"{path} is not a complete file of predictions", "make it again with --save-base")
