"""The snapshot that a locked model is made from: from the cache if that holds all of it, else from the hub.

The first snapshot of a model that models.lock does not pin is recorded (see `pins`). A snapshot with another commit,
size or hash than the recorded one raises `IntegrityError`.
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
    """The snapshot of a locked model.

    Raises:
        NetworkError: the hub cannot be reached, or refuses.
        IntegrityError: the snapshot contradicts models.lock or an earlier pull.
    """
    pins = Pins.within(paths.state)
    pinned = model.revision or pins.get(model.repo)
    snapshot = resolve(hub, model.repo, pinned or model.asked)
    if pinned is None:
        pins.put(model.repo, snapshot.commit)
    elif snapshot.commit != pinned:
        raise IntegrityError(
            f"{model.repo} has commit {snapshot.commit} where {pinned} was requested", "check HF_ENDPOINT"
        )
    known = {file.path: confirmed(snapshot, file) for file in model.files}
    return replace(snapshot, files=dict(snapshot.files) | known)


def resolve(hub: Hub, repo: str, revision: str) -> Snapshot:
    """A repository at a revision (a commit, branch or tag), from the cache if it holds the commit, else from the hub.

    Offline, a branch or tag is looked up in the cache too.

    Raises:
        NetworkError: the hub cannot be reached, refuses, or does not have the revision.
    """
    is_commit = len(revision) == 40
    if is_commit or hub.offline:
        found = cached_snapshot(cache_folder(hub.environ), repo, revision)
        if found is not None:
            return found
    if hub.offline:
        raise offline_error(repo)
    return hub.snapshot(repo, revision)


def source_folder(paths: Paths, repo: str, commit: str) -> Path:
    """The folder of a snapshot's files while it is converted; they stay there if the user keeps the source."""
    return paths.cache / "sources" / repo.replace("/", "--") / commit


def confirmed(snapshot: Snapshot, locked: LockedFile) -> RemoteFile:
    """The snapshot's file that the lock names, with the lock's hash where the hub has none.

    Raises:
        IntegrityError: the file is missing, or has another size or hash than in the lock.
    """
    file = snapshot.files.get(locked.path)
    if file is None:
        raise IntegrityError(f"{snapshot.repo} has no {locked.path}, which models.lock names", "check HF_ENDPOINT")
    if locked.size not in (None, file.size) or (file.sha256 and locked.sha256 not in (None, file.sha256)):
        raise IntegrityError(
            f"{locked.path} of {snapshot.repo} is not the file that models.lock names",
            "check HF_ENDPOINT; a file does not change at a commit",
        )
    return replace(file, sha256=file.sha256 or locked.sha256)
