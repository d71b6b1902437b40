"""Without a network: in a namespace that has none, everything but `pull` works."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.run import COMMAND, TIMEOUT_S, environment

ISOLATED = ["unshare", "--net", "--map-root-user"]


@pytest.fixture(scope="module", autouse=True)
def isolation() -> None:
    """Skip where no network namespace can be made."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare command")
    if subprocess.run([*ISOLATED, "true"], capture_output=True).returncode:
        pytest.skip("network namespaces are not allowed here")


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        (["solve", "What is 12% of 450?", "-a"], "54"),
        (["solve", "What is 12% of 450?", "-k", "4", "-a"], "54"),
        (["check", "1/2", "0.5"], "equal"),
        (["list"], "demo"),
        (["verify"], "demo"),
        (["doctor"], "executor"),
    ],
)
def test_it_works_without_a_network(tmp_path: Path, arguments: list[str], output: str) -> None:
    """There is no interface at all, not even loopback."""
    done = subprocess.run(
        [*ISOLATED, *COMMAND, *arguments],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
    )
    assert output in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


def test_pull_without_a_network_is_an_error(tmp_path: Path) -> None:
    """One line, and no file is left over."""
    done = subprocess.run(
        [*ISOLATED, *COMMAND, "pull", "1.5b-instruct"],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        timeout=240,  # it tries several times
    )
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.gguf"))


def test_only_a_run_with_a_server_looks_for_the_network(tmp_path: Path) -> None:
    """No address is resolved and no connection made without `--server`, whatever is in the way."""
    watching = (
        "import sys; seen = []\n"
        "names = {'socket.connect', 'socket.getaddrinfo'}\n"
        "sys.addaudithook(lambda name, given: seen.append(given) if name in names else None)\n"
        "from qmath_cli.app import run\n"
        "code = run(sys.argv[1:]); print(len(seen), file=sys.stderr); sys.exit(code)\n"
    )
    solve = ["solve", "What is 12% of 450?", "-k", "2", "-a"]
    for arguments, code, connects in ((solve, 0, False), ([*solve, "--server", "http://127.0.0.1:9"], 9, True)):
        done = subprocess.run(
            [COMMAND[0], "-c", watching, *arguments],
            capture_output=True,
            text=True,
            env=environment(tmp_path, QMATH_SERVER_KEY="key"),
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == code, done.stderr
        assert (int(done.stderr.splitlines()[-1]) > 0) == connects
