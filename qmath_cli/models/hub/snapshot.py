"""The snapshot that a model is made from: as the hub describes it, or, without a network, as the cache holds it.

The hub's list is always asked for while there is a network, so that an incomplete cache is completed and cached bytes
are compared with the hub's hashes. The first snapshot of a model that models.lock does not pin is recorded (see
`pins`). A snapshot with another commit, size or hash than models.lock has, or the user's own (`local_lock`), raises
`IntegrityError`. ModelScope's commits are its own: there a release is known by its hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qmath_cli.errors import IntegrityError
from qmath_cli.models import local_lock
from qmath_cli.models.hub.cache import CachedSnapshot, cache_folder, cached_snapshot
from qmath_cli.models.hub.client import Hub, offline_error
from qmath_cli.models.hub.pins import Pins
from qmath_cli.models.hub.remote import RemoteFile, Snapshot
from qmath_cli.models.hub.responses import Unreachable
from qmath_cli.models.lockfile import LockedFile, LockedModel
from qmath_cli.paths import Paths
from qmath_cli.settings import HubName

_BRANCH = "master"  # of ModelScope


def snapshot_of(model: LockedModel, hub: Hub, paths: Paths) -> Snapshot:
    """The snapshot of a locked model.

    Raises:
        NetworkError: the hub cannot be reached, or refuses.
        IntegrityError: the snapshot contradicts models.lock or an earlier pull.
    """
    pins = Pins.within(paths.state)
    pinned = model.revision or pins.get(model.repo)
    known = list(_known(model, pinned, hub, paths))
    if hub.name is HubName.MODELSCOPE and not hub.offline:
        snapshot = _accepted(hub.snapshot(model.repo, _BRANCH), pinned, known, hub)
    else:
        snapshot = _located(hub, model.repo, pinned or model.asked)
        if pinned is None:
            pins.put(model.repo, snapshot.commit)
        elif snapshot.commit != pinned:
            raise IntegrityError(
                f"{model.repo} has commit {snapshot.commit} where {pinned} was requested",
                f"check {hub.service.address_name}",
            )
    if hub.offline and (lost := [file.path for file, _ in known if file.path not in snapshot.files]):
        raise offline_error(model.repo, lost)
    for file, where in known:
        files = dict(snapshot.files) | {file.path: confirmed(snapshot, file, where)}
        snapshot = replace(snapshot, files=files)
    return _noted(snapshot, hub)


def resolve(hub: Hub, repo: str, revision: str) -> Snapshot:
    """A repository at a revision (a commit, branch or tag), as the hub describes it.

    Offline, and where no hub can be reached, it is what the cache holds, if that is complete.

    Raises:
        NetworkError: the hub cannot be reached, refuses, or does not have the revision; the cache is incomplete.
    """
    return _noted(_located(hub, repo, revision), hub)


def source_folder(paths: Paths, repo: str, commit: str) -> Path:
    """The folder of a snapshot's files while it is converted; they stay there if the user keeps the source."""
    return paths.cache / "sources" / repo.replace("/", "--") / commit


def confirmed(snapshot: Snapshot, locked: LockedFile, where: str = "models.lock") -> RemoteFile:
    """The snapshot's file that a lock names, with the lock's hash where the hub has none.

    Raises:
        IntegrityError: the file is missing, or has another size or hash than in the lock.
    """
    file = snapshot.files.get(locked.path)
    if file is None:
        raise IntegrityError(f"{snapshot.repo} has no {locked.path}, which {where} names", "check HF_ENDPOINT")
    if locked.size not in (None, file.size) or (file.sha256 and locked.sha256 not in (None, file.sha256)):
        raise IntegrityError(
            f"{locked.path} of {snapshot.repo} is not the file that {where} names",
            "check HF_ENDPOINT; a file does not change at a commit",
        )
    return replace(file, sha256=file.sha256 or locked.sha256)


def _known(model: LockedModel, pinned: str | None, hub: Hub, paths: Paths) -> Iterator[tuple[LockedFile, str]]:
    """The files that the snapshot must agree with, and the lock that names each."""
    for file in model.files:
        if hub.name is HubName.HUGGINGFACE or local_lock.is_part(file.path):
            yield file, "models.lock"
    recorded = local_lock.read(paths.state).get(model.name)
    if recorded is not None:
        for file in recorded.known_at(pinned, hub.name):
            yield file, f"{local_lock.path_within(paths.state)} (from {recorded.hub})"


def _accepted(found: Snapshot, pinned: str | None, known: Sequence[tuple[LockedFile, str]], hub: Hub) -> Snapshot:
    """A release of another hub as the pinned one, which its hashes must prove; where none is known, after saying so."""
    proven = {file.path for file, _ in known if file.sha256}
    unproven = [name for name in found.files if name.endswith(".safetensors") and name not in proven]
    if unproven:
        hub.note(
            f"no hash of {_listed(unproven)} is known here: whether {found.repo} on {hub.name} is the pinned release "
            "cannot be checked. What it announces is taken, recorded, and held to from now on"
        )
    return replace(found, commit=pinned or found.commit)


def _located(hub: Hub, repo: str, revision: str) -> Snapshot:
    """The snapshot from the hub, else from the cache."""
    cache = cache_folder(hub.environ)
    if not hub.offline:
        try:
            return hub.snapshot(repo, revision)
        except Unreachable as exc:
            found = cached_snapshot(cache, repo, revision)
            if found is None or found.missing:
                raise
            hub.note(f"{exc.message}. The local cache has all of {repo}: it is used")
            return _from_cache(found, hub)
    found = cached_snapshot(cache, repo, revision)
    if found is None or found.missing:
        raise offline_error(repo, found.missing if found else ())
    return _from_cache(found, hub)


def _from_cache(found: CachedSnapshot, hub: Hub) -> Snapshot:
    if found.undescribed:
        hub.note(
            f"the local cache of {found.snapshot.repo} lacks {', '.join(found.undescribed)}: "
            "what they describe is left out, so the result may differ from the hub's in its metadata"
        )
    return found.snapshot


def _noted(snapshot: Snapshot, hub: Hub) -> Snapshot:
    """The snapshot, after saying which of its files nobody knows the hash of."""
    unknown = [name for name, file in snapshot.files.items() if local_lock.is_part(name) and not _has_hash(file)]
    if unknown:
        hub.note(f"nothing here knows the hash of {_listed(unknown)} of {snapshot.repo}: taken unchecked")
    return snapshot


def _has_hash(file: RemoteFile) -> bool:
    return file.sha256 is not None or file.git_sha1 is not None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{names[0]} and {len(names) - 1} other files"
