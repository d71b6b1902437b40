"""The engine on scripted servers, as a run opens it, and models that write a given text from wherever it stands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from qmath_cli import paths
from qmath_cli.engine.remote.engine import RemoteEngine
from qmath_cli.models import lockfile
from qmath_cli.records import Chunk, Prompt, Sampling, Segment, ServerKind, Stop
from qmath_cli.runtime.servers.opening import open_served
from qmath_cli.runtime.servers.reach import described
from qmath_cli.settings import Settings
from tests.engine.remote.generation import Asked, Model, Reply
from tests.scripted import TIMEOUT_S

ASSISTANT = "<|im_start|>assistant\n"


def asking(problem: str = "What is 6*7?", stops: tuple[str, ...] = ("```output",)) -> Prompt:
    """A chat's prompt."""
    return Prompt(
        (
            Segment("<|im_start|>user\n", special=True),
            Segment(problem),
            Segment(f"<|im_end|>\n{ASSISTANT}", special=True),
        ),
        stops,
    )


def writing(text: str, *, ends: bool = True) -> Model:
    """A model that writes this text, and goes on with it where a prompt holds its beginning."""

    def model(asked: Asked) -> Reply:
        written = asked.text.rpartition(ASSISTANT)[2]
        assert text.startswith(written), written
        return Reply(text[len(written) :], ends)

    return model


@contextmanager
def engine_on(
    *urls: str,
    sequences: int = 8,
    home: Path,
    kind: ServerKind | None = None,
    ctx: int = 4096,
    note: Callable[[str], None] = lambda _sentence: None,
    watched: bool = True,
) -> Iterator[RemoteEngine]:
    """The engine, as the commands open it."""
    settings = Settings(server=" ".join(urls), server_kind=kind, ctx=ctx)
    found, lock = paths.find({"QMATH_HOME": str(home)}), lockfile.load()
    info = described(settings, found, lock)
    with open_served(info, settings, found, lock, sequences, note=note, watched=watched) as engine:
        yield engine


@dataclass
class Finished:
    """What the sequences of a run became."""

    texts: dict[int, str] = field(default_factory=dict)
    stops: dict[int, Stop] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        assert chunk.sequence not in self.stops, "a chunk after the end"
        self.texts[chunk.sequence] = self.texts.get(chunk.sequence, "") + chunk.text
        self.tokens[chunk.sequence] = self.tokens.get(chunk.sequence, 0) + chunk.tokens
        if chunk.stop is not None:
            self.stops[chunk.sequence] = chunk.stop


def finish(engine: RemoteEngine, ids: Sequence[int], meanwhile: Callable[[Finished], None] | None = None) -> Finished:
    """Step until these sequences have stopped."""
    found, limit = Finished(), time.monotonic() + TIMEOUT_S
    while not found.stops.keys() >= set(ids):
        assert time.monotonic() < limit, "the sequences did not end"
        for chunk in engine.step():
            found.add(chunk)
        if meanwhile is not None:
            meanwhile(found)
    return found


def complete(engine: RemoteEngine, prompt: Prompt | None = None, **sampling: float) -> tuple[str, Stop]:
    """The text of one sequence, and why it stopped."""
    (key,) = engine.start(prompt or asking(), [Sampling(**sampling)])  # type: ignore[arg-type]
    found = finish(engine, [key])
    return found.texts[key], found.stops[key]


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    limit = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.01)
