"""Fixtures of all tests."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


def pytest_configure() -> None:
    """Let Ctrl-C interrupt: without job control, a shell starts background jobs with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["QMATH_HISTORY"] = "off"  # no test adds to the history of the person who runs it
    for name in ("COLUMNS", "LINES"):  # a window has the size that a test gives it; readline sets both
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data that is not part of the project. Tests that use it are skipped if it is absent."""
    if not SHARED.is_dir():
        pytest.skip("there is no folder ../shared/data")
    return SHARED


@pytest.fixture
def without_gc() -> Iterator[None]:
    """No garbage is collected: an interrupt in a callback of the collector, such as hypothesis has, would be lost."""
    gc.disable()
    yield
    gc.enable()
