"""`qmath check --pairs`: a row for each line of a file, and the exit code of the worst."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from wcwidth import wcswidth

from tests.e2e.run import COMMAND, environment, qmath
from tests.grading.test_grader import ENDLESS
from tests.terminal.schemas import validate

#: One pair of each kind, in the order of their exit codes.
EQUAL, UNDECIDED, DIFFERENT, BAD = "1/2\t0.5", "9" * 5000 + "\t5", "2\t3", "lonely"
HEADER = "line\tanswer\texpected\tverdict\trule\treason"


def written(folder: Path, *lines: str, name: str = "pairs.tsv") -> str:
    """A file of these lines."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((EQUAL, EQUAL), 0),
        ((EQUAL, UNDECIDED), 3),
        ((UNDECIDED, DIFFERENT, EQUAL), 4),
        ((DIFFERENT, BAD, UNDECIDED), 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_row(tmp_path: Path, lines: tuple[str, ...], code: int) -> None:
    """A line that is no pair, then different, then undecided; every line has its row all the same."""
    done = qmath(tmp_path, "check", "--pairs", written(tmp_path, *lines), "--json")
    assert done.returncode == code, done.stderr
    assert [json.loads(line)["line"] for line in done.stdout.splitlines()] == list(range(1, len(lines) + 1))


def test_each_row_is_an_object_of_the_schema(tmp_path: Path) -> None:
    """A pair has verdict, rule and reason; a bad line says what is wrong and what to do."""
    done = qmath(tmp_path, "check", "--pairs", written(tmp_path, EQUAL, UNDECIDED, BAD, DIFFERENT), "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows:
        validate(row)
    assert [row.get("verdict") for row in rows] == ["equal", "undecided", None, "different"]
    assert rows[1]["why"] == "an answer is longer than 4000 characters"
    assert rows[2]["error"]
    assert rows[2]["hint"]
    assert done.stderr == "3 pairs: 1 equal, 1 different, 1 undecided; 1 bad line\n"


def test_the_rules_of_the_call_hold_for_every_row(tmp_path: Path) -> None:
    """`--exact` and `--grade`."""
    pairs = written(tmp_path, "1/3\t0.333", "50\t0.5")
    verdicts = {
        options: [
            json.loads(line)["verdict"]
            for line in qmath(tmp_path, "check", "--pairs", pairs, "--json", *options).stdout.splitlines()
        ]
        for options in ((), ("--exact",), ("--grade", "official"))
    }
    assert verdicts == {
        (): ["equal", "different"],
        ("--exact",): ["different", "different"],
        ("--grade", "official"): ["different", "equal"],
    }


def test_a_pipe_gets_uncut_rows_that_can_be_read_again(tmp_path: Path) -> None:
    """Cells between tabs, under a header."""
    long = "+".join(rf"\\sqrt{{{n}}}" for n in range(2, 40))
    done = qmath(tmp_path, "check", "--pairs", written(tmp_path, f"{long}\t{long}", "2\t3"))
    header, first, second = done.stdout.splitlines()
    assert header == HEADER
    assert first.split("\t")[:5] == ["1", long, long, "equal", "same text"]
    again = qmath(tmp_path, "check", "--pairs", "-", stdin=done.stdout)
    assert [line.split("\t")[3] for line in again.stdout.splitlines()[1:]] == ["equal", "different"]
    assert second.startswith("2\t2\t3\tdifferent\t")


def test_standard_input_and_the_format_option(tmp_path: Path) -> None:
    """The format is that of the first line, unless it is named."""
    for content, options in (('"1,5",1.5\n', ()), ("1,5\t1.5\n", ("--format", "csv"))):
        done = qmath(tmp_path, "check", "--pairs", "-", *options, "--json", stdin=content)
        assert json.loads(done.stdout)["answer"] == ("1,5" if not options else "1"), done.stderr


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_a_file_without_pairs_is_an_error(tmp_path: Path, content: str) -> None:
    """Not a success of nothing."""
    done = qmath(tmp_path, "check", "--pairs", "-", stdin=content)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: standard input has no pairs\nhint: ")


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """One that is absent, and a folder."""
    for path in (tmp_path / "none.tsv", tmp_path):
        done = qmath(tmp_path, "check", "--pairs", str(path))
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: cannot read {path}: ")


def test_a_pair_that_ends_its_process_costs_its_own_verdict(tmp_path: Path) -> None:
    """The rows before and after it are as ever, in order."""
    lines = [EQUAL, f"{ENDLESS}\t5", "2\t3", r"\frac{1}{" * 600 + "2" + "}" * 600 + "\t5", EQUAL]
    done = qmath(tmp_path, "check", "--pairs", written(tmp_path, *lines), "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["verdict"] for row in rows] == ["equal", "undecided", "different", "undecided", "equal"]


def test_control_characters_do_not_reach_the_table(tmp_path: Path) -> None:
    """JSON has them as escapes."""
    content = json.dumps({"answer": "5\x1b[2J\n6", "expected": "\ud800"})
    done = qmath(tmp_path, "check", "--pairs", "-", stdin=content)
    assert done.stdout.splitlines()[1].split("\t")[1:3] == ["5[2J 6", "?"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
@pytest.mark.parametrize(("what", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_what_was_graded(tmp_path: Path, what: signal.Signals, code: int) -> None:
    """Each row is on stdout as soon as it is graded, while the input is still open; stderr says how far it came."""
    with subprocess.Popen(
        [*COMMAND, "check", "--pairs", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        env=environment(tmp_path),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(f"{EQUAL}\n")
        assert process.stdout.readline() == f"{HEADER}\n"
        assert process.stdout.readline().startswith("1\t1/2\t0.5\tequal")
        process.send_signal(what)
        assert process.wait(60) == code
        assert process.stderr.readline() == "1 pair: 1 equal, 0 different, 0 undecided so far\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close as on POSIX")
def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """As with `| head -1`."""
    pairs = written(tmp_path, *[f"{n}\t{n}" for n in range(20_000)])
    with subprocess.Popen(
        [*COMMAND, "check", "--pairs", pairs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == f"{HEADER}\n"
        process.stdout.close()
        assert (process.wait(60), process.stderr.read()) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals exist on POSIX only")
@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_gets_columns_that_fit_its_width(tmp_path: Path, width: int) -> None:
    """Wide characters count twice; what is cut ends in dots, and the verdict is never cut."""
    from tests.terminal.repl.terminal_session import end_of, spawned
    from tests.terminal.screen import TextScreen

    long = "+".join(f"x_{{{n}}}" for n in range(60))
    pairs = written(tmp_path, f"{long}\t{long}", "三分之一的面积和周长是多少的答案是\t3", BAD)
    with spawned(tmp_path, "check", "--pairs", pairs, columns=width) as child:
        code, _ = end_of(child)
    screen = TextScreen(width).feed(child.before)
    lines = screen.lines
    assert (code, screen.wrapped) == (2, 0)
    assert max(wcswidth(line) for line in lines[:4]) <= width
    assert [line.split()[1] for line in lines[:4]] == ["verdict", "equal", lines[2].split()[1], "bad"]
    assert "…" in lines[1]
