"""A file that is being written: `NAME.part`, and beside it a journal of what is already safe on the disk.

The invariants, which make `kill -9` at any moment harmless:

1. The final name appears only by renaming a complete file that has been verified and is on the disk (fsync).
2. A tensor's name is appended to the journal only after its bytes are on the disk, and the journal is fsynced itself.
3. The journal's first line is the fingerprint of the plan: header and source. Another plan starts from nothing.
4. The journal goes last, after the rename: a final file with a journal beside it is complete.
5. The journal is locked from `open` to `close`: one process at a time writes a file.

A torn last line (the machine stopped while it was written) is ignored.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from qmath_convert.errors import CannotWrite

UNFINISHED = ".part"  # the suffix of an output that is not complete
_JOURNAL = ".part.journal"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def unfinished_files(path: Path) -> tuple[Path, Path]:
    """What an interrupted conversion to `path` leaves: the file so far, and the journal of what is in it."""
    return path.with_name(path.name + UNFINISHED), path.with_name(path.name + _JOURNAL)


def reserved_bytes(path: Path) -> int:
    """Bytes of disk that an interrupted conversion to `path` already takes; 0 where the system does not tell."""
    part, _journal = unfinished_files(path)
    return getattr(part.stat(), "st_blocks", 0) * 512 if part.is_file() else 0


class Part:
    """One output on its way. Make it with `open_part`; `write_at` may be called from several threads."""

    def __init__(self, path: Path, size: int, fingerprint: str) -> None:
        self.path = path
        self.part, self._journal = unfinished_files(path)
        self._size = size
        self._fingerprint = fingerprint
        self._file: BinaryIO | None = None  # the journal, open and locked
        self.done: frozenset[str] = frozenset()
        self.complete = False

    def open(self, header: bytes) -> None:
        """Take up an earlier run's file if it was made by the same plan, or start a new one."""
        with _translated(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            journal = self._journal.open("a+b")
            _lock(journal, self.path)
            self._file = journal
            done = self._journalled()
            if done is not None and self.path.is_file() and not self.part.exists():
                self.complete = True
            elif done is not None and self.part.is_file() and self.part.stat().st_size == self._size:
                self.done = done
            else:
                self._start(header)

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write bytes at a place. Each call opens the file anew, so that threads share nothing."""
        with _translated(self.path), self.part.open("r+b", buffering=0) as file:
            file.seek(offset)
            while data:
                data = data[file.write(data) :]

    def read_at(self, offset: int, length: int) -> bytes:
        """Read back what was written."""
        with _translated(self.path), self.part.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(length)

    def record(self, names: Iterable[str]) -> None:
        """These tensors are complete: put them on the disk, then into the journal."""
        with _translated(self.path):
            _sync(self.part)
            self._append(names)

    def retract(self, names: Iterable[str]) -> None:
        """These tensors were recorded, but what they were made from turned out wrong: take them out of the journal."""
        with _translated(self.path):
            kept = (self._journalled() or frozenset()) - frozenset(names)
            self._begin_journal()  # a stop between these two lines costs work, not truth
            self._append(sorted(kept))
        self.done = kept

    def finish(self) -> None:
        """Give the file its name. The journal stays until `forget`."""
        with _translated(self.path):
            _sync(self.part)
            self.part.replace(self.path)
            _sync_folder(self.path.parent)

    def forget(self) -> None:
        """Everything is done: remove the journal."""
        self.close()
        self._journal.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the journal, and so of the lock."""
        if self._file is not None:
            self._file.close()

    def discard(self) -> None:
        """Leave nothing behind. A file that cannot be removed is not worth hiding the error that led here."""
        if self._file is None:
            return  # never ours
        self.close()
        for path in (self.part, self._journal):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _journalled(self) -> frozenset[str] | None:
        """The tensors that an earlier run of the same plan recorded; None if there was no such run."""
        journal = self._opened()
        journal.seek(0)
        fingerprint, *names = journal.read().decode("utf-8", errors="replace").split("\n")
        return frozenset(names[:-1]) if fingerprint == self._fingerprint and names else None

    def _start(self, header: bytes) -> None:
        self._opened().truncate(0)
        with self.part.open("wb") as file:
            _allocate(file.fileno(), self._size)
            file.write(header)
        self._begin_journal()

    def _begin_journal(self) -> None:
        self._opened().truncate(0)
        self._append([self._fingerprint])

    def _append(self, lines: Iterable[str]) -> None:
        journal = self._opened()  # in append mode: every write goes to the end
        journal.write("".join(f"{line}\n" for line in lines).encode())
        journal.flush()
        os.fsync(journal.fileno())

    def _opened(self) -> BinaryIO:
        assert self._file is not None, "open first"
        return self._file


def _allocate(descriptor: int, size: int) -> None:
    """Reserve the room at once where the system can, so that a full disk is found before the work and not after it."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as exc:
            if exc.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                raise
        else:
            return
    os.ftruncate(descriptor, size)


def _lock(file: BinaryIO, path: Path) -> None:
    """Hold the journal until it is closed, or the process dies. Raises `CannotWrite` if another process does."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(1 << 30)  # a byte that is never written: Windows locks keep others from reading, too
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as exc:
        file.close()
        raise CannotWrite(f"another process is writing {path}", "Wait until it is done, or end it.") from exc


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """A rename is on the disk when its folder is; Windows neither needs nor allows this."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        hint = "Free some room or choose another disk." if exc.errno in _FULL else "Choose another place with -o."
        raise CannotWrite(f"cannot write {path}: {exc.strerror or exc}", hint) from exc
