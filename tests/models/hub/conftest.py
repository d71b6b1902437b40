"""Fixtures: the loopback hub, and a small checkpoint for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.models.hub.client import Hub
from tests.convert.checkpoints import Recipe, write
from tests.models.hub.loopback import Loopback, serve

REPO = "Qwen/Qwen2.5-Math-1.5B-Instruct"


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with serve() as state:
        yield state


@pytest.fixture
def hub(loopback: Loopback, tmp_path: Path) -> Hub:
    """A client that does not wait between attempts."""
    return Hub(loopback.environ(tmp_path), pause=lambda _: None)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint in five shards."""
    return write(tmp_path_factory.mktemp("checkpoint") / "model", Recipe(shards=5, layers=2, tied=True))
