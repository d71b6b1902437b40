"""The KV cells of a prompt's beginning, kept on disk: the shots of a base model need not be computed in every run.

A file is named by a hash of everything that the cells depend on: the model, the tokens, the element type of the cache,
the device and the build of llama.cpp. It holds a SHA-256 and the cells as llama.cpp serialises a sequence
(`llama_state_seq_get_data`); the hash is checked first, because llama.cpp takes what it is given and a damaged file
would end the process. A file that is not good is computed anew: nothing here can make an answer wrong, only slower.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from qmath_cli.engine.llama.builds import installed
from qmath_cli.engine.llama.model import Model
from qmath_cli.files import write_atomically

_DIGEST = 32  # bytes of a SHA-256
_MOST = 8  # files: a thousand tokens of a 7B model are 56 MB


def file_of(folder: Path, model: Model, identity: str, tokens: Sequence[int]) -> Path:
    """Where these tokens' cells lie; `identity` is the model's hash, its file's size and time where it has none."""
    stat = model.path.stat()
    marks = [
        identity or f"{model.path.resolve()} {stat.st_size} {stat.st_mtime_ns}",
        installed().key,
        model.options.kv_type,
        str(model.placement),
        " ".join(map(str, tokens)),
    ]
    return folder / (hashlib.sha256("\n".join(marks).encode()).hexdigest()[:32] + ".kv")


def save(state: bytes, file: Path) -> bool:
    """Write serialised cells, and let the oldest files go; false where the disk does not take them."""
    try:
        write_atomically(file, (hashlib.sha256(state).digest(), state))
        for old in sorted(file.parent.glob("*.kv"), key=lambda one: one.stat().st_mtime)[:-_MOST]:
            old.unlink()
    except OSError:
        return False
    return True


def read(file: Path) -> bytes | None:
    """Serialised cells; None unless the file is there and good."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, state = content[:_DIGEST], content[_DIGEST:]
    return state if hashlib.sha256(state).digest() == digest else None
