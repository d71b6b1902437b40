"""What is kept is there again: after a kill, beside other processes, in a folder that cannot be written, or damaged."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from qmath_cli.errors import DataError, DoesNotFit, IntegrityError, QmathError, UsageError
from qmath_cli.history.entry import numbered
from qmath_cli.history.keeper import Keeper
from qmath_cli.history.store import History
from qmath_cli.paths import find
from qmath_cli.settings import Settings
from tests.history.solved import everything, solved

#: Keeps problems named after its argument, and says of each that it is kept.
KEEPS = """
import sys
from pathlib import Path
from qmath_cli.history.store import History
from tests.history.solved import solved
history = History(Path(sys.argv[1]))
for i in range(int(sys.argv[3])):
    history.keep(solved(f"{sys.argv[2]} {i}"))
    print(i, flush=True)
"""
TIMEOUT_S = 120.0


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "data" / "history.sqlite")


def keeps(history: History, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", KEEPS, str(history.path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def names(history: History) -> list[str]:
    return [one.problem for one in history.newest()]


# ---------------------------------------------------------------- there and back


def test_what_is_kept_is_read_as_it_was(history: History) -> None:
    """Every field, a lone surrogate in the problem included; the time is the present."""
    number = history.keep(everything())
    assert history.solved(number) == numbered(everything(), number)
    (line,) = history.newest()
    assert (line.number, line.answer, line.model) == (number, "1", "demo:q8_0")
    assert abs(line.at.timestamp() - time.time()) < TIMEOUT_S


def test_a_problem_without_a_model_is_read_as_it_was(history: History) -> None:
    number = history.keep(replace(solved(), model=None))
    assert history.solved(number) == replace(solved(), model=None, number=number)


def test_the_newest_problems_come_last(history: History) -> None:
    for name in "abc":
        history.keep(solved(name))
    assert names(history) == ["a", "b", "c"]
    assert [one.problem for one in history.newest(2)] == ["b", "c"]


def test_a_replaced_problem_keeps_its_number(history: History) -> None:
    """One that was removed in the meantime is added."""
    number = history.keep(solved("a"))
    assert history.replace(replace(solved("b"), number=number)) == number
    assert names(history) == ["b"]
    history.clear()
    assert history.replace(replace(solved("c"), number=number)) == number + 1
    assert names(history) == ["c"]


def test_a_conversation_has_the_problems_before(history: History) -> None:
    """Those that are still there, in their order."""
    first, second = history.keep(solved("a")), history.keep(solved("b"))
    third = history.keep(replace(solved("c"), earlier=(first, second, 99)))
    assert [one.solution.problem.text for one in history.conversation(third)] == ["a", "b", "c"]
    assert [one.solution.problem.text for one in history.conversation(second)] == ["b"]


# ---------------------------------------------------------------- what is not there


def test_reading_creates_nothing(history: History) -> None:
    """An empty history has no problem, no file and no folder."""
    assert (history.newest(), history.search("x"), history.clear()) == ([], [], 0)
    with pytest.raises(UsageError, match="no problem 1"):
        history.solved(1)
    assert not history.path.parent.exists()


@pytest.mark.parametrize("number", [0, -1, 2, 10**30])
def test_a_number_that_is_not_there_is_an_error(history: History, number: int) -> None:
    """Whatever its size."""
    history.keep(solved())
    with pytest.raises(UsageError, match="there is no problem"):
        history.solved(number)


def test_nothing_is_left_after_clear(history: History) -> None:
    """Neither rows nor their text in the file, with an index and without; and no number is used again."""
    for _ in range(2):
        history.keep(solved("What is the xylophone?", "A secretword."))
        history.search("xylophone")
        history.keep(solved("And the xylophone?", "secretword"))
        assert history.clear() == 2
        assert history.newest() == []
        assert b"xylophone" not in history.path.read_bytes()
        assert b"secretword" not in history.path.read_bytes()
    assert history.keep(solved()) == 5


@pytest.mark.skipif(os.name != "posix", reason="file modes as POSIX has them")
def test_only_its_owner_can_read_it(history: History) -> None:
    """Whatever the umask."""
    before = os.umask(0)
    try:
        history.keep(solved())
    finally:
        os.umask(before)
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600


# ---------------------------------------------------------------- kills and other processes


def test_two_processes_keep_all_their_problems(history: History) -> None:
    """At once, in the same new file, while a third reads and searches."""
    running = [keeps(history, name, 40) for name in ("one", "two")]
    while any(child.poll() is None for child in running):
        history.newest(5)
        history.search("one")
    assert [child.wait(TIMEOUT_S) for child in running] == [0, 0]
    for child in running:
        child.communicate()
    assert sorted(names(history)) == sorted(f"{name} {i}" for name in ("one", "two") for i in range(40))
    assert len({one.number for one in history.newest()}) == 80


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX's")
def test_a_killed_process_loses_no_problem_that_was_kept(history: History) -> None:
    """At any moment; the file is whole, and the next process goes on."""
    kept: list[str] = []
    for turn, delay in enumerate((0.0, 0.003, 0.011, 0.04)):
        with keeps(history, str(turn), 10_000) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
            said = [int(line) for line in child.stdout.read().split()]
        kept += [f"{turn} {i}" for i in range(max(said, default=0) + 1)]
        assert set(kept) <= set(names(history))
    assert len(names(history)) <= len(kept) + 4  # a problem may be kept that the process could not report
    with sqlite3.connect(history.path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


# ---------------------------------------------------------------- files that cannot be used


@pytest.mark.parametrize("content", [b"no database at all, but text" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_history_is_refused_and_left_alone(history: History, content: bytes) -> None:
    history.path.parent.mkdir()
    history.path.write_bytes(content)
    for attempt in (lambda: history.keep(solved()), history.newest, lambda: history.search("x"), history.clear):
        with pytest.raises(QmathError, match=r"history\.sqlite"):
            attempt()
    assert history.path.read_bytes() == content


def test_a_damaged_record_is_an_error_with_its_number(history: History) -> None:
    number = history.keep(solved())
    for record in ("", "{}", "[]", "7", '{"model": 3}'):
        with sqlite3.connect(history.path) as database:
            database.execute("UPDATE problems SET record = ?", [record])
        database.close()
        with pytest.raises(IntegrityError, match=f"problem {number} in .* cannot be read"):
            history.solved(number)


def test_a_history_of_a_newer_version_is_left_alone(history: History) -> None:
    history.keep(solved())
    with sqlite3.connect(history.path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(DataError, match="newer qmath"):
        history.keep(solved())
    with pytest.raises(DataError, match="newer qmath"):
        history.newest()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with pytest.raises(DoesNotFit, match=r"cannot write .*history\.sqlite"):
        History(tmp_path / "data" / "history.sqlite").keep(solved())


# ---------------------------------------------------------------- the keeper


def test_a_keeper_says_once_that_it_cannot_keep(tmp_path: Path) -> None:
    """And returns the solution without a number."""
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    notes: list[str] = []
    keeper = Keeper(find({"QMATH_HOME": str(tmp_path)}), notes.append)
    assert keeper.keep(solved(), Settings()).number is None
    assert keeper.keep(solved(), Settings()).number is None
    assert len(notes) == 1
    assert "the history is not kept: cannot write" in notes[0]


def test_a_keeper_writes_nothing_where_the_history_is_off(tmp_path: Path) -> None:
    """Nor a solution without a sample."""
    keeper = Keeper(find({"QMATH_HOME": str(tmp_path)}), print)
    empty = replace(solved(), solution=replace(solved().solution, samples=()))
    assert keeper.keep(solved(), Settings(history=False)).number is None
    assert keeper.keep(empty, Settings()).number is None
    assert list(tmp_path.iterdir()) == []


def test_a_keeper_numbers_what_it_keeps(tmp_path: Path) -> None:
    """The same problem again has the same number."""
    keeper = Keeper(find({"QMATH_HOME": str(tmp_path)}), print)
    first = keeper.keep(solved("a"), Settings())
    assert (first.number, keeper.keep(first, Settings()).number) == (1, 1)


# ---------------------------------------------------------------- search


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("方程", [1]),
        ("求方程", [1]),
        ("方程 的根", [1]),
        ("根", [1]),
        ("ROOTS", [2]),
        ("roots x^2", [2]),
        ("frac{1}", [2, 3]),
        (r"\frac{1}{2}", [2, 3]),
        ("123", [3]),
        ("ÉCOLE", [3]),
        ('say "hi"', [3]),
        ("50%", [3]),
        ("50_", []),
        ("roots 方程", []),
        ("x", [1, 2]),
        ("OR", [3]),
        ("NOT", []),
        ("half*", []),
        ("", []),
        ("  ", []),
    ],
)
@pytest.mark.parametrize("indexed", [True, False], ids=["index", "no index"])
def test_a_search_finds_text_in_any_script(history: History, sought: str, found: list[int], indexed: bool) -> None:
    """Problem, answer and working; each word anywhere; no character is an operator of the search."""
    history.keep(solved("求方程 x^2-5x+6=0 的根。", "用公式。", "2, 3"))
    history.keep(solved("Find the roots of x^2 = 1."))
    history.keep(solved('They say "hi", or １２３?', "École: 50% of 2"))
    assert [one.number for one in history.search(sought, indexed=indexed)] == found


def test_a_search_sees_what_was_added_and_replaced_since_the_last(history: History) -> None:
    number = history.keep(solved("alpha beta"))
    assert len(history.search("alpha")) == 1
    history.replace(replace(solved("gamma"), number=number))
    history.keep(solved("alpha again"))
    assert [one.number for one in history.search("alpha")] == [number + 1]
    assert [one.number for one in history.search("gamma")] == [number]
    assert [one.number for one in history.search("half", 1)] == [number + 1]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser can write everywhere")
def test_a_history_that_can_only_be_read_is_searched(history: History) -> None:
    """Without an index, which cannot be written."""
    history.keep(solved("alpha"))
    history.path.chmod(0o400)
    history.path.parent.chmod(0o500)
    try:
        assert [one.number for one in history.search("alpha")] == [1]
    finally:
        history.path.parent.chmod(0o700)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.lists(st.text("abAB方程\\ \"'ßİ½x\x00\ud800", max_size=12), min_size=1, max_size=4),
    sought=st.text("abAB方程\\ \"'ßİ½", max_size=7),
)
def test_the_index_changes_nothing_but_the_time(tmp_path: Path, texts: list[str], sought: str) -> None:
    history = History(tmp_path / "history.sqlite")
    history.clear()
    for text in texts:
        history.keep(solved(text))
    assert history.search(sought) == history.search(sought, indexed=False)
