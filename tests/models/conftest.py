"""Folders under a temporary folder, and small models installed there."""

from __future__ import annotations

import io
import socket
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.app import run
from qmath_cli.models import manifest
from qmath_cli.models.hashes import sha256_file
from qmath_cli.models.lockfile import Lock, load
from qmath_cli.models.manifest import Manifest
from qmath_cli.models.store import gguf_path, head_path
from qmath_cli.paths import Paths, find
from tests.models.small_models import Install, write_gguf


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find({"QMATH_HOME": str(tmp_path / "home")})


@pytest.fixture
def lock() -> Lock:
    return load()


@pytest.fixture
def install(paths: Paths, lock: Lock) -> Install:
    """Returns a function that installs a model as `pull` does."""

    def put(name: str, quantization: str = "q4_k_m", seed: int = 0) -> Path:
        model = lock.get(name)
        path = write_gguf(gguf_path(model, quantization, paths), seed=seed)
        head = write_gguf(head_path(path), seed=seed + 1) if model.kind.value == "reward" else None
        parts = [manifest.RecordedFile(p.name, p.stat().st_size, sha256_file(p)) for p in (path, head) if p]
        record = Manifest(model.name, quantization, parts[0], parts[1] if head else None, model.repo, "a" * 40)
        manifest.write(paths.models, record)
        return path

    return put


@pytest.fixture
def qmath(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns a function that runs a command line, without sockets: (code, stdout, stderr)."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("QMATH_HOME", str(paths.data.parent))

    def call(*arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run(arguments)
        return code, out.getvalue(), err.getvalue()

    return call
