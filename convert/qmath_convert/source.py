"""Sources of a checkpoint's bytes: the interface `Source`, and the local folder that implements it.

The converter reads a checkpoint only through `Source`, and guarantees:

* It calls `files` first, and reads no name outside it.
* It reads small files (`config.json`, tokenizer, index, model card) whole with `read`, before any weight.
* It reads the header of every shard before any weight: 8 bytes at offset 0, then the length that they hold. The plan is
  complete before the bulk of the data is read.
* It then reads the shards in that same order, each in blocks with ascending offsets. As many blocks as there are
  threads may be out of order. It reads every byte range at most once per run.
* It calls `release` when a shard's tensors are flushed to the output's disk, and before the first weight of the next
  shard. One shard at a time on the source's disk is enough. A resumed run does not read a shard that is complete, but
  releases it again, so that a source can check and delete what a killed run left. If `release` raises, the converter
  discards everything that came from the shard.
* From a source with `random_access`, weights of all shards are read in any order, and all shards are released at the
  end.
* It calls `close` if the conversion is interrupted or fails while weights are read. A read that waits must then raise.

A source raises a `ConvertError` or another error, which passes through the converter unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import Protocol

from qmath_convert import foreign
from qmath_convert.errors import AGAIN, ConvertError, DamagedCheckpoint


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a checkpoint was published: repository (`owner/name`), commit, licence name; None where unknown."""

    repo: str | None = None
    commit: str | None = None
    licence: str | None = None


class Source(Protocol):
    """A checkpoint's files, flat: names contain no folder."""

    @property
    def name(self) -> str:
        """The checkpoint's name: the last part of its repository or folder."""
        ...

    @property
    def origin(self) -> Origin:
        """Where it was published."""
        ...

    @property
    def random_access(self) -> bool:
        """Whether every byte is there from the beginning, so that no order of reading is better than another."""
        ...

    def files(self) -> frozenset[str]:
        """The names of all files."""
        ...

    def size(self, name: str) -> int:
        """A file's length in bytes."""
        ...

    def identity(self, name: str) -> str:
        """A short text that changes with the file: a hash or an ETag, or size and time for a local file."""
        ...

    def read(self, name: str) -> bytes:
        """A whole small file."""
        ...

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from a byte offset of a file. Blocks while the data is being downloaded.

        Raises:
            DamagedCheckpoint: the file ends before the buffer is full.
        """
        ...

    def release(self, name: str) -> None:
        """Called when a shard is no longer needed."""
        ...

    def close(self) -> None:
        """Called when nothing is needed any more. Reads that wait raise an error. May be called twice."""
        ...


class LocalFolder:
    """A folder on this disk, or a snapshot folder of the Hugging Face cache, whose files link to the cache's blobs.

    Files are read and not memory-mapped. A mapping counts as resident memory, and a mapped file that shrinks causes a
    signal; a short read is an error with a message.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DamagedCheckpoint(
                f"{folder} is not a folder", "Give the folder of a checkpoint: config.json, tokenizer, *.safetensors."
            )
        try:
            foreign.refuse_elsewhere(folder)
        except OSError as exc:
            raise _unreadable(folder, exc) from exc
        self._folder = folder.resolve()
        self._origin = _cache_origin(self._folder)

    @property
    def name(self) -> str:
        """The repository's name if this is a cache snapshot, else the folder's."""
        named = self._origin.repo.split("/")[-1] if self._origin.repo else self._folder.name
        return named or "model"  # the root of a disk has no name

    @property
    def origin(self) -> Origin:
        """Repository and commit if this is a cache snapshot."""
        return self._origin

    @property
    def random_access(self) -> bool:
        """The files are on this disk."""
        return True

    def files(self) -> frozenset[str]:
        """The regular files in the folder, without its subfolders."""
        try:
            return frozenset(path.name for path in self._folder.iterdir() if path.is_file())
        except OSError as exc:
            raise _unreadable(self._folder, exc) from exc

    def size(self, name: str) -> int:
        """A file's length in bytes."""
        return self._path(name).stat().st_size

    def identity(self, name: str) -> str:
        """Size and time of the last change."""
        status = self._path(name).stat()
        return f"{status.st_size}-{status.st_mtime_ns}"

    def read(self, name: str) -> bytes:
        """A whole small file."""
        try:
            return self._path(name).read_bytes()
        except OSError as exc:
            raise _unreadable(self._folder / name, exc) from exc

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from `offset`. Each call opens the file anew, so threads share no file position."""
        try:
            with self._path(name).open("rb", buffering=0) as file:
                file.seek(offset)
                _fill(file, buffer, name)
        except OSError as exc:
            raise _unreadable(self._folder / name, exc) from exc

    def release(self, name: str) -> None:
        """Do nothing: the folder is the user's."""

    def close(self) -> None:
        """Do nothing: no read waits."""

    def _path(self, name: str) -> Path:
        """The file's path. A link that leads out of the checkpoint raises `DamagedCheckpoint`."""
        target = (self._folder / name).resolve()
        allowed = [self._folder]
        if self._origin.repo:
            allowed.append(self._folder.parent.parent / "blobs")
        if not any(target.is_relative_to(folder) for folder in allowed):
            raise DamagedCheckpoint(
                f"{name} leads out of the checkpoint folder, to {target}",
                "Copy the file into the folder if it belongs to the checkpoint.",
            )
        return target


def _fill(file: RawIOBase, buffer: memoryview, name: str) -> None:
    """Read until the buffer is full: a raw file may return fewer bytes than requested."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])
        if not count:
            raise DamagedCheckpoint(f"{name} ends too early", AGAIN)
        done += count


def _cache_origin(folder: Path) -> Origin:
    """Repository and commit of a snapshot in the Hugging Face cache: `models--OWNER--NAME/snapshots/COMMIT`."""
    marker = folder.parent.parent.name
    if folder.parent.name != "snapshots" or not marker.startswith("models--"):
        return Origin()
    return Origin(repo=marker.removeprefix("models--").replace("--", "/", 1), commit=folder.name)


def _unreadable(path: Path, exc: OSError) -> ConvertError:
    return DamagedCheckpoint(
        f"cannot read {path}: {exc.strerror or exc}", "Check that the file exists and that you may read it."
    )
