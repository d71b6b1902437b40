"""How much of a model file is loaded.

llama.cpp maps the file into memory first, which reads all of it from the disk, and calls its progress callback only
afterwards, while it copies tensors to a GPU or repacks them for the CPU. How far the mapping has come is seen in the
pages of files that this process has in memory (Linux: /proc/self/statm, see proc(5)); elsewhere it is not known.
"""

from __future__ import annotations

import os
from pathlib import Path

_STATM = Path("/proc/self/statm")


class LoadShare:
    """The share of one load. llama.cpp's thread sets `reported`; any thread asks `now`.

    Args:
        path: The file.
        staged: Whether tensors are copied or repacked after the file has been read. Both take about as long.
    """

    def __init__(self, path: Path, *, staged: bool) -> None:
        self._size = max(path.stat().st_size, 1)
        self._staged = staged
        self._before = _resident()
        self.reported = 0.0  # by llama.cpp, from 0 to 1

    def now(self) -> float:
        """The share at this moment, from 0 to 1."""
        if self._before is None:
            return self.reported
        mapped = min(max((_resident() or 0) - self._before, 0) / self._size, 1.0)
        return (max(mapped, self.reported) + self.reported) / 2 if self._staged else max(mapped, self.reported)


def _resident() -> int | None:
    """Bytes of mapped files that are in memory; None where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[2]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None
