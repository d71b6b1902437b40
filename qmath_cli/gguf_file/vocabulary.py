"""Looks up single tokens in the vocabulary of a file, without reading the 150,000 others."""

from __future__ import annotations

import mmap
import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from pathlib import Path

from qmath_cli.errors import IntegrityError
from qmath_cli.gguf_file.cursor import STRIDE
from qmath_cli.gguf_file.header import Array, Header
from qmath_cli.gguf_file.tables import STRING


def find_tokens(path: Path, header: Header, tokens: Iterable[str]) -> Mapping[str, int]:
    """The ids of tokens.

    Args:
        path: The file; the first one of a split model.
        header: Its header.
        tokens: Texts; a token must have exactly this text, whatever its type.

    Returns:
        The ids of those that the vocabulary has.

    Raises:
        IntegrityError: The file can no longer be read.
    """
    found = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(found, Array) or found.kind != STRING or not found.marks:
        return {}
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            ids = {text: _find(view, found, text.encode()) for text in tokens}
    except (OSError, ValueError, struct.error) as exc:
        raise IntegrityError(f"cannot read {path}: {exc}", "was it changed? try again") from exc
    return {text: number for text, number in ids.items() if number is not None}


def _find(view: mmap.mmap, array: Array, token: bytes) -> int | None:
    wanted = struct.pack("<Q", len(token)) + token
    at = view.find(wanted, array.start, array.end)
    while at >= 0:
        if (number := _number(view, array, at)) is not None:
            return number
        at = view.find(wanted, at + 1, array.end)  # these bytes were inside another token
    return None


def _number(view: mmap.mmap, array: Array, position: int) -> int | None:
    """The number of the string that begins at a position; None if none begins there."""
    mark = bisect_right(array.marks, position) - 1
    at, number = array.marks[mark], mark * STRIDE
    while at < position:
        at += 8 + struct.unpack_from("<Q", view, at)[0]
        number += 1
    return number if at == position else None
