"""`qmath` among other programs: pipes that close early, files, no stdin, an empty environment, no network."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")

QMATH = shlex.join([sys.executable, "-m", "qmath_cli"])
ROOTS = "'Find the roots of x^2 - 5x + 6 = 0.'"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all tests, so that the preflight runs once."""
    return tmp_path_factory.mktemp("home")


def shell(home: Path, line: str, *, bare: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a line in bash; a pipeline's exit code is that of the last command that failed."""
    environment = {} if bare else {**os.environ, "QMATH_HOME": str(home)}
    return subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", line],
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_reader_may_close_after_one_line(home: Path) -> None:
    """`head -1` ends the program without an error."""
    done = shell(home, f"{QMATH} solve -q {ROOTS} | head -1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("command", ["--help", "solve --help", "list", "doctor"])
def test_a_reader_may_close_help_pages_and_tables(home: Path, command: str) -> None:
    """Typer writes help pages itself; they must behave like answers."""
    done = shell(home, f"{QMATH} {command} | head -1")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


def test_a_reader_that_never_reads_is_no_error(home: Path) -> None:
    """The pipe may be closed before the first byte."""
    done = shell(home, f"{QMATH} solve -q {ROOTS} | true")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_gets_the_source_and_the_answer_last(home: Path) -> None:
    """No escape sequences, no drawings."""
    done = shell(home, f"{QMATH} solve {ROOTS} > out.txt 2> err.txt")
    text = (home / "out.txt").read_text(encoding="utf-8")
    assert done.returncode == 0
    assert "\x1b" not in text
    assert text.splitlines()[-1] == "2, 3"


def test_stderr_may_be_discarded(home: Path) -> None:
    """Stdout is the same without it, even when it is closed."""
    for redirection in ("2>/dev/null", "2>&-"):
        done = shell(home, f"{QMATH} solve -a {ROOTS} {redirection}")
        assert (done.returncode, done.stdout) == (0, "2, 3\n")


def test_json_is_one_object_for_other_programs(home: Path) -> None:
    """`python -m json.tool` reads it."""
    done = shell(home, f"{QMATH} solve --json {ROOTS} | {shlex.quote(sys.executable)} -m json.tool")
    assert done.returncode == 0
    assert json.loads(done.stdout)["answer"] == "2, 3"


def test_jsonl_ends_with_the_solution(home: Path) -> None:
    """Each line is an object; the texts joined are the text of the model."""
    done = shell(home, f"{QMATH} solve --jsonl {ROOTS}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "solution"
    text = "".join(event["text"] for event in events if event["event"] == "text")
    assert r"\boxed{2, 3}" in text


def test_a_closed_stdin_does_not_block(home: Path) -> None:
    """With a problem as an argument stdin is not read; without one there is a usage error."""
    done = shell(home, f"{QMATH} solve -a {ROOTS} <&-")
    assert (done.returncode, done.stdout) == (0, "2, 3\n")
    done = shell(home, f"{QMATH} solve <&-")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_empty_environment_is_enough(home: Path) -> None:
    """As cron starts it and worse: no HOME, no TERM, no PATH."""
    done = shell(home, f"{QMATH} solve -a --no-history {ROOTS}", bare=True)
    assert (done.returncode, done.stdout) == (0, "2, 3\n"), done.stderr


@pytest.mark.parametrize("line", ["repl </dev/null", "</dev/null"])
def test_without_a_terminal_nothing_waits(home: Path, line: str) -> None:
    """A REPL on an empty stdin ends; `qmath` alone reads a problem from stdin and finds none."""
    done = shell(home, f"{QMATH} {line}")
    assert done.returncode in {0, 2}
    assert "Traceback" not in done.stderr


def test_a_session_reads_a_script(home: Path) -> None:
    """Lines of a pipe are messages."""
    done = shell(home, f"printf 'What is 12%% of 450?\\n/check 54\\n' | {QMATH} repl")
    assert done.returncode == 0
    assert "equal: 54 and 54" in done.stdout


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
@pytest.mark.parametrize(
    "line", ["solve -a " + ROOTS, "check 1/2 0.5", "doctor", "list", "solve -a -k 3 'What is 1+1?'"]
)
def test_without_a_network_everything_works(home: Path, line: str) -> None:
    """In a network namespace with no interface up, not even loopback."""
    if shell(home, "unshare -rn true").returncode != 0:
        pytest.skip("unprivileged network namespaces are not allowed here")
    done = shell(home, f"unshare -rn {QMATH} {line}")
    assert done.returncode == 0, done.stderr
