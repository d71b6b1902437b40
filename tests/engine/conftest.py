"""The demo model, loaded once: small enough to be the fixture of every test that decodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.prompting import chat
from qmath_cli.records import Mode, Prompt

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
    return chat.chat("Find the roots of x^2 - 5x + 6 = 0.", Mode.TIR)
