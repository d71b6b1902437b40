"""Where a checkpoint's bytes come from: one small port, and the local folder that implements it.

The converter reads a checkpoint only through `Source`. It promises in return:

* `files` is asked first, and no name outside it is ever read;
* small files (`config.json`, tokenizer, index, model card) are read whole with `read`, before any weight;
* a shard is first read at its head (8 bytes, then the header that they announce), for all shards, before any weight
  of any shard: the whole plan is known before the bulk of the data moves;
* then the shards are read in that same order, each one in blocks whose offsets ascend except for a few blocks in flight
  (there are as many readers as threads), and every byte range at most once per run;
* `release` is called for a shard when everything that comes from it is on the output's disk, and before the first
  weight of the next one is asked for: one shard at a time on the source's disk is enough. A run that resumes does not
  read a shard that was complete already, but releases it once more, so that a source can check and delete what a
  killed run left. `release` may raise, and then nothing that came from the shard is trusted;
* `close` is called when the conversion has ended, however it did: a read that still waits must raise soon.

A source reports trouble as a `ConvertError`, or as an error of its own, which passes through the converter untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Protocol

from qmath_convert.errors import ConvertError, DamagedCheckpoint


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a checkpoint was published, as far as it is known: repository (`owner/name`), commit, licence name."""

    repo: str | None = None
    commit: str | None = None
    licence: str | None = None


class Source(Protocol):
    """A checkpoint's files, flat: names contain no folder."""

    @property
    def name(self) -> str:
        """What the checkpoint is called: the last part of its repository or folder name."""
        ...

    @property
    def origin(self) -> Origin:
        """Where it was published."""
        ...

    def files(self) -> frozenset[str]:
        """The names of all files."""
        ...

    def size(self, name: str) -> int:
        """A file's length in bytes."""
        ...

    def identity(self, name: str) -> str:
        """A short text that changes when the file does: a hash or an ETag, or size and time for a local file."""
        ...

    def read(self, name: str) -> bytes:
        """A whole small file."""
        ...

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` (bytes) from `offset` of a file, waiting for the data where it is still on its way.

        Raises `DamagedCheckpoint` if the file ends before the buffer is full.
        """
        ...

    def release(self, name: str) -> None:
        """A shard is not needed any more."""
        ...

    def close(self) -> None:
        """Nothing is needed any more; readers that wait are let go with an error. Safe to call twice."""
        ...


class LocalFolder:
    """A folder on this disk, or a snapshot folder of the Hugging Face cache, which links to its own blobs.

    Files are read in blocks and not memory-mapped: a mapping counts as resident memory page by page, and turns a file
    that shrinks under it into a signal where a short read is an error message.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DamagedCheckpoint(
                f"{folder} is not a folder", "Give the folder of a checkpoint: config.json, tokenizer, *.safetensors."
            )
        self._folder = folder.resolve()
        self._cached = _cache_origin(self._folder)

    @property
    def name(self) -> str:
        """The repository's name if this is a cache snapshot, the folder's otherwise."""
        return self._cached.repo.split("/")[-1] if self._cached.repo else self._folder.name

    @property
    def origin(self) -> Origin:
        """Repository and commit if this is a cache snapshot."""
        return self._cached

    def files(self) -> frozenset[str]:
        """The folder's own regular files; nothing below it."""
        return frozenset(path.name for path in self._folder.iterdir() if path.is_file())

    def size(self, name: str) -> int:
        """A file's length in bytes."""
        return self._path(name).stat().st_size

    def identity(self, name: str) -> str:
        """Length and time of change."""
        status = self._path(name).stat()
        return f"{status.st_size}-{status.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        """A whole small file."""
        try:
            return self._path(name).read_bytes()
        except OSError as exc:
            raise _unreadable(self._folder / name, exc) from exc

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from `offset`. Each call opens the file anew, so that threads share nothing."""
        try:
            with self._path(name).open("rb", buffering=0) as file:
                file.seek(offset)
                _fill(file, buffer, name)
        except OSError as exc:
            raise _unreadable(self._folder / name, exc) from exc

    def release(self, name: str) -> None:
        """Nothing to do: the folder is the user's."""

    def close(self) -> None:
        """Nothing to do: no read waits."""

    def _path(self, name: str) -> Path:
        """The file's path; a link that leads out of the checkpoint is refused."""
        target = (self._folder / name).resolve()
        allowed = [self._folder]
        if self._cached.repo:
            allowed.append(self._folder.parent.parent / "blobs")
        if not any(target.is_relative_to(place) for place in allowed):
            raise DamagedCheckpoint(
                f"{name} leads out of the checkpoint folder, to {target}",
                "Copy the file into the folder if it belongs to the checkpoint.",
            )
        return target


def _fill(file: RawIOBase, buffer: memoryview, name: str) -> None:
    """Raw files may return fewer bytes than asked: read until the buffer is full."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])
        if not count:
            raise DamagedCheckpoint(f"{name} ends too early", "Download it again.")
        done += count


def _cache_origin(folder: Path) -> Origin:
    """`.../models--OWNER--NAME/snapshots/COMMIT` is how the Hugging Face cache names a snapshot."""
    marker = folder.parent.parent.name
    if folder.parent.name != "snapshots" or not marker.startswith("models--"):
        return Origin()
    return Origin(repo=marker.removeprefix("models--").replace("--", "/", 1), commit=folder.name)


def _unreadable(path: Path, exc: OSError) -> ConvertError:
    return DamagedCheckpoint(f"cannot read {path}: {exc.strerror or exc}", "Check that the file exists and its rights.")
