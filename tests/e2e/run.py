"""Starting `qmath` as a user's shell does, with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "qmath_cli"]


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a run: this one's, with its own places."""
    return {**os.environ, "QMATH_HOME": str(home), **more}


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
        timeout=120,
    )


def answer_record(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object of a `--json` run."""
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout + done.stderr
    record: dict[str, Any] = json.loads(lines[0])
    return record
