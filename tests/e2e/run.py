"""Starting `qmath` as a user's shell does, with its own home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "qmath_cli"]
TIMEOUT_S = 120.0  # of anything at all: a hang fails, a busy machine does not


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a run: this process's, with its own home and its own folder for temporary files.

    The path of the home is in the environment or the command line of every process that belongs to the run.
    """
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "QMATH_HOME": str(home), "TMPDIR": str(temporary), **more}


def qmath(
    home: Path, *arguments: str, stdin: str | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run to the end; stdin is closed unless given."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        env=dict(env or environment(home)),
        timeout=TIMEOUT_S,
    )


def answer_record(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object of a `--json` run."""
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(lines[0])
    return record
