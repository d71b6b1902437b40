"""A checkpoint on the hub, read as a converter reads: small files, then headers, then one shard after the other.

Headers come by range request, so the whole conversion is planned before the bulk of the data moves. The first read of
a shard's weights starts its download into `folder`; reads are answered while it arrives. `release` waits until the
hash is verified and deletes the shard, unless the source is kept; until then reads of later shards wait, so that one
shard is on the disk at a time. A shard that the Hugging Face cache has is read there and left alone.

Safe to use from several threads. The shape is that of `qmath_convert.source.Source`, apart from its `origin`, and so
are the promises that it relies on: heads first, and releases in their order.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qmath_cli.errors import IntegrityError, NetworkError
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.models.hashes import sha256_file
from qmath_cli.models.hub.cache import cache_folder, cached_file
from qmath_cli.models.hub.client import Hub, RemoteFile, Snapshot
from qmath_cli.models.hub.download import Download, check, digest_of, fill, part_path

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_FIRST = 1 << 16  # bytes of a shard's first request; most headers are shorter
_MAX_HEADER = 100_000_000  # safetensors' own limit


@dataclass(slots=True)
class HubCheckpoint:
    """A snapshot's files. `folder` belongs to it alone, and holds one shard at a time unless `keep`."""

    hub: Hub
    snapshot: Snapshot
    folder: Path
    keep: bool = False
    _state: threading.Condition = field(default_factory=threading.Condition)
    _heads: dict[str, bytes] = field(default_factory=dict)
    _downloads: dict[str, Download] = field(default_factory=dict)
    _trusted: set[str] = field(default_factory=set)
    _unreleased: list[str] = field(default_factory=list)  # shards, in the order in which their heads were read
    _closed: bool = False

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise cannot_write(self.folder, exc) from exc

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.snapshot.repo.rpartition("/")[2]

    def files(self) -> frozenset[str]:
        """The files at the top of the repository whose names are plain."""
        return frozenset(name for name in self.snapshot.files if _PLAIN.fullmatch(name))

    def size(self, name: str) -> int:
        """A file's length in bytes."""
        return self._file(name).size

    def identity(self, name: str) -> str:
        """A text that changes with the content."""
        return self._file(name).identity

    def missing(self, name: str) -> int:
        """Bytes of a file that must still come from the hub."""
        file = self._file(name)
        if self._local(name):
            return 0
        part = part_path(self.folder, file)
        return file.size - (part.stat().st_size if part.is_file() else 0)

    def read(self, name: str) -> bytes:
        """A whole small file; kept in `folder`, so that a second run need not ask for it."""
        file = self._file(name)
        for path in (self.folder / name, cached_file(self._cache, self.snapshot, name)):
            if path is not None and path.is_file() and _sound(data := path.read_bytes(), file):
                return data
        data = b"".join(self.hub.stream(self.snapshot, file, 0, file.size))
        digest, expected = digest_of(file)
        digest.update(data)
        check(file, digest, expected, "as it arrived")
        self._save(name, data)
        return data

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from `offset` of a shard, waiting for the bytes that are still on their way."""
        if self._from_head(name, offset, buffer):
            return
        source = self._whole(name)
        if isinstance(source, Download):
            source.read_into(offset, buffer)
            return
        with source.open("rb", buffering=0) as file:
            file.seek(offset)
            fill(file, buffer, name)

    def release(self, name: str) -> None:
        """Make sure that the shard which was read was the right one, and delete it unless it is to be kept."""
        with self._state:
            needed = name in self._downloads or self._left_over(name)
        if needed and isinstance(source := self._whole(name), Download):
            source.finish()
        if not self.keep:
            (self.folder / name).unlink(missing_ok=True)
        with self._state:
            self._heads.pop(name, None)
            self._downloads.pop(name, None)
            if name in self._unreleased:
                self._unreleased.remove(name)
            self._state.notify_all()

    def close(self) -> None:
        """Stop what is still arriving, and every read that waits; what has arrived stays for the next run."""
        with self._state:
            self._closed = True
            self._state.notify_all()
            for download in self._downloads.values():
                download.cancel()

    def discard(self) -> None:
        """The conversion is done: delete the folder, unless the source is to be kept."""
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def hashes(self) -> Mapping[str, str]:
        """sha256 of every file that has one on record or lies here, for the model's own record."""
        known = {}
        for name in self.files():
            announced, here = self._file(name).sha256, self.folder / name
            if announced is not None:
                known[name] = announced
            elif here.is_file():
                known[name] = sha256_file(here)
        return known

    @property
    def _cache(self) -> Path:
        return cache_folder(self.hub.environ)

    def _file(self, name: str) -> RemoteFile:
        if name not in self.files():
            raise IntegrityError(f"{self.snapshot.repo} has no file {name}", "the checkpoint is incomplete on the hub")
        return self.snapshot.files[name]

    def _save(self, name: str, data: bytes) -> None:
        try:
            write_atomically(self.folder / name, data)
        except OSError as exc:
            raise cannot_write(self.folder / name, exc) from exc

    def _left_over(self, name: str) -> bool:
        """Whether an earlier run left this shard, or a part of it."""
        return (self.folder / name).is_file() or part_path(self.folder, self._file(name)).is_file()

    def _whole(self, name: str) -> Path | Download:
        """Where the shard's bytes are: a verified file, or a download, begun once the shard before it was released."""
        file = self._file(name)
        with self._state:
            while True:
                if name in self._downloads:
                    return self._downloads[name]
                if (self.folder / name).is_file():
                    return self.folder / name
                if (cached := cached_file(self._cache, self.snapshot, name)) is not None:
                    self._trust(cached, file)
                    return cached
                if self._closed:
                    raise NetworkError(f"the download of {self.snapshot.repo} was stopped")
                if name in self._unreleased[:1] or name not in self._unreleased:
                    return self._begin(file)
                self._state.wait(timeout=0.5)

    def _begin(self, file: RemoteFile) -> Download:
        download = Download(file, self.folder, lambda start: self._blocks(file, start))
        self._downloads[file.name] = download
        download.start()
        return download

    def _blocks(self, file: RemoteFile, start: int) -> Iterator[bytes]:
        return self.hub.stream(self.snapshot, file, start, file.size)

    def _trust(self, path: Path, file: RemoteFile) -> None:
        """A cached shard is hashed once before it is believed."""
        if file.name in self._trusted or file.sha256 is None:
            return
        if sha256_file(path) != file.sha256:
            raise IntegrityError(f"{path} in the Hugging Face cache is damaged", "delete it, then run this again")
        self._trusted.add(file.name)

    def _from_head(self, name: str, offset: int, buffer: memoryview) -> bool:
        """Answer a read of a shard's header from memory; False where the read is about weights."""
        with self._state:
            if offset == 0 and name not in self._unreleased:
                self._unreleased.append(name)
            if name not in self._heads:
                if offset != 0 or name in self._downloads or self._local(name):
                    return False
                self._heads[name] = self._fetch_head(self._file(name))
            head = self._heads[name]
        end = offset + len(buffer)
        if end > len(head):
            return False
        buffer[:] = head[offset:end]
        return True

    def _local(self, name: str) -> bool:
        return (self.folder / name).is_file() or cached_file(self._cache, self.snapshot, name) is not None

    def _fetch_head(self, file: RemoteFile) -> bytes:
        """The eight bytes that say how long the header is, and the header; only the former if it cannot be true."""
        data = b"".join(self.hub.stream(self.snapshot, file, 0, min(_FIRST, file.size)))
        end = 8 + int.from_bytes(data[:8], "little")
        if end > min(file.size, 8 + _MAX_HEADER):
            return data[:8]
        if end > len(data):
            data += b"".join(self.hub.stream(self.snapshot, file, len(data), end))
        return data[:end]


def _sound(data: bytes, file: RemoteFile) -> bool:
    digest, expected = digest_of(file)
    digest.update(data)
    return len(data) == file.size and digest.hexdigest() == (expected or hashlib.sha256(data).hexdigest())
