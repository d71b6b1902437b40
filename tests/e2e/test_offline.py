"""The network is not needed: in a namespace that has none, everything but `pull` works."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.run import COMMAND, environment

ISOLATED = ["unshare", "--net", "--map-root-user"]


@pytest.fixture(scope="module", autouse=True)
def isolation() -> None:
    """Skip where no network namespace can be made."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare command")
    if subprocess.run([*ISOLATED, "true"], capture_output=True).returncode:
        pytest.skip("network namespaces are not allowed here")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["solve", "What is 12% of 450?", "-a"], "54"),
        (["solve", "What is 12% of 450?", "-k", "4", "-a"], "54"),
        (["check", "1/2", "0.5"], "equal"),
        (["list"], "demo"),
        (["verify"], "demo"),
        (["doctor"], "executor"),
    ],
)
def test_it_works_without_a_network(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Each command does its work with no interface at all, loopback included."""
    done = subprocess.run(
        [*ISOLATED, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert said in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


def test_pull_says_that_it_cannot_reach_the_hub(tmp_path: Path) -> None:
    """One clear error, and nothing left behind."""
    done = subprocess.run(
        [*ISOLATED, *COMMAND, "pull", "1.5b-instruct"],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.gguf"))
