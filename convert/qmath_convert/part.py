"""A file that is being written: `NAME.part`, and `NAME.part.journal`, which lists the tensors that are complete.

The invariants, which make `kill -9` at any moment harmless:

1. The final name appears only by renaming a complete file that is verified and flushed to the disk (fsync).
2. A tensor's name is appended to the journal only after its bytes are flushed. The journal is flushed as well.
3. The journal's first line is the fingerprint of the plan: header and source. A run with another plan starts over.
4. The journal is deleted last, after the rename: a final file that still has a journal is complete.
5. The journal is locked from `open` to `close`: one process at a time writes a file.

A torn last line (the machine stopped while it was written) is ignored.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor

from qmath_convert.errors import CannotWrite

UNFINISHED = ".part"  # the suffix of an output that is not complete
_JOURNAL = ".part.journal"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def unfinished_files(path: Path) -> tuple[Path, Path]:
    """What an interrupted conversion to `path` leaves.

    Returns:
        The unfinished file, and its journal. Either may be absent.
    """
    return path.with_name(path.name + UNFINISHED), path.with_name(path.name + _JOURNAL)


def reserved_bytes(path: Path) -> int:
    """Bytes of disk that an interrupted conversion to `path` occupies; 0 where the system does not report it."""
    part, _journal = unfinished_files(path)
    return getattr(part.stat(), "st_blocks", 0) * 512 if part.is_file() else 0


class Part:
    """One output while it is written. `open` it first; then `write_at` may be called from several threads.

    `done` holds the names of the tensors that an earlier run recorded. `complete` is true where an earlier run renamed
    the whole file and stopped before it deleted the journal.
    """

    def __init__(self, path: Path, size: int, fingerprint: str) -> None:
        self.path = path
        self.part, self._journal_path = unfinished_files(path)
        self._size = size
        self._fingerprint = fingerprint
        self._file: BinaryIO | None = None  # the journal, open and locked
        self.done: frozenset[str] = frozenset()
        self.complete = False

    def open(self, header: bytes) -> None:
        """Resume an earlier run's file if the same plan made it, or start a new one.

        Args:
            header: the bytes before the first tensor, written to a new file.

        Raises:
            CannotWrite: the disk refuses, or another process holds the journal.
        """
        with _translated(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = _locked(self._journal_path, self.path)
            recorded = self._recorded()
            if recorded is not None and self.path.is_file() and not self.part.exists():
                self.complete = True
            elif recorded is not None and self.part.is_file() and self.part.stat().st_size == self._size:
                self.done = recorded
            else:
                self._start(header)

    def write_at(self, offset: int, data: memoryview) -> None:
        """Write bytes at an offset. Each call opens the file anew, so threads share no file position."""
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
        """Flush the file, then add these complete tensors to the journal."""
        with _translated(self.path):
            _sync(self.part)
            self._append(names)

    def retract(self, names: Iterable[str]) -> None:
        """Take tensors out of the journal, because what they were made from is damaged."""
        with _translated(self.path):
            kept = (self._recorded() or frozenset()) - frozenset(names)
            self._begin_journal()  # a kill between these two lines loses progress, not correctness
            self._append(sorted(kept))
        self.done = kept

    def finish(self) -> None:
        """Give the file its final name. The journal stays until `remove_journal`."""
        with _translated(self.path):
            _sync(self.part)
            self.part.replace(self.path)
            _sync_folder(self.path.parent)

    def remove_journal(self) -> None:
        """Delete the journal, once every output of the conversion has its final name."""
        self.close()
        self._journal_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal, which releases the lock."""
        if self._file is not None:
            self._file.close()

    def discard(self) -> None:
        """Delete what was written. Does nothing if `open` failed, because another process may own the files."""
        if self._file is None:
            return
        self.close()
        for path in (self.part, self._journal_path):
            with suppress(OSError):  # the error that led here matters more
                path.unlink(missing_ok=True)

    def _recorded(self) -> frozenset[str] | None:
        """The tensors that an earlier run of the same plan recorded; None if there was no such run."""
        journal = self._journal()
        journal.seek(0)
        fingerprint, *names = journal.read().decode("utf-8", errors="replace").split("\n")
        return frozenset(names[:-1]) if fingerprint == self._fingerprint and names else None

    def _start(self, header: bytes) -> None:
        self._journal().truncate(0)
        with self.part.open("wb") as file:
            _allocate(file.fileno(), self._size)
            file.write(header)
        self._begin_journal()

    def _begin_journal(self) -> None:
        self._journal().truncate(0)
        self._append([self._fingerprint])

    def _append(self, lines: Iterable[str]) -> None:
        journal = self._journal()  # in append mode: every write goes to the end
        journal.write("".join(f"{line}\n" for line in lines).encode())
        journal.flush()
        os.fsync(journal.fileno())

    def _journal(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("a Part is used before it is opened")
        return self._file


def _locked(journal_path: Path, output: Path) -> BinaryIO:
    """Open the journal and lock it. The system releases the lock when the file is closed or the process dies.

    The journal itself is locked, so there is no lock file to delete: deleting one lets two processes hold the same lock
    for a moment (https://github.com/tox-dev/filelock/issues/574).
    """
    journal = journal_path.open("a+b")
    try:
        locked = lock_descriptor(journal.fileno(), blocking=False)
    except OSError:
        journal.close()
        raise
    if not locked:
        journal.close()
        raise CannotWrite(f"another process is writing {output}", "Wait until it is done, or end it.")
    return journal


def _allocate(descriptor: int, size: int) -> None:
    """Reserve all of the file's disk space where the system can, so that a full disk is an error before the work."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as exc:
            if exc.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                raise
        else:
            return
    os.ftruncate(descriptor, size)


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Flush a rename to the disk; Windows neither needs nor allows this."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn the system's errors into `CannotWrite`."""
    try:
        yield
    except OSError as exc:
        hint = "Free some room or choose another disk." if exc.errno in _FULL else "Choose another folder with -o."
        raise CannotWrite(f"cannot write {path}: {exc.strerror or exc}", hint) from exc
