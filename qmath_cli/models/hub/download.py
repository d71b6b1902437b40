"""One file on its way to the disk, readable while it arrives.

The bytes go to `<file>.<identity>.part`; a run that was killed is continued at the byte where it stopped, and a part of
another version of the file is never continued. The file gets its name only when all of it is on the disk and its hash
is the announced one: a file under its own name is verified. One writer thread; readers on any thread wait for the bytes
they ask for. Raises `IntegrityError` for a wrong hash (the part is deleted), `DoesNotFit` for a disk that takes no
more, and whatever the stream raises.
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
from qmath_cli.models.hub.client import RemoteFile

Blocks = Callable[[int], Iterator[bytes]]

_BLOCK = 1 << 20


class Digest(Protocol):
    """As hashlib's objects."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        ...

    def hexdigest(self) -> str:
        """The hash of everything so far."""
        ...


def digest_of(file: RemoteFile) -> tuple[Digest, str | None]:
    """The digest that a file's announced hash is of, and that hash: sha256, or git's own for small files."""
    if file.sha256 is None and file.git_sha1 is not None:
        return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False), file.git_sha1
    return hashlib.sha256(), file.sha256


def check(file: RemoteFile, digest: Digest, expected: str | None, where: str) -> None:
    """Raise `IntegrityError` unless the digest is the announced one; a hash nobody announced is not checked."""
    if expected is not None and digest.hexdigest() != expected:
        raise IntegrityError(
            f"{file.name} {where} is damaged: its hash is {digest.hexdigest()}, expected {expected}",
            "run the same command again",
        )


class Download:
    """A download that runs until it is complete, has failed, or is cancelled. `start` it once."""

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
        """Begin, or go on where an earlier run stopped."""
        self._thread.start()

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from `offset`, waiting for the bytes."""
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
        """Wait until the file is complete and verified."""
        with self._changed:
            self._wait(lambda: self._complete)

    def cancel(self) -> None:
        """Stop soon, and let the readers go with an error; what has arrived stays for the next run."""
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
                raise NetworkError(f"the download of {self.file.name} was stopped", "the same command goes on with it")
            self._changed.wait(timeout=0.5)  # a bounded wait lets Ctrl-C through on every system

    def _run(self) -> None:
        try:
            self._receive()
        except QmathError as exc:
            self._fail(exc)
        except OSError as exc:
            self._fail(cannot_write(self.part, exc))
        except Exception as exc:  # noqa: BLE001  a thread has no caller: the readers must hear of it or wait for ever
            self._fail(QmathError(f"the download of {self.file.name} failed: {exc!r}"))

    def _receive(self) -> None:
        digest, expected = digest_of(self.file)
        with self.part.open("a+b", buffering=0) as out:
            out.seek(0)
            while not self._cancelled and (block := out.read(_BLOCK)):  # what an earlier run left
                digest.update(block)
                self._advance(len(block))
            for block in self._blocks(self._available):
                if self._cancelled:
                    return
                out.write(block)
                digest.update(block)
                self._advance(len(block))
            os.fsync(out.fileno())
        if self._cancelled:
            return
        self._settle(digest, expected)

    def _settle(self, digest: Digest, expected: str | None) -> None:
        """Give the file its name, or delete it; no reader may look in between."""
        with self._changed:
            try:
                check(self.file, digest, expected, "as it arrived")
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
    """Where the bytes of this version of a file are collected."""
    return unfinished(folder / file.name, file.identity[:16])


class _Raw(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...


def fill(file: _Raw, buffer: memoryview, name: str) -> None:
    """Read until `buffer` is full: a raw file may give less than it was asked for."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])
        if not count:
            raise IntegrityError(f"{name} ends too early", "run the same command again")
        done += count
