"""sha256 of files, and a memo of it, so that a start does not read five gigabytes again.

A file counts as unchanged while its size, modification time (ns) and inode are what they were when it was hashed; the
memo is one JSON file in the state folder. It is a shortcut, not a guard: who can write the model can write the memo.
`qmath verify` ignores it. A state folder that cannot be written, or a damaged memo, only costs the time to hash again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.files import write_json

_BLOCK = 1 << 20

Seen = Callable[[int], None]


def sha256_file(path: Path, seen: Seen | None = None) -> str:
    """The hex sha256 of a file; `seen` is told the bytes of each block that was read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            if seen:
                seen(len(block))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Memo:
    """The remembered hashes; `path` is the JSON file, which need not exist."""

    path: Path

    @classmethod
    def within(cls, state: Path) -> Memo:
        """The memo of a state folder."""
        return cls(state / "hashes.json")

    def get(self, file: Path) -> str | None:
        """The hash of `file`, if it was remembered and the file looks unchanged."""
        entry = self._read().get(str(file.resolve()))
        return str(entry["sha256"]) if entry and entry.get("stat") == _stat(file) else None

    def put(self, file: Path, sha256: str) -> None:
        """Remember the hash of `file` as it is now, and forget files that are gone."""
        entries = {name: entry for name, entry in self._read().items() if Path(name).exists()}
        entries[str(file.resolve())] = {"stat": _stat(file), "sha256": sha256}
        with suppress(OSError):  # a read-only state folder: the next start hashes again
            write_json(self.path, entries)

    def hash(self, file: Path, seen: Seen | None = None) -> str:
        """The hash of `file`, from the memo or by reading it."""
        known = self.get(file)
        if known is None:
            known = sha256_file(file, seen)
            self.put(file, known)
        return known

    def _read(self) -> dict[str, dict[str, object]]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # absent or damaged: nothing is remembered
            return {}
        return found if isinstance(found, dict) else {}


def _stat(file: Path) -> list[int]:
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]
