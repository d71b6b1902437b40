"""A model with real weights, made by others. The tests in this folder are skipped where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Qmath = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The GGUF that QMATH_REAL_MODEL names, such as Qwen2.5-Coder-0.5B-Instruct at Q4_K_M."""
    path = os.environ.get("QMATH_REAL_MODEL", "")
    if not Path(path).is_file():
        pytest.skip("QMATH_REAL_MODEL names no file")
    return Path(path)


@pytest.fixture
def qmath(tmp_path: Path) -> Qmath:
    """Runs the program with a home folder of its own."""

    def run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "qmath_cli", *map(str, arguments)],
            env={**os.environ, "QMATH_HOME": str(tmp_path / "home"), "NO_COLOR": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run
