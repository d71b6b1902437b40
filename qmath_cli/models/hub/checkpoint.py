"""A checkpoint on the hub as a source for the converter: small files, then headers, then one shard after the other.

Headers are fetched by range requests, so the conversion is planned before the bulk of the data is downloaded. The
first read of a shard's weights starts its download into `folder`, and reads return as soon as their bytes are there.
`release` waits until the hash is verified, and deletes the shard unless the source is kept. Until then reads of later
shards wait: one shard is on the disk at a time. A shard in the Hugging Face cache is read from there and not deleted.

Safe to use from several threads. The interface is `qmath_convert.source.Source` without `origin`. Like that one, it
relies on the order of calls: all headers first, and shards released in the same order.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qmath_cli.errors import IntegrityError, NetworkError
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.models.hashes import sha256_file
from qmath_cli.models.hub.cache import cache_folder, cached_file
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.hub.download import Download, check, digest_of, fill, is_intact, part_path
from qmath_cli.models.hub.remote import RemoteFile, Snapshot
from qmath_cli.models.hub.responses import changed

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_FIRST_REQUEST = 1 << 16  # bytes of a shard's first request; most headers are shorter
_MAX_HEADER = 100_000_000  # bytes; safetensors' own limit


@dataclass(slots=True)
class HubCheckpoint:
    """A snapshot's files. `folder` is for this checkpoint only, and holds one shard at a time unless `keep` is true."""

    hub: Hub
    snapshot: Snapshot
    folder: Path
    keep: bool = False
    _state: threading.Condition = field(default_factory=threading.Condition)
    _headers: dict[str, bytes] = field(default_factory=dict)  # each with the 8 bytes before it
    _downloads: dict[str, Download] = field(default_factory=dict)
    _verified: set[str] = field(default_factory=set)  # shards on this disk whose hash was checked
    _damaged: set[Path] = field(default_factory=set)  # files of the cache with another hash than the hub's
    _read: dict[str, str] = field(default_factory=dict)  # sha256 of the small files that were read
    _unreleased: list[str] = field(default_factory=list)  # shards, in the order in which their headers were read
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

    @property
    def random_access(self) -> bool:
        """No: a shard's bytes arrive in their order, and one shard at a time."""
        return False

    def files(self) -> frozenset[str]:
        """The files in the repository's top folder that have plain names."""
        return frozenset(name for name in self.snapshot.files if _PLAIN_NAME.fullmatch(name))

    def size(self, name: str) -> int:
        """A file's length in bytes."""
        return self._file(name).size

    def identity(self, name: str) -> str:
        """A short text that changes with the file's content."""
        return self._file(name).identity

    def missing(self, name: str) -> int:
        """Bytes of a file that are not on this disk yet."""
        file = self._file(name)
        if self._is_local(name):
            return 0
        part = part_path(self.folder, file)
        return file.size - (part.stat().st_size if part.is_file() else 0)

    def read(self, name: str) -> bytes:
        """A whole small file. It is saved in `folder`, so that a second run needs no request.

        Raises:
            NetworkError: the hub cannot be reached, or refuses.
            IntegrityError: the file is damaged.
            DoesNotFit: the disk does not take the file.
        """
        file = self._file(name)
        for path in (self.folder / name, cached_file(self._cache, self.snapshot, name)):
            if path is not None and path.is_file():
                data = path.read_bytes()
                if is_intact(file, data):
                    return self._remembered(name, data)
                self._reject(path)
        data = b"".join(self.hub.stream(self.snapshot, file, 0, file.size))
        if not is_intact(file, data):
            digest, expected = digest_of(file)
            digest.update(data)
            check(file, digest, expected, "as downloaded")
            raise changed(name)  # one of its two hashes is right, the other not
        self._save(name, data)
        return self._remembered(name, data)

    def read_into(self, name: str, offset: int, buffer: memoryview) -> None:
        """Fill `buffer` from a byte offset of a shard, waiting for bytes that are not downloaded yet.

        Raises:
            NetworkError: the hub cannot be reached, or `close` was called.
            IntegrityError: the shard is damaged, or ends before the buffer is full.
            DoesNotFit: the disk is full.
        """
        if self._read_header(name, offset, buffer):
            return
        source = self._shard(name)
        if isinstance(source, Download):
            source.read_into(offset, buffer)
            return
        with source.open("rb", buffering=0) as file:
            file.seek(offset)
            fill(file, buffer, name)

    def release(self, name: str) -> None:
        """Wait until a shard is verified, then delete it unless `keep` is true. Raises as `read_into` does."""
        with self._state:
            downloaded = name in self._downloads or self._has_leftover(name)
        if downloaded and isinstance(source := self._shard(name), Download):
            source.finish()
        if not self.keep:
            (self.folder / name).unlink(missing_ok=True)
        with self._state:
            self._headers.pop(name, None)
            self._downloads.pop(name, None)
            if name in self._unreleased:
                self._unreleased.remove(name)
            self._state.notify_all()

    def close(self) -> None:
        """Stop the downloads. Reads that wait raise `NetworkError`; unfinished files stay for the next run."""
        with self._state:
            self._closed = True
            self._state.notify_all()
            for download in self._downloads.values():
                download.cancel()

    def discard(self) -> None:
        """Delete the folder, unless `keep` is true; for the end of a conversion."""
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def hashes(self) -> Mapping[str, str]:
        """The sha256 of every file whose hash is announced, or that was read or is in `folder`, by name."""
        known = {}
        for name in self.files():
            announced, path = self._file(name).sha256, self.folder / name
            if found := announced or self._read.get(name):
                known[name] = found
            elif path.is_file():
                known[name] = sha256_file(path)
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

    def _has_leftover(self, name: str) -> bool:
        """Whether an earlier run left this shard or a part of it."""
        return (self.folder / name).is_file() or part_path(self.folder, self._file(name)).is_file()

    def _shard(self, name: str) -> Path | Download:
        """The shard's file if it is verified, else its download. Waits until the shard before it is released."""
        file = self._file(name)
        with self._state:
            while True:
                if name in self._downloads:
                    return self._downloads[name]
                if (local := self._verified_path(name)) is not None:
                    return local
                if self._closed:
                    raise NetworkError(f"the download of {self.snapshot.repo} was stopped")
                if name in self._unreleased[:1] or name not in self._unreleased:
                    return self._start_download(file)
                self._state.wait(timeout=0.5)

    def _start_download(self, file: RemoteFile) -> Download:
        download = Download(file, self.folder, lambda start: self.hub.stream(self.snapshot, file, start, file.size))
        self._downloads[file.name] = download
        download.start()
        return download

    def _local(self, name: str) -> Path | None:
        """A file of the right size in `folder` or in the cache; None if there is none, or it is known to be damaged."""
        own = self.folder / name
        if own.is_file():
            return own
        cached = cached_file(self._cache, self.snapshot, name)
        return None if cached in self._damaged else cached

    def _verified_path(self, name: str) -> Path | None:
        """A shard on this disk, hashed before its first use; None if there is none that is intact."""
        file = self._file(name)
        while (path := self._local(name)) is not None:
            if name in self._verified or file.sha256 in (None, sha256_file(path)):
                self._verified.add(name)
                return path
            self._reject(path)
        return None

    def _reject(self, path: Path) -> None:
        """Delete a damaged file of our own, pass over one of the cache. Raises `IntegrityError` if offline."""
        if path.parent == self.folder:
            path.unlink()
            return
        if self.hub.offline:
            raise IntegrityError(
                f"{path} in the Hugging Face cache is damaged", "delete it, then run this again online"
            )
        if path not in self._damaged:
            self.hub.note(f"{path} in the Hugging Face cache is damaged: it is downloaded anew, and left as it is")
        self._damaged.add(path)

    def _remembered(self, name: str, data: bytes) -> bytes:
        file = self._file(name)
        if file.sha256 or file.git_sha1:
            self._read[name] = hashlib.sha256(data).hexdigest()
        return data

    def _read_header(self, name: str, offset: int, buffer: memoryview) -> bool:
        """Fill `buffer` if the range is within a shard's header. Returns False for a range of weights."""
        with self._state:
            if offset == 0 and name not in self._unreleased:
                self._unreleased.append(name)
            if name not in self._headers:
                if offset != 0 or name in self._downloads or self._verified_path(name) is not None:
                    return False
                self._headers[name] = self._fetch_header(self._file(name))
            header = self._headers[name]
        end = offset + len(buffer)
        if end > len(header):
            return False
        buffer[:] = header[offset:end]
        return True

    def _is_local(self, name: str) -> bool:
        return self._local(name) is not None

    def _fetch_header(self, file: RemoteFile) -> bytes:
        """The 8 bytes that hold the header's length, and the header; the 8 bytes alone if the length is impossible."""
        data = b"".join(self.hub.stream(self.snapshot, file, 0, min(_FIRST_REQUEST, file.size)))
        end = 8 + int.from_bytes(data[:8], "little")
        if end > min(file.size, 8 + _MAX_HEADER):
            return data[:8]
        if end > len(data):
            data += b"".join(self.hub.stream(self.snapshot, file, len(data), end))
        return data[:end]
