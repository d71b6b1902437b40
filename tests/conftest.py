"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data that is not ours to distribute; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("no folder shared/data beside the checkout")
    return SHARED
