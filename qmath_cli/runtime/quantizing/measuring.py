"""What every measurement during a conversion needs from outside: settings, folders, and where its progress goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.engine.llama.model import Model
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.runtime.conversion import Note, OnProgress
from qmath_cli.runtime.weights import open_model
from qmath_cli.settings import Settings

OnCount = Callable[[str, str, int, int], None]
"""Called with what is going on, what its steps are, how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Instruments:
    """The surroundings of a measurement.

    Attributes:
        settings: device, threads, context.
        paths: where results are kept for the next time.
        lock: models.lock.
        on_bytes: progress of conversions.
        on_count: progress of everything else.
        note: a sentence for people.
        require_disk: called with bytes that are about to be written beside the outputs; raises if there is no room.
    """

    settings: Settings
    paths: Paths
    lock: Lock
    on_bytes: OnProgress
    on_count: OnCount
    note: Note
    require_disk: Callable[[int], None]

    @contextmanager
    def opened(self, path: Path, *, writable: bool = False) -> Iterator[Model]:
        """A file's weights in memory."""
        info = describe(str(path), self.paths, self.lock)
        with open_model(info, self.settings, self.paths, self.lock, writable=writable) as model:
            yield model

    def counting(self, what: str, unit: str) -> Callable[[int, int], None]:
        """Progress of one stage, and what its steps are."""
        return lambda done, total: self.on_count(what, unit, done, total)


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text that models read.

    Attributes:
        name: what it is called in files and reports.
        digest: changes with the text.
        tokens: its token ids in a model's vocabulary.
    """

    name: str
    digest: str
    tokens: Callable[[Model], Sequence[int]]
