"""Sessions on disk: what is saved is loaded again, earlier files are read, and damaged ones are refused."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from qmath_cli.errors import DataError, UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.records import (
    Finish,
    Language,
    Mode,
    Output,
    Problem,
    ProgramRun,
    RunStatus,
    Sample,
    Sampling,
    Solution,
    Usage,
    VoteGroup,
    Votes,
)
from qmath_cli.settings import Settings
from qmath_cli.terminal.repl import session_file
from qmath_cli.terminal.repl.session import Session
from qmath_cli.terminal.repl.slash import dispatch
from tests.terminal.repl.conversations import scripted

RUN = ProgramRun("print(1/2)", Output("0.5\n数", RunStatus.OK, 0.25, ""))
FAILED = ProgramRun("1/0", Output("ZeroDivisionError", RunStatus.ERROR, 1.5, "ZeroDivisionError: division by zero"))
SAMPLE = Sample(
    r"Text \boxed{\frac{1}{2}}", r"\frac{1}{2}", Finish.ANSWERED, (RUN, FAILED), Usage(3, 4, 5, 6), -1.5, 2, 1
)
SOLUTION = Solution(
    problem=Problem("这是什么", Language.ZH),
    mode=Mode.TIR,
    answer=r"\frac{1}{2}",
    finish=Finish.ANSWERED,
    samples=(SAMPLE,),
    sampling=Sampling(seed=7),
    votes=Votes(4, 3, (VoteGroup(r"\frac{1}{2}", 2, None, (2,)), VoteGroup("3", 1, None, (2,)))),
    usage=SAMPLE.usage,
)
EMPTY = Solution(Problem("p"), Mode.COT, None, Finish.INTERRUPTED, (), Sampling(), Votes(1, 0))

#: A file of schema version 1, as it was written before programs that were not run were counted.
FIRST_VERSION: dict[str, Any] = {
    "schema": "qmath.session/1",
    "follow": True,
    "solutions": [
        {
            "problem": "What is 1/2?",
            "language": "en",
            "mode": "tir",
            "seed": 3,
            "answer": "0.5",
            "finish": "answered",
            "text": "```python\nprint(1/2)\n```\n```output\n0.5\n```\n\\boxed{0.5}",
            "tokens": [30, 20, 10, 5],
            "votes": [["0.5", 2], ["2", 1]],
            "k": 4,
            "sampled": 3,
            "programs": [["print(1/2)", "0.5", "ok", 0.125]],
        },
        {
            "problem": "又如何?",
            "language": "zh",
            "mode": "cot",
            "seed": 0,
            "answer": None,
            "finish": "interrupted",
            "text": "Let us",
            "tokens": [9, 2, 9, 0],
            "votes": [],
            "k": 1,
            "sampled": 1,
            "programs": [],
        },
    ],
}


def saved(path: Path, *solutions: Solution, follow: bool = False) -> Path:
    session_file.save(Session(Settings(), [Solved(one) for one in solutions], follow), path)
    return path


def written(path: Path, record: object) -> Path:
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("follow", [False, True])
def test_a_session_is_loaded_as_it_was_saved(tmp_path: Path, follow: bool) -> None:
    """Problem, sample, votes, seed: equal records."""
    path = saved(tmp_path / "one.json", SOLUTION, SOLUTION, follow=follow)
    assert session_file.load(path) == ([SOLUTION, SOLUTION], follow)


def test_a_solution_without_a_sample_can_be_saved(tmp_path: Path) -> None:
    """It is loaded with an empty text."""
    ((loaded,), _) = session_file.load(saved(tmp_path / "one.json", EMPTY))
    assert (loaded.problem, loaded.answer, loaded.finish) == (EMPTY.problem, None, Finish.INTERRUPTED)
    assert [sample.text for sample in loaded.samples] == [""]


def test_a_loaded_session_saves_to_the_same_file(tmp_path: Path) -> None:
    """Nothing is lost on the second way either."""
    path = saved(tmp_path / "one.json", SOLUTION, EMPTY)
    loaded, follow = session_file.load(path)
    again = saved(tmp_path / "two.json", *loaded, follow=follow)
    assert again.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_a_conversation_is_saved_and_loaded(tmp_path: Path) -> None:
    """By `/save`, `/clear` and `/load`; what was asked and answered is there again."""
    found = scripted(tmp_path, r"Text \boxed{\frac{1}{2}}", "none")
    found.conversation.ask("one")
    found.conversation.ask("这是什么")
    before = [(one.problem, one.answer, one.finish, one.samples) for one in found.session.solutions]
    dispatch(found.conversation, "/save kept")
    dispatch(found.conversation, "/clear")
    assert found.session.solutions == []
    dispatch(found.conversation, "/load kept")
    assert [(one.problem, one.answer, one.finish, one.samples) for one in found.session.solutions] == before


# ---------------------------------------------------------------- the file


@pytest.mark.skipif(os.name != "posix", reason="file modes as POSIX has them")
def test_only_its_owner_can_read_a_session(tmp_path: Path) -> None:
    """Whatever the umask, and also where it replaces a file that others could read."""
    path = tmp_path / "one.json"
    path.write_text("{}", encoding="utf-8")
    path.chmod(0o644)
    before = os.umask(0)
    try:
        saved(path, SOLUTION)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc/passwd", "-", "x" * 100, ".hidden", "a\nb"])
def test_a_session_name_is_no_path(tmp_path: Path, name: str) -> None:
    """Nothing is written outside the folder of sessions."""
    with pytest.raises(UsageError):
        session_file.path_of(tmp_path, name)


@pytest.mark.parametrize("name", ["tuesday", "v1.2-final", "周二", "x" * 64])
def test_a_session_is_kept_under_its_name(tmp_path: Path, name: str) -> None:
    assert session_file.path_of(tmp_path, name) == tmp_path / f"{name}.json"


def test_a_folder_that_cannot_be_written_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot write .*sessions/one\.json"):
        saved(tmp_path / "sessions" / "one.json", SOLUTION)


def test_a_session_that_was_never_saved_is_an_error_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no session 'absent'") as refusal:
        session_file.load(tmp_path / "absent.json")
    assert str(tmp_path) in refusal.value.hint


# ---------------------------------------------------------------- earlier versions


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    """Everything that it holds is in the solutions; what it does not hold is empty."""
    solutions, follow = session_file.load(written(tmp_path / "old.json", FIRST_VERSION))
    assert follow is True
    first, second = solutions
    text = "```python\nprint(1/2)\n```\n```output\n0.5\n```\n\\boxed{0.5}"
    run = ProgramRun("print(1/2)", Output("0.5", RunStatus.OK, 0.125))
    assert first == Solution(
        problem=Problem("What is 1/2?"),
        mode=Mode.TIR,
        answer="0.5",
        finish=Finish.ANSWERED,
        samples=(Sample(text, "0.5", Finish.ANSWERED, (run,), Usage(30, 20, 10, 5)),),
        sampling=Sampling(seed=3),
        votes=Votes(4, 3, (VoteGroup("0.5", 2, None, (0,)), VoteGroup("2", 1, None, (0,)))),
        usage=Usage(30, 20, 10, 5),
    )
    assert (second.problem, second.mode) == (Problem("又如何?", Language.ZH), Mode.COT)
    assert second.samples == (Sample("Let us", None, Finish.INTERRUPTED, (), Usage(9, 2, 9)),)


def test_a_file_of_the_first_version_is_saved_in_the_current_one(tmp_path: Path) -> None:
    solutions, follow = session_file.load(written(tmp_path / "old.json", FIRST_VERSION))
    path = saved(tmp_path / "new.json", *solutions, follow=follow)
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == session_file.SCHEMA
    assert session_file.load(path) == (solutions, follow)


# ---------------------------------------------------------------- damaged files


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        "3",
        "\x00",
        pytest.param("[" * 100_000, id="100000 brackets"),
        '{"schema": "qmath.session/2"}',
        '{"schema": "qmath.session/3", "follow": false, "solutions": []}',
        '{"schema": ["qmath.session/2"], "follow": false, "solutions": []}',
        '{"schema": "qmath.session/2", "follow": false, "solutions": [{}]}',
        '{"schema": "qmath.session/1", "follow": false, "solutions": [{}]}',
        '{"schema": "qmath.session/2", "follow": false, "solutions": [7]}',
        '{"schema": "qmath.session/2", "follow": false, "solutions": 7}',
    ],
)
def test_what_is_no_session_is_refused(tmp_path: Path, text: str) -> None:
    """With the file's name."""
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.json is not a saved session"):
        session_file.load(tmp_path / "bad.json")


def test_a_damaged_session_leaves_the_current_one_as_it_was(tmp_path: Path) -> None:
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.ask("one")
    dispatch(found.conversation, "/save kept")
    path = tmp_path / "data" / "sessions" / "kept.json"
    path.write_bytes(path.read_bytes()[:-20])
    before = found.session.last
    with pytest.raises(DataError):
        dispatch(found.conversation, "/load kept")
    assert found.session.solutions == [before]


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: float) -> None:
    path = saved(tmp_path / "one.json", SOLUTION)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(DataError):
        session_file.load(path)


@pytest.mark.parametrize("record", [None, FIRST_VERSION], ids=["current version", "first version"])
@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_a_wrong_value_is_refused_or_read(
    tmp_path: Path, record: dict[str, Any] | None, data: st.DataObject
) -> None:
    """Any value replaced by another, or left out: no other error, and what is read can be used and saved."""
    path = saved(tmp_path / "one.json", SOLUTION)
    if record is not None:
        path = written(path, record)
    changed = json.loads(path.read_text(encoding="utf-8"))
    spots = list(_spots(changed))
    change = data.draw(st.sampled_from(spots))
    change(data.draw(st.sampled_from([None, 0, -1, 1.5, "x", True, [], {}, [1], {"a": 1}])))
    try:
        solutions, follow = session_file.load(written(path, changed))
    except DataError:
        return
    again = session_file.load(saved(path, *solutions, follow=follow))
    assert [one.problem for one in again[0]] == [one.problem for one in solutions]
    for solution in solutions:
        assert "".join([solution.problem.text, *(sample.text for sample in solution.samples)]) is not None
        assert all(isinstance(count, int) for sample in solution.samples for count in _counts(sample))
        for sample in solution.samples:
            assert "".join(run.code + run.output.text + run.output.error for run in sample.runs) is not None
            assert (sample.answer or "") + (solution.answer or "") is not None


def _counts(sample: Sample) -> tuple[int, ...]:
    usage = sample.usage
    return usage.prompt_tokens, usage.completion_tokens, usage.prefilled_tokens, usage.output_tokens


def _spots(value: Any) -> list[Callable[[Any], None]]:
    """A function per value inside a JSON value, which replaces it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Callable[[Any], None]] = []
    for key, one in list(inner):
        found.append(partial(value.__setitem__, key))
        found += _spots(one)
    return found
