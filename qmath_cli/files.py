"""Files that are whole or absent, and locks between processes.

`write_atomically` is the only way in which this program replaces a small file, `held` is the only lock, and
`unfinished` gives every incomplete file its name. A kill at any moment leaves the old file or the new one, and at most
an unfinished file next to it. Downloads and conversions, which can be resumed, are not written here (see
`models.hub.download` and `qmath_convert.part`); their unfinished files have the same suffix.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

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
def held(path: Path, busy: QmathError) -> Iterator[None]:
    """Lock `path` (a file or a folder) against other processes during the block.

    The lock is a file in the same folder, `NAME.lock`, which stays. The system releases the lock if the process dies.

    Args:
        path: what must not be worked on twice; it need not exist.
        busy: what is raised, without waiting, if another process holds the lock.

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
        lock.release()


def _sync_folder(folder: Path) -> None:
    """Flush a rename to the disk, so that it survives a power failure. Windows does not allow it."""
    with suppress(OSError):  # some file systems do not support it; the file's content is on the disk already
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
