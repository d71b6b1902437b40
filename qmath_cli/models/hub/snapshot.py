"""From a locked model to the snapshot it is made from: the cache if it has all of it, else the hub.

A model that the lock does not pin is pinned on this machine by its first snapshot (see `pins`). Whatever the lock or
the commit says must hold: another commit, size or hash is an `IntegrityError`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from qmath_cli.errors import IntegrityError
from qmath_cli.models.hub.cache import cache_folder, cached_snapshot
from qmath_cli.models.hub.client import Hub, RemoteFile, Snapshot, offline_error
from qmath_cli.models.hub.pins import Pins
from qmath_cli.models.lockfile import LockedFile, LockedModel
from qmath_cli.paths import Paths


def snapshot_of(model: LockedModel, hub: Hub, paths: Paths) -> Snapshot:
    """The snapshot that the lock means. Raises `NetworkError`, `IntegrityError`."""
    pins = Pins.within(paths.state)
    pinned = model.revision or pins.get(model.repo)
    snapshot = resolve(hub, model.repo, pinned or model.asked)
    if pinned is None:
        pins.put(model.repo, snapshot.commit)
    elif snapshot.commit != pinned:
        raise IntegrityError(
            f"{model.repo} answers with commit {snapshot.commit}, and {pinned} was asked for", "check HF_ENDPOINT"
        )
    return _checked(snapshot, model.files)


def resolve(hub: Hub, repo: str, revision: str) -> Snapshot:
    """A repository at a revision: from the cache where that needs no network, else from the hub."""
    is_commit = len(revision) == 40
    if is_commit or hub.offline:
        found = cached_snapshot(cache_folder(hub.environ), repo, revision)
        if found is not None:
            return found
    if hub.offline:
        raise offline_error(repo)
    return hub.snapshot(repo, revision)


def source_folder(paths: Paths, repo: str, commit: str) -> Path:
    """Where a snapshot's files are put while it is converted, and stay if the user keeps the source."""
    return paths.cache / "sources" / repo.replace("/", "--") / commit


def confirmed(snapshot: Snapshot, locked: LockedFile) -> RemoteFile:
    """The snapshot's file that the lock names, with the lock's hash filled in; a contradiction is refused."""
    file = snapshot.files.get(locked.path)
    if file is None:
        raise IntegrityError(f"{snapshot.repo} has no {locked.path}, which models.lock names", "check HF_ENDPOINT")
    if locked.size not in (None, file.size) or (file.sha256 and locked.sha256 not in (None, file.sha256)):
        raise IntegrityError(
            f"{locked.path} of {snapshot.repo} is not the file that models.lock names",
            "check HF_ENDPOINT; a file does not change at a commit",
        )
    return replace(file, sha256=file.sha256 or locked.sha256)


def _checked(snapshot: Snapshot, locked: tuple[LockedFile, ...]) -> Snapshot:
    """The snapshot as the lock knows it, before anything moves."""
    return replace(snapshot, files=dict(snapshot.files) | {file.path: confirmed(snapshot, file) for file in locked})
