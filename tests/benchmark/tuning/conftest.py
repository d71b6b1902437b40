"""The demo model, loaded once for all tests that measure it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight

DEMO = Path(__file__).parents[3] / "qmath_cli" / "demo" / "demo-q8_0.gguf"


@pytest.fixture(scope="session")
def model() -> Iterator[Model]:
    with load(DEMO, Options(), Preflight()) as loaded:
        yield loaded
