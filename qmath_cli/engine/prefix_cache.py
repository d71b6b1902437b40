"""The prefix cache on disk: KV cells of prompt beginnings, so that few-shot examples are not computed in every run.

A file is named by a hash of everything that the cells depend on: the model, the tokens, the element type of the KV
cache, the device and the build of llama.cpp. It contains a SHA-256 and the cells as llama.cpp serialises a sequence
(`llama_state_seq_get_data`). The SHA-256 is checked before llama.cpp gets the cells, because a damaged state can crash
it. A file that is missing or damaged costs time only: its cells are computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from qmath_cli.engine.llama.builds import installed
from qmath_cli.engine.llama.model import Model
from qmath_cli.files import write_atomically

_DIGEST = 32  # bytes of a SHA-256
_MAX_FILES = 8  # a thousand tokens of a 7B model are 56 MB


def file_of(folder: Path, model: Model, identity: str, tokens: Sequence[int]) -> Path:
    """The file for the cells of these tokens.

    Args:
        folder: The folder of the cache.
        model: The loaded model.
        identity: The SHA-256 of the model file; empty: its path, size and modification time are used.
        tokens: The tokens of the prefix.
    """
    stat = model.path.stat()
    parts = [
        identity or f"{model.path.resolve()} {stat.st_size} {stat.st_mtime_ns}",
        installed().key,
        model.options.kv_type,
        str(model.placement),
        " ".join(map(str, tokens)),
    ]
    return folder / (hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32] + ".kv")


def save(state: bytes, file: Path) -> bool:
    """Write serialised cells and delete the oldest files; false if the disk does not allow it."""
    try:
        write_atomically(file, (hashlib.sha256(state).digest(), state))
        for old in sorted(file.parent.glob("*.kv"), key=lambda one: one.stat().st_mtime)[:-_MAX_FILES]:
            old.unlink()
    except OSError:
        return False
    return True


def read(file: Path) -> bytes | None:
    """Read serialised cells; None if the file is missing or damaged."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, state = content[:_DIGEST], content[_DIGEST:]
    return state if hashlib.sha256(state).digest() == digest else None
