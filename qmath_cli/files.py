"""Files that are whole or absent, and locks between processes.

`write_atomically` is the only way in which this program replaces a small file, `Journal` the only one in which it adds
to one, `held` is the only lock, and `unfinished` gives every incomplete file its name. A kill at any moment leaves the
old file or the new one, and at most an unfinished file next to it. Downloads and conversions, which can be resumed, are
not written here (see `models.hub.download` and `qmath_convert.part`); their unfinished files have the same suffix.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from qmath_cli.errors import DoesNotFit, QmathError

UNFINISHED = ".part"  # the suffix of every file that is not complete


def unfinished(path: Path, mark: object = "") -> Path:
    """The name of `path` until it is complete: `x.gguf` -> `x.gguf.part`, with a mark `x.gguf.MARK.part`.

    Args:
        path: the final name.
        mark: what tells two writers of the same file apart, such as a process id or a version of the content.
    """
    return path.with_name(f"{path.name}.{mark}{UNFINISHED}" if mark != "" else f"{path.name}{UNFINISHED}")


def write_atomically(path: Path, content: str | bytes | Iterable[bytes], *, private: bool = False) -> None:
    """Write `path` whole or not at all: write an unfinished file, flush it to the disk, rename it.

    Args:
        path: the file; its folder is created if it does not exist.
        content: text (written as UTF-8), bytes, or pieces of bytes in order.
        private: readable and writable by its owner only, from the first byte on.

    Raises:
        OSError: it cannot be written. The old file, if there was one, is unchanged.
    """
    pieces = [content.encode()] if isinstance(content, str) else [content] if isinstance(content, bytes) else content
    if path.exists() and not path.is_file():  # a pipe or a device, such as /dev/stdout, is written to, never replaced
        with path.open("wb") as file:
            file.writelines(pieces)
        return
    path = path.resolve()  # a link stays a link
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = unfinished(path, os.getpid())
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
        descriptor = os.open(fresh, flags, 0o600 if private else 0o666)
        with open(descriptor, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_json(path: Path, record: Mapping[str, object], *, private: bool = False) -> None:
    """Write a record as indented JSON, whole or not at all. Raises as `write_atomically` does.

    A file's name can hold bytes that are no text; such a record is written with escapes.
    """
    text = json.dumps(record, indent=1, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(record, indent=1)
    write_atomically(path, text + "\n", private=private)


def cannot_write(path: Path, exc: OSError) -> QmathError:
    """The error for an `OSError` of writing `path`, with a hint."""
    if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DoesNotFit(
            f"no room left for {path}", "free some space; the same command resumes where this one stopped"
        )
    return DoesNotFit(
        f"cannot write {path}: {exc.strerror or exc}", "check the folder's permissions, or set QMATH_HOME"
    )


@contextmanager
def held(path: Path, busy: QmathError, *, tidy: bool = False) -> Iterator[None]:
    """Lock `path` (a file or a folder) against other processes during the block.

    The lock is a file in the same folder, `NAME.lock`. The system releases the lock if the process dies.

    Args:
        path: what must not be worked on twice; it need not exist.
        busy: what is raised, without waiting, if another process holds the lock.
        tidy: remove the lock file at the end, as in a user's own folder; else it stays. `filelock` acquires no lock on
            a file that was removed meanwhile.

    Raises:
        QmathError: `busy`, or `DoesNotFit` if the lock file cannot be created.
    """
    from filelock import FileLock, Timeout

    file = path.with_name(path.name + ".lock")
    lock = FileLock(file, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as exc:
        raise busy from exc
    except OSError as exc:
        raise cannot_write(file, exc) from exc
    try:
        yield
    finally:
        if tidy:
            with suppress(OSError):  # Windows removes no open file
                file.unlink()
        lock.release()


class Journal:
    """A file to which records are added, each on the disk before the next, and which a kill at any moment cannot spoil.

    One process at a time has it open. A record that a kill cut short is removed when the records are read again.
    """

    def __init__(self, path: Path, busy: QmathError, *, tidy: bool = False) -> None:
        """Open the file, or create it.

        Args:
            path: the file; its folder is created if it does not exist.
            busy: what is raised if another process has it open.
            tidy: whether the lock file is removed at the end: see `held`.

        Raises:
            QmathError: `busy`, or `DoesNotFit` if the file cannot be opened for writing.
        """
        self.path = path
        self._stack = ExitStack()
        self._stack.enter_context(held(path, busy, tidy=tidy))
        try:
            self._open()
        except OSError as exc:
            self._stack.close()
            raise cannot_write(path, exc) from exc
        self._stack.callback(self._close_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the lock. Safe to call twice."""
        self._stack.close()

    @property
    def size(self) -> int:
        """Bytes of all records."""
        return os.fstat(self._file.fileno()).st_size

    def records(self, complete: Callable[[bytes], bool] = lambda line: line.endswith(b"\n")) -> Iterator[bytes]:
        """Read all records in their order, and at the end remove one that was cut short.

        Args:
            complete: whether these lines, taken from the beginning of a record, are all of it.
        """
        whole, held_back = 0, b""
        with self.path.open("rb") as file:
            for line in file:
                held_back += line
                if complete(held_back):
                    whole += len(held_back)
                    yield held_back
                    held_back = b""
        if held_back:
            self._file.truncate(whole)

    def add(self, record: bytes) -> None:
        """Add a record; it is on the disk when this returns. Raises `DoesNotFit`, and then nothing was added."""
        size = self.size
        try:
            rest = memoryview(record)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        except BaseException as exc:  # Ctrl-C, too: half a record would spoil the next one; raised again
            with suppress(OSError):
                self._file.truncate(size)
            if isinstance(exc, OSError):
                raise cannot_write(self.path, exc) from exc
            raise

    def replace(self, records: Iterable[bytes]) -> None:
        """Replace all records atomically; `records` may be read from the old file meanwhile. Raises `OSError`."""
        self._file.close()  # Windows replaces no open file
        try:
            write_atomically(self.path, records)
        finally:
            self._open()

    def _close_file(self) -> None:
        """Close the file that is open at this moment: `replace` opens another."""
        self._file.close()

    def _open(self) -> None:
        self._file = self.path.open("a+b", buffering=0)  # unbuffered: closing it has nothing left to write


def _sync_folder(folder: Path) -> None:
    """Flush a rename to the disk, so that it survives a power failure. Windows does not allow it."""
    with suppress(OSError):  # some file systems do not support it; the file's content is on the disk already
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
