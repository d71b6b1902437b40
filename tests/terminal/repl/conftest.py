"""A home for each test, with the preflight's verdict already in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.run import TIMEOUT_S
from tests.terminal.repl.terminal_session import environment


@pytest.fixture(scope="session")
def preflight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder after one solve."""
    home = tmp_path_factory.mktemp("preflight")
    command = [sys.executable, "-m", "qmath_cli", "solve", "-a", "What is 1+1?"]
    subprocess.run(
        command, env=environment(home), stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=True
    )
    return home / "cache"


@pytest.fixture
def home(tmp_path: Path, preflight: Path) -> Path:
    """A home of its own."""
    shutil.copytree(preflight, tmp_path / "cache")
    return tmp_path
