"""The demo model, loaded once for all tests that decode."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmath_cli.engine.llama.context import Context
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Mode, Prompt
from tests.engine.harness import Harness
from tests.prompts import chat

DEMO = Path(__file__).parents[2] / "qmath_cli" / "demo" / "demo-q8_0.gguf"


@pytest.fixture(scope="session")
def demo() -> Path:
    return DEMO


@pytest.fixture(scope="session")
def model(demo: Path) -> Iterator[Model]:
    with load(demo, Options(), Preflight()) as loaded:
        yield loaded


@pytest.fixture
def problem() -> Prompt:
    return chat("Find the roots of x^2 - 5x + 6 = 0.", Mode.TIR)


@pytest.fixture
def harness(model: Model) -> Iterator[Callable[..., Harness]]:
    """Makes harnesses, by default with three slots and 256 cells."""
    contexts = []

    def make(slots: int = 3, cells: int = 256, retain: int = 0) -> Harness:
        contexts.append(Context(model, cells=cells, slots=slots + retain))
        return Harness(contexts[-1], slots, retain)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def small(demo: Path) -> Iterator[Model]:
    """The demo with a context of 224 tokens."""
    with load(demo, Options(ctx=224), Preflight()) as loaded:
        yield loaded


@pytest.fixture
def alarm(without_gc: None) -> Iterator[Callable[[float], None]]:
    """Sets the time, in seconds, after which KeyboardInterrupt is raised."""

    def set_alarm(seconds: float) -> None:
        signal.setitimer(signal.ITIMER_REAL, seconds)

    before = signal.signal(signal.SIGALRM, _interrupt)
    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt
