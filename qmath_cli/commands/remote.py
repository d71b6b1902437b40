"""A checkpoint, on this disk or on the hub, as the converter's `Source`, for as long as a conversion lasts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.commands.invocation import Invocation
from qmath_cli.errors import UsageError
from qmath_cli.files import held
from qmath_cli.models.hub.checkpoint import HubCheckpoint
from qmath_cli.models.hub.client import Hub, Snapshot
from qmath_cli.models.hub.snapshot import resolve, snapshot_of, source_folder
from qmath_cli.models.lockfile import load
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
def opened(
    here: Invocation, hub: Hub, snapshot: Snapshot, *, licence: str = "", keep: bool = False
) -> Iterator[RemoteSource]:
    """The snapshot's files, held against other processes; an interrupted block leaves what has arrived."""
    folder = source_folder(here.paths, snapshot.repo, snapshot.commit)
    with held(folder, UsageError(f"another qmath is working in {folder}", "wait until it is done, or end it")):
        source = RemoteSource(hub, snapshot, folder, keep=keep, licence=licence)
        try:
            yield source
        finally:
            source.close()


@contextmanager
def checkpoint(here: Invocation, text: str, *, keep: bool = False) -> Iterator[Source]:
    """What the user named: a folder, or `OWNER/NAME[@REVISION]` on the hub.

    What was downloaded is deleted when the block ends without an error. Without a revision, the lock's commit is meant
    where the lock has one, else the newest.
    """
    found = _REPOSITORY.fullmatch(text)
    if Path(text).exists() or found is None:
        yield LocalFolder(Path(text))
        return
    here.terminal.note(f"there is no folder {text}: it is taken as a repository on the hub")
    hub = Hub(here.environ)
    locked = [model for model in load().models if model.repo == found["repo"]]
    if locked and found["revision"] is None:
        snapshot = snapshot_of(locked[0], hub, here.paths)
    else:
        snapshot = resolve(hub, found["repo"], found["revision"] or "main")
    with opened(here, hub, snapshot, licence=locked[0].licence if locked else "", keep=keep) as source:
        yield source
        source.discard()
