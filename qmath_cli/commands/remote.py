"""A checkpoint on the hub as the converter's `Source`, for as long as a conversion lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from qmath_cli.commands.frame import Frame
from qmath_cli.models.claim import claim
from qmath_cli.models.hub import Hub, Snapshot
from qmath_cli.models.shards import HubCheckpoint
from qmath_cli.models.sources import source_folder
from qmath_convert.source import Origin


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
    here: Frame, hub: Hub, snapshot: Snapshot, *, licence: str = "", keep: bool = False
) -> Iterator[RemoteSource]:
    """The snapshot's files, held against other processes; an interrupted block leaves what has arrived."""
    folder = source_folder(here.places, snapshot.repo, snapshot.commit)
    with claim(folder):
        source = RemoteSource(hub, snapshot, folder, keep=keep, licence=licence)
        try:
            yield source
        finally:
            source.close()
