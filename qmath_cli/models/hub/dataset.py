"""Benchmarks: one JSON Lines file per data set, at the lock's commit, verified like a model's files.

Most are the files of Qwen's own evaluation, on GitHub; some are on the hub. The package contains no benchmark, because
few of them state a licence. A pulled data set is written to the user's data folder, where `qmath eval NAME` finds it.
The first pull records the commit of a data set that the lock does not pin.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from qmath_cli.errors import DataError, IntegrityError
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.models.hub.cache import cache_folder, cached_file
from qmath_cli.models.hub.client import Hub, offline_error
from qmath_cli.models.hub.download import check, digest_of, is_intact
from qmath_cli.models.hub.pins import Pins
from qmath_cli.models.hub.remote import RemoteFile, Snapshot
from qmath_cli.models.hub.services import UNKNOWN, GitHub
from qmath_cli.models.hub.snapshot import confirmed
from qmath_cli.models.lockfile import DataHost, Lock, LockedData
from qmath_cli.paths import Paths

_KIND = "dataset"

Note = Callable[[str], None]
"""Called with a sentence for people."""


def find(name: str, lock: Lock) -> LockedData:
    """The lock's entry for a data set. Raises `DataError`, with the known names, if there is none."""
    for entry in lock.datasets:
        if entry.name.lower() == name.lower():
            return entry
    known = [entry.name for entry in lock.datasets]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}; for others, qmath eval NAME --data FILE"
    raise DataError(f"models.lock has no data set named {name!r}", hint)


def hub_of(entry: LockedData, environ: Mapping[str, str], pause: Callable[[float], None], note: Note) -> Hub:
    """The client of the host that has a data set; the other arguments are those of `Hub`."""
    protocol = GitHub() if entry.host is DataHost.GITHUB else None
    return Hub(environ, pause, note=note, protocol=protocol)


def page(entry: LockedData) -> str:
    """The address of a data set's file, for people."""
    commit = entry.revision or entry.asked
    if entry.host is DataHost.GITHUB:
        return f"https://github.com/{entry.repo}/blob/{commit}/{entry.files[0].path}"
    return f"https://huggingface.co/datasets/{entry.repo}/blob/{commit}/{entry.files[0].path}"


def target(entry: LockedData, paths: Paths) -> Path:
    """The path of a pulled data set, where `qmath eval` looks for it."""
    return paths.data / "datasets" / f"{entry.name}.jsonl"


def pull(entry: LockedData, hub: Hub, paths: Paths) -> Path:
    """Download a data set's file and verify it.

    Returns:
        The path of the file.

    Raises:
        NetworkError: the hub cannot be reached, or refuses.
        IntegrityError: the file is damaged, not text, or contradicts models.lock.
        DoesNotFit: the disk does not take the file.
    """
    pins = Pins.within(paths.state)
    revision = entry.revision or pins.get(f"{_KIND}s/{entry.repo}")
    if entry.host is DataHost.GITHUB and revision is not None:
        snapshot = _as_locked(entry, revision, hub)
    else:
        snapshot = _from_cache(entry, revision, hub) or _from_hub(entry, revision, hub)
    file = snapshot.files[entry.files[0].path]
    data = _read(hub, snapshot, file)
    digest, expected = digest_of(file)
    digest.update(data)
    check(file, digest, expected, "as downloaded")
    path = target(entry, paths)
    try:
        write_atomically(path, data.decode("utf-8"))
        if entry.revision is None:
            pins.put(f"{_KIND}s/{entry.repo}", snapshot.commit)
    except UnicodeDecodeError as exc:
        raise IntegrityError(f"{file.name} of {entry.repo} is not a text file") from exc
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    return path


def _as_locked(entry: LockedData, revision: str, hub: Hub) -> Snapshot:
    """A snapshot of the one file as the lock describes it. Its size is asked for, so that a lost network shows soon."""
    wanted = entry.files[0]
    snapshot = Snapshot(entry.repo, revision, {}, "", _KIND)
    file = hub.described(snapshot, RemoteFile(wanted.path, UNKNOWN, wanted.sha256, wanted.git_sha1))
    if wanted.size not in (None, file.size):
        raise IntegrityError(
            f"{wanted.path} of {entry.repo} is not the file that models.lock names",
            f"check {hub.service.address_name}; a file does not change at a commit",
        )
    return replace(snapshot, files={file.name: file})


def _from_cache(entry: LockedData, revision: str | None, hub: Hub) -> Snapshot | None:
    """A snapshot of the one file, if its commit and size are known and the cache holds it."""
    wanted = entry.files[0]
    if revision is None or wanted.size is None:
        return None
    file = RemoteFile(wanted.path, wanted.size, wanted.sha256)
    snapshot = Snapshot(entry.repo, revision, {file.name: file}, "", _KIND)
    return snapshot if cached_file(cache_folder(hub.environ), snapshot, file.name) else None


def _from_hub(entry: LockedData, revision: str | None, hub: Hub) -> Snapshot:
    """A snapshot of the one file as the hub describes it, which must agree with the lock."""
    if hub.offline:
        raise offline_error(entry.repo)
    snapshot = hub.snapshot(entry.repo, revision or entry.asked, _KIND)
    file = confirmed(snapshot, entry.files[0])
    return replace(snapshot, files={file.name: file})


def _read(hub: Hub, snapshot: Snapshot, file: RemoteFile) -> bytes:
    """The file's bytes: from the cache if they have the right hash, or no hub may be asked; else from the hub."""
    cached = cached_file(cache_folder(hub.environ), snapshot, file.name)
    if cached and (hub.offline or is_intact(file, cached.read_bytes())):
        return cached.read_bytes()
    return b"".join(hub.stream(snapshot, file, 0, file.size))
