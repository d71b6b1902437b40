"""The first bytes of a GGUF file, read before llama.cpp sees it, so that what is wrong can be said plainly.

Format: the GGUF specification in ggml's docs/gguf.md. Only the leading key/values are read; the rest of the file is
llama.cpp's to check.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from qmath_cli.errors import IntegrityError, ModelMissing, QmathError

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_STRING = 8  # GGUF_TYPE_STRING
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_LONGEST = 65_536  # bytes of a name or a short string; more means that this is no header


@dataclass(frozen=True, slots=True)
class Header:
    """What the leading key/values say; empty and 0 where the file does not begin with them, as writers do."""

    version: int
    architecture: str
    layers: int


def read(path: Path) -> Header:
    """Read a file's first bytes. Raises `ModelMissing`, `IntegrityError`, or `QmathError` where it may not be read."""
    try:
        with path.open("rb") as file:
            return _header(file, path)
    except FileNotFoundError as exc:
        raise ModelMissing(f"there is no file {path}", "`qmath list` shows the models on this machine") from exc
    except IsADirectoryError as exc:
        raise ModelMissing(f"{path} is a folder, not a GGUF file", "`qmath convert` makes a GGUF of it") from exc
    except PermissionError as exc:
        raise QmathError(f"{path} may not be read", f"chmod u+r {path}") from exc
    except OSError as exc:
        raise QmathError(f"{path} cannot be read: {exc.strerror}") from exc


def _header(file: BinaryIO, path: Path) -> Header:
    start = file.read(24)
    if start[:4] != _MAGIC:
        raise IntegrityError(f"{path} is not a GGUF file", "`qmath convert` makes one of a Hugging Face checkpoint")
    if len(start) < 24:
        raise IntegrityError(f"{path} ends inside its header", "the file is incomplete: copy or convert it again")
    version, _tensors, pairs = struct.unpack("<IQQ", start[4:])
    if version not in _VERSIONS:
        raise IntegrityError(f"{path} is a GGUF file of version {version}; this program knows 2 and 3")
    values = dict(_scalars(file, pairs))
    architecture = values.get("general.architecture", "")
    layers = values.get(f"{architecture}.block_count", 0)
    return Header(version, str(architecture), int(layers))


def _scalars(file: BinaryIO, pairs: int) -> Iterator[tuple[str, str | float]]:
    """The key/values before the first array (the vocabulary), or before the first thing that makes no sense."""
    for _ in range(pairs):
        name = _string(file).decode("utf-8", "replace")
        kind = int.from_bytes(file.read(4), "little")
        if kind == _STRING:
            yield name, _string(file).decode("utf-8", "replace")
        elif kind in _NUMBERS:
            value = file.read(struct.calcsize(_NUMBERS[kind]))
            if len(value) < struct.calcsize(_NUMBERS[kind]):
                return
            yield name, struct.unpack("<" + _NUMBERS[kind], value)[0]
        else:
            return


def _string(file: BinaryIO) -> bytes:
    size = file.read(8)
    length = int.from_bytes(size, "little") if len(size) == 8 else 0
    return file.read(length) if length <= _LONGEST else b""
