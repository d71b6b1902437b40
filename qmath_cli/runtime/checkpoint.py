"""A checkpoint, on this disk or on the hub, as the converter's `Source`, for as long as a conversion lasts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.errors import IntegrityError, UsageError
from qmath_cli.files import held
from qmath_cli.models.hub.checkpoint import HubCheckpoint
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.hub.remote import Snapshot
from qmath_cli.models.hub.snapshot import resolve, snapshot_of, source_folder
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.runtime.conversion import Note, OnProgress
from qmath_cli.settings import HubName
from qmath_convert.source import LocalFolder, Origin, Source

_REPOSITORY = re.compile(r"(?P<repo>[\w.\-]+/[\w.\-]+?)(?:@(?P<revision>[\w.\-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPO_FOLDER = "models--*"  # of a repository in the Hugging Face cache


@dataclass(slots=True)
class RemoteSource(HubCheckpoint):
    """`qmath_convert.source.Source`, with what the converter writes about the origin."""

    licence: str = ""

    @property
    def origin(self) -> Origin:
        """Repository, commit and licence, which go into the GGUF."""
        commit = self.snapshot.commit if _COMMIT.fullmatch(self.snapshot.commit) else None
        return Origin(self.snapshot.repo, commit, self.licence or self.snapshot.licence or None)


@contextmanager
def open_snapshot(
    hub: Hub, snapshot: Snapshot, paths: Paths, *, licence: str = "", keep: bool = False
) -> Iterator[RemoteSource]:
    """A snapshot's files, held against other processes. An interrupted block leaves what has arrived.

    Args:
        hub: where the files come from.
        snapshot: the repository at a commit.
        paths: where they are put.
        licence: what models.lock says; empty: what the hub says.
        keep: whether downloaded files stay after the conversion.

    Raises:
        UsageError: another process works on this snapshot.
    """
    folder = source_folder(paths, snapshot.repo, snapshot.commit)
    with held(folder, UsageError(f"another qmath is working in {folder}", "wait until it is done, or end it")):
        source = RemoteSource(hub, snapshot, folder, keep=keep, licence=licence)
        try:
            yield source
        finally:
            source.close()


@contextmanager
def kept(source: Source) -> Iterator[None]:
    """Keep downloaded shards during the block, so that they can be read again; afterwards as was asked for before."""
    if not isinstance(source, RemoteSource):
        yield
        return
    before, source.keep = source.keep, True
    try:
        yield
    finally:
        source.keep = before


def fetch(source: Source, shards: Sequence[str], on_progress: OnProgress) -> None:
    """Download the shards that are not here, one after the other; then they can be read in any order.

    Args:
        source: the checkpoint; within `kept`.
        shards: all of its shards, in reading order.
        on_progress: told how many bytes are here.

    Raises:
        NetworkError, IntegrityError, DoesNotFit: as reading them does.
    """
    if not isinstance(source, RemoteSource):
        return
    total = sum(source.size(shard) for shard in shards)
    done = 0
    for shard in shards:
        if source.missing(shard):
            on_progress("downloading", done, total, shard)
            source.read_into(shard, source.size(shard) - 1, memoryview(bytearray(1)))  # the last byte comes last
        source.release(shard)
        done += source.size(shard)


@contextmanager
def open_checkpoint(
    text: str, open_hub: Callable[[], Hub], paths: Paths, lock: Lock, note: Note, *, keep: bool = False
) -> Iterator[Source]:
    """What the user named: a folder, or `OWNER/NAME[@REVISION]` on the hub.

    Downloaded files are deleted when the block ends without an error, unless `keep`. Without a revision, the lock's
    commit is used where the lock has one, else the newest. `open_hub` is called, and `note` with a sentence, where the
    hub is used.
    """
    found = _REPOSITORY.fullmatch(text)
    if Path(text).exists() or found is None:
        yield LocalFolder(_checkpoint_folder(Path(text), note))
        return
    note(f"there is no folder {text}: it is taken as a repository on the hub")
    hub = open_hub()
    locked = [model for model in lock.models if model.repo == found["repo"]]
    if locked and found["revision"] is None:
        snapshot = snapshot_of(locked[0], hub, paths)
    else:
        newest = "master" if hub.name is HubName.MODELSCOPE else "main"
        snapshot = resolve(hub, found["repo"], found["revision"] or newest)
    with open_snapshot(hub, snapshot, paths, licence=locked[0].licence if locked else "", keep=keep) as source:
        yield source
        source.discard()


def _checkpoint_folder(folder: Path, note: Note) -> Path:
    """The folder itself, or the one snapshot in it where it is a repository's folder in the Hugging Face cache.

    Raises:
        UsageError: it is the cache itself, or holds several snapshots or none.
        IntegrityError: a file in it is a link to nothing.
    """
    if not folder.is_dir():
        return folder  # the converter says what a folder must hold
    if not (folder / "config.json").exists():
        if (folder / "snapshots").is_dir():
            folder = _only_snapshot(folder, note)
        elif repositories := sorted(path.name for path in folder.glob(_REPO_FOLDER)):
            raise UsageError(
                f"{folder} is a Hugging Face cache, and not a checkpoint",
                "give a snapshot in it: " + ", ".join(f"{name}/snapshots/COMMIT" for name in repositories[:5]),
            )
    for path in sorted(folder.iterdir()):
        if path.is_symlink() and not path.exists():
            raise IntegrityError(
                f"{path} is a link to {path.readlink()}, which is not there",
                "the files themselves are elsewhere: copy a snapshot of the cache with cp -rL, or download it again",
            )
    return folder


def _only_snapshot(repository: Path, note: Note) -> Path:
    """The snapshot that `refs/main` names, or the only one."""
    snapshots = sorted(path for path in (repository / "snapshots").iterdir() if path.is_dir())
    main = repository / "refs" / "main"
    commit = main.read_text(encoding="utf-8", errors="replace").strip() if main.is_file() else ""
    chosen = [path for path in snapshots if path.name == commit] or snapshots
    if len(chosen) != 1:
        raise UsageError(
            f"{repository} is a repository in the Hugging Face cache with {len(snapshots)} snapshots",
            "give one of them: " + (", ".join(str(path) for path in snapshots) or "there is none; download it again"),
        )
    note(f"{repository} is a repository in the Hugging Face cache: its snapshot {chosen[0].name} is converted")
    return chosen[0]
