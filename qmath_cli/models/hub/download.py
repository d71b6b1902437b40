"""The download of one file, which can be read while it is incomplete.

The bytes go to `<file>.<identity>.part`. A run that was killed is resumed at its last byte; a part of another version
of the file is never resumed. The file is renamed when it is complete, flushed and has the expected hash: a file under
its final name is verified. One thread writes; readers on any thread wait for their bytes. Readers get `IntegrityError`
for a wrong hash (the part is deleted), `DoesNotFit` for a full disk, and any error of the stream.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from qmath_cli.errors import IntegrityError, NetworkError, QmathError
from qmath_cli.files import cannot_write, unfinished
from qmath_cli.models.hub.remote import RemoteFile

Blocks = Callable[[int], Iterator[bytes]]
"""The file's bytes from an offset to its end, in order."""

_BLOCK_BYTES = 1 << 20


class Digest(Protocol):
    """A hash object of hashlib."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        ...

    def hexdigest(self) -> str:
        """The hash of all bytes added so far."""
        ...


def digest_of(file: RemoteFile) -> tuple[Digest, str | None]:
    """The hash object for a file, and the expected hash: sha256, or git's sha1 for small files; None if unknown."""
    if file.sha256 is None and file.git_sha1 is not None:
        return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False), file.git_sha1
    return hashlib.sha256(), file.sha256


def is_intact(file: RemoteFile, data: bytes) -> bool:
    """Whether a whole file has the announced size and every announced hash."""
    sha1 = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return (
        len(data) == file.size
        and file.sha256 in (None, hashlib.sha256(data).hexdigest())
        and file.git_sha1 in (None, sha1.hexdigest())
    )


def check(file: RemoteFile, digest: Digest, expected: str | None, where: str) -> None:
    """Raise `IntegrityError` unless the digest is the expected one. Does nothing if `expected` is None."""
    if expected is not None and digest.hexdigest() != expected:
        raise IntegrityError(
            f"{file.name} {where} is damaged: its hash is {digest.hexdigest()}, expected {expected}",
            "run the same command again",
        )


class Download:
    """A download in a separate thread, until it is complete, fails or is cancelled. `start` it once."""

    def __init__(self, file: RemoteFile, folder: Path, blocks: Blocks) -> None:
        self.file = file
        self.path = folder / file.name
        self.part = part_path(folder, file)
        self._blocks = blocks
        self._changed = threading.Condition()
        self._available = 0
        self._complete = False
        self._error: QmathError | None = None
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name=f"download {file.name}", daemon=True)

    def start(self) -> None:
        """Start, or resume where an earlier run stopped."""
        self._thread.start()

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from a byte offset, waiting for the bytes. Raises the download's error."""
        end = offset + len(buffer)
        if end > self.file.size:
            raise IntegrityError(f"{self.file.name} ends before byte {end}", "run the same command again")
        with self._changed:
            self._wait(lambda: self._available >= end)
            file = (self.path if self._complete else self.part).open("rb", buffering=0)
        with file:
            file.seek(offset)
            fill(file, buffer, self.file.name)

    def finish(self) -> None:
        """Wait until the file is complete and verified. Raises the download's error."""
        with self._changed:
            self._wait(lambda: self._complete)

    def cancel(self) -> None:
        """Stop after the current block. Waiting readers raise `NetworkError`; the part stays for the next run."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool]) -> None:
        while True:
            if self._error is not None:
                raise self._error
            if ready():
                return
            if self._cancelled:
                raise NetworkError(f"the download of {self.file.name} was stopped", "the same command resumes it")
            self._changed.wait(timeout=0.5)  # a bounded wait lets Ctrl-C through on every system

    def _run(self) -> None:
        try:
            self._receive()
        except QmathError as exc:
            self._fail(exc)
        except OSError as exc:
            self._fail(cannot_write(self.part, exc))
        except Exception as exc:  # noqa: BLE001  a thread has no caller, and the readers would wait for ever
            self._fail(QmathError(f"the download of {self.file.name} failed: {exc!r}"))

    def _receive(self) -> None:
        digest, expected = digest_of(self.file)
        with self.part.open("a+b", buffering=0) as out:
            out.seek(0)
            while not self._cancelled and (block := out.read(_BLOCK_BYTES)):  # the part that an earlier run left
                digest.update(block)
                self._advance(len(block))
            for block in self._blocks(self._available):
                if self._cancelled:
                    return
                out.write(block)
                digest.update(block)
                self._advance(len(block))
            os.fsync(out.fileno())
        if not self._cancelled:
            self._complete_file(digest, expected)

    def _complete_file(self, digest: Digest, expected: str | None) -> None:
        """Rename the file if its hash is right, else delete it. Readers wait meanwhile."""
        with self._changed:
            try:
                check(self.file, digest, expected, "as downloaded")
            except IntegrityError as exc:
                self._error = exc
                self.part.unlink(missing_ok=True)
            else:
                self.part.replace(self.path)
                self._complete = True
            self._changed.notify_all()

    def _advance(self, count: int) -> None:
        with self._changed:
            self._available += count
            self._changed.notify_all()

    def _fail(self, error: QmathError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()


def part_path(folder: Path, file: RemoteFile) -> Path:
    """The unfinished file of this version of a file."""
    return unfinished(folder / file.name, file.identity[:16])


class _Raw(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...


def fill(file: _Raw, buffer: memoryview, name: str) -> None:
    """Read until `buffer` is full: a raw file may return fewer bytes than requested."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])
        if not count:
            raise IntegrityError(f"{name} ends too early", "run the same command again")
        done += count
