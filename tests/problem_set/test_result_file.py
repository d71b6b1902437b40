"""Files of results: each problem once, whatever was killed, and never a word of another file lost."""

from __future__ import annotations

import csv
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.errors import UsageError
from qmath_cli.problem_set.result import Agreement, CommaSeparated, Expectation, JsonLines, ProblemResult, ResultForm
from qmath_cli.problem_set.result_file import ResultFile
from qmath_cli.records import Finish, Language, Mode, Problem

FORMS = pytest.mark.parametrize("form", [JsonLines(), CommaSeparated()], ids=["jsonl", "csv"])
PROBLEMS = [Problem("one", id="1"), Problem('a "quoted",\nsecond', id="2", reference="1, 2"), Problem("三", id="3")]


def result_of(problem: Problem, answer: str | None = r"\frac{1}{2}", run: str = "run") -> ProblemResult:
    return ProblemResult(
        id=problem.id,
        problem=problem.text,
        answer=answer,
        plain=answer and "1/2",
        finish=Finish.ANSWERED if answer else Finish.TIMEOUT,
        votes=Agreement(2, 3, 4),
        expected=None if problem.reference is None else Expectation(problem.reference, None),
        seconds=1.25,
        tokens=7,
        language=Language.ZH,
        mode=Mode.COT,
        model="demo",
        run=run,
    )


def written(path: Path, form: ResultForm, *problems: Problem) -> bytes:
    """The bytes of a file with the results of these problems, in this order."""
    with ResultFile(path, form, PROBLEMS, "run") as file:
        for problem in problems:
            file.add(result_of(problem))
    return path.read_bytes()


@FORMS
@given(text=st.text(), answer=st.none() | st.text(min_size=1), equal=st.sampled_from([None, True, False]))
def test_a_result_is_read_as_it_was_written(
    form: ResultForm, text: str, answer: str | None, equal: bool | None
) -> None:
    """Quotes, commas, line breaks and all other characters included; one record is complete only at its end."""
    result = replace(result_of(Problem(text, id="a,b"), answer), expected=Expectation(text + "x", equal))
    record = form.write(result)
    assert form.read(record) == result
    lines = record.splitlines(keepends=True)
    assert [form.complete(b"".join(lines[:n])) for n in range(1, len(lines) + 1)][-1]


def test_a_row_of_csv_is_what_a_spreadsheet_reads(tmp_path: Path) -> None:
    """By the names of its columns."""
    written(tmp_path / "a.csv", CommaSeparated(), *PROBLEMS)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["problem"] for row in rows] == [problem.text for problem in PROBLEMS]
    assert rows[1] | {"plain": "1/2", "agree": "2", "finish": "answered", "equal": "undecided"} == rows[1]


@FORMS
def test_a_kill_at_any_byte_costs_the_last_result_only(form: ResultForm, tmp_path: Path) -> None:
    """The file goes on, and ends with each problem once, in the order of the problems."""
    second, first, third = PROBLEMS[1], PROBLEMS[0], PROBLEMS[2]
    whole = written(tmp_path / "whole", form, second, first, third)
    ordered = written(tmp_path / "ordered", form, *PROBLEMS)
    for cut in range(len(whole)):
        path = tmp_path / "cut"
        path.write_bytes(whole[:cut])
        with ResultFile(path, form, PROBLEMS, "run") as file:
            for problem in file.missing:
                file.add(result_of(problem))
            file.sort()
            assert [result.id for result in file.results()] == ["1", "2", "3"]
        assert path.read_bytes() == ordered


@FORMS
@pytest.mark.parametrize(
    "content",
    [b"my notes", b"my notes\n", b"{}\n", b'{"schema": "qmath.solve/1"}\n', b"id,problem\n1,2\n", b"\xff\xfe\n", b" "],
)
def test_any_other_file_is_refused_and_stays(form: ResultForm, content: bytes, tmp_path: Path) -> None:
    """Also one without a line break, of which a kill could have cut the rest."""
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="no file of such results"):
        ResultFile(path, form, PROBLEMS, "run")
    assert path.read_bytes() == content
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]


@FORMS
@pytest.mark.parametrize(
    ("problems", "run", "why"),
    [
        ([Problem("another", id="1")], "run", "other problems"),
        ([Problem("one", id="1", reference="2")], "run", "other problems"),
        ([Problem("one", id="x")], "run", "other problems"),
        (PROBLEMS, "another", "other settings"),
    ],
)
def test_results_of_something_else_are_refused(
    form: ResultForm, problems: list[Problem], run: str, why: str, tmp_path: Path
) -> None:
    """And stay, unless the user says that they may go."""
    before = written(tmp_path / "a", form, PROBLEMS[0])
    with pytest.raises(UsageError, match=why):
        ResultFile(tmp_path / "a", form, problems, run)
    assert (tmp_path / "a").read_bytes() == before
    with ResultFile(tmp_path / "a", form, problems, run, overwrite=True) as file:
        assert file.missing == problems


def test_problems_may_be_appended(tmp_path: Path) -> None:
    """To a set of which some have results."""
    with ResultFile(tmp_path / "a", JsonLines(), PROBLEMS[:1], "run") as file:
        file.add(result_of(PROBLEMS[0]))
    with ResultFile(tmp_path / "a", JsonLines(), PROBLEMS, "run") as file:
        assert [problem.id for problem in file.missing] == ["2", "3"]


def test_two_results_of_one_problem_are_refused(tmp_path: Path) -> None:
    """From the program and from a file."""
    with ResultFile(tmp_path / "a", JsonLines(), PROBLEMS, "run") as file:
        file.add(result_of(PROBLEMS[0]))
        with pytest.raises(ValueError, match="already"):
            file.add(result_of(PROBLEMS[0]))
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes() * 2)
    with pytest.raises(UsageError, match="two results"):
        ResultFile(tmp_path / "a", JsonLines(), PROBLEMS, "run")


def test_one_process_at_a_time(tmp_path: Path) -> None:
    """And nothing but the results is left in the user's folder."""
    with (
        ResultFile(tmp_path / "a", JsonLines(), PROBLEMS, "run"),
        pytest.raises(UsageError, match="another process"),
    ):
        ResultFile(tmp_path / "a", JsonLines(), PROBLEMS, "run")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_a_line_names_its_schema_first() -> None:
    """By that a file of results is recognised, even where a kill has cut its only line."""
    record = JsonLines().write(result_of(PROBLEMS[0]))
    assert record.startswith(JsonLines.beginning)
    assert json.loads(record)["schema"] == "qmath.batch/1"


@FORMS
def test_a_result_can_be_added_again_after_an_interrupt(form: ResultForm, tmp_path: Path) -> None:
    """One that came after the write, and before the program knew that it was done."""
    path = tmp_path / "a"
    with ResultFile(path, form, PROBLEMS, "run") as file:
        file.add(result_of(PROBLEMS[0]))
        with path.open("ab") as other:
            other.write(form.write(result_of(PROBLEMS[1])))
        file.add(result_of(PROBLEMS[1]))
        file.add(result_of(PROBLEMS[2]))
        assert [result.id for result in file.results()] == ["1", "2", "3"]
    assert path.read_bytes() == written(tmp_path / "b", form, *PROBLEMS)


def test_results_do_not_stay_in_memory(tmp_path: Path) -> None:
    """Neither while they are added nor while they are put into order or read."""
    problems = [Problem("one", id=str(number)) for number in range(200)]
    with ResultFile(tmp_path / "a", JsonLines(), problems, "run") as file:
        tracemalloc.start()
        try:
            for problem in reversed(problems):
                file.add(replace(result_of(problem), text="x" * 100_000))
            file.sort()
            assert sum(1 for _ in file.results()) == len(problems)
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()
