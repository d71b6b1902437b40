"""A scripted server in a process of its own, for tests that kill one or measure the client alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Self

import httpx2 as httpx

from tests.conftest import ROOT


class ServerProcess:
    """Started with the arguments of `python -m tests.engine.remote`."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.remote", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url: str = json.loads(self._process.stdout.readline())["url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.kill()

    def counters(self) -> dict[str, Any]:
        """The counters of the server: see `Counters`."""
        found: dict[str, Any] = httpx.get(f"{self.url}/scripted/counters").json()
        return found

    def kill(self) -> None:
        """End it at once; its clients see a reset."""
        self._process.kill()
        self._process.communicate()
