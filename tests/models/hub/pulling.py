"""Runs `qmath` commands with a separate home folder and the loopback hub as the only network.

Commands run in this process, which saves the imports. Those that a test kills run in a child process.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from qmath_cli.app import run
from qmath_cli.models.lockfile import load
from qmath_cli.models.store import gguf_path
from qmath_cli.paths import Paths, find
from tests.models.hub.loopback import Loopback, Repo

NAME = "1.5b-instruct"
MODEL = load().get(NAME)


@dataclass
class Machine:
    """A user's machine; `environ` is added to the environment of every command."""

    home: Path
    hub: Loopback
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> Paths:
        """The folders of its qmath."""
        return find({"QMATH_HOME": str(self.home / "qmath")})

    def gguf(self, quantization: str = "q4_k_m", name: str = NAME) -> Path:
        """The path of a pulled model."""
        return gguf_path(load().get(name), quantization, self.paths)

    @property
    def variables(self) -> dict[str, str]:
        """The whole environment of a command."""
        own = {"PATH": os.environ["PATH"], "HOME": str(self.home), "QMATH_HOME": str(self.home / "qmath")}
        return own | self.hub.environ(self.home) | self.environ

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a child process."""
        return subprocess.Popen(
            [sys.executable, "-m", "qmath_cli", *arguments],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command; returns exit code, stdout and stderr."""
        out, err = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.variables, clear=True), redirect_stdout(out), redirect_stderr(err):
            code = run(arguments)
        return code, out.getvalue(), err.getvalue()

    def json(self, *arguments: str) -> Any:
        """Run a command with --json that must succeed; returns its JSON object."""
        code, out, err = self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


def publish(hub: Loopback, folder: Path, name: str = NAME, **options: object) -> Repo:
    """Put a checkpoint on the hub under a released model's repository and commit."""
    model = load().get(name)
    repo = Repo.of(folder, **({"commit": model.revision} if model.revision else {}), **options)
    hub.repos[model.repo] = repo
    return repo
