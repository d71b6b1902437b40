"""A checkpoint, on this disk or on the hub, as the converter's `Source`, for as long as a conversion lasts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.files import held
from qmath_cli.models.hub.checkpoint import HubCheckpoint
from qmath_cli.models.hub.client import Hub, Snapshot
from qmath_cli.models.hub.snapshot import resolve, snapshot_of, source_folder
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.runtime.conversion import Note
from qmath_convert.source import LocalFolder, Origin, Source

_REPOSITORY = re.compile(r"(?P<repo>[\w.\-]+/[\w.\-]+?)(?:@(?P<revision>[\w.\-]+))?")


@dataclass(slots=True)
class RemoteSource(HubCheckpoint):
    """`qmath_convert.source.Source`, with what the converter writes about the origin."""

    licence: str = ""

    @property
    def origin(self) -> Origin:
        """Repository, commit and licence, which go into the GGUF."""
        return Origin(self.snapshot.repo, self.snapshot.commit, self.licence or self.snapshot.licence or None)


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
def open_checkpoint(
    text: str, environ: Mapping[str, str], paths: Paths, lock: Lock, note: Note, *, keep: bool = False
) -> Iterator[Source]:
    """What the user named: a folder, or `OWNER/NAME[@REVISION]` on the hub.

    Downloaded files are deleted when the block ends without an error, unless `keep`. Without a revision, the lock's
    commit is used where the lock has one, else the newest. `note` is called with a sentence where the hub is used.
    """
    found = _REPOSITORY.fullmatch(text)
    if Path(text).exists() or found is None:
        yield LocalFolder(Path(text))
        return
    note(f"there is no folder {text}: it is taken as a repository on the hub")
    hub = Hub(environ)
    locked = [model for model in lock.models if model.repo == found["repo"]]
    if locked and found["revision"] is None:
        snapshot = snapshot_of(locked[0], hub, paths)
    else:
        snapshot = resolve(hub, found["repo"], found["revision"] or "main")
    with open_snapshot(hub, snapshot, paths, licence=locked[0].licence if locked else "", keep=keep) as source:
        yield source
        source.discard()
