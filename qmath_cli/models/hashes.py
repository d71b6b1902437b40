"""sha256 of files, and a memo of hashes, so that a model is not read whole at every start.

The memo is one JSON file in the state folder. A hash in it is valid while the file's size, modification time (ns) and
inode are unchanged. It saves time and protects against nothing: a program that can change the model can change the
memo, and `qmath verify` ignores it. If the memo is damaged or cannot be written, files are hashed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.files import write_json

_BLOCK = 1 << 20  # bytes

OnBytes = Callable[[int], None]
"""Called with the number of bytes of each block that was read."""


def sha256_file(path: Path, on_bytes: OnBytes | None = None) -> str:
    """Hash a file.

    Args:
        path: The file.
        on_bytes: Called after each block, for progress.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if on_bytes:
                on_bytes(len(block))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Memo:
    """Hashes of files. `path` is the JSON file, which need not exist."""

    path: Path

    @classmethod
    def within(cls, state: Path) -> Memo:
        """The memo of a state folder."""
        return cls(state / "hashes.json")

    def get(self, file: Path) -> str | None:
        """The hash of `file`; None if there is none or the file has changed since. Raises `OSError` if it is gone."""
        entry = self._read().get(str(file.resolve()))
        return str(entry["sha256"]) if entry and entry.get("stat") == _stat(file) else None

    def put(self, file: Path, sha256: str) -> None:
        """Store the hash of `file`, and drop those of files that no longer exist."""
        entries = {name: entry for name, entry in self._read().items() if Path(name).exists()}
        entries[str(file.resolve())] = {"stat": _stat(file), "sha256": sha256}
        with suppress(OSError):  # a read-only state folder: the next start hashes again
            write_json(self.path, entries)

    def _read(self) -> dict[str, dict[str, object]]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # absent or damaged
            return {}
        return found if isinstance(found, dict) else {}


def _stat(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]
