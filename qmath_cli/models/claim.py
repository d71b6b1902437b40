"""A folder that one process at a time may work in, held by a lock that the system drops when the process dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from qmath_cli.errors import UsageError
from qmath_cli.models.hub.download import cannot_write


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold `folder` for the block. Raises `UsageError` if another process does, `DoesNotFit` if it is not writable."""
    path = folder.with_name(folder.name + ".lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    with file:
        try:
            _lock(file)
        except OSError as exc:
            raise UsageError(f"another qmath is working in {folder}", "wait until it is done, or end it") from exc
        yield


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
