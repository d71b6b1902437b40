"""The Python API, with the demo model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import qmath_cli as qmath
from qmath_cli import records

ROOTS = "Find the roots of x^2 - 5x + 6 = 0."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[qmath.Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QMATH_HOME", str(tmp_path_factory.mktemp("home")))
        with qmath.open_model("demo") as opened:
            yield opened


def test_three_lines_solve_a_problem(model: qmath.Model) -> None:
    """The solution has the answer, the mode, the programs, token counts and times."""
    solution = model.solve(ROOTS)
    assert (solution.answer, solution.finish, solution.mode) == ("2, 3", qmath.Finish.ANSWERED, qmath.Mode.TIR)
    assert solution.samples[0].runs[0].output.text.strip() == "2, 3"
    assert solution.usage.completion_tokens > 10
    assert solution.timing.total_s > 0


def test_a_solution_shows_itself_in_a_notebook(model: qmath.Model) -> None:
    """Its Markdown has the program, its output, and the answer as a formula."""
    solution = model.solve(ROOTS)
    assert isinstance(solution, records.Solution)
    text = solution._repr_markdown_()
    assert "```python" in text
    assert "$$\n2, 3\n$$" in text
    assert model.name in text


def test_a_stream_ends_with_its_solution(model: qmath.Model) -> None:
    """The stream has text, programs and the sample; its last event is what `solve` returns."""
    *events, last = model.stream(ROOTS)
    assert isinstance(last, qmath.Solution)
    assert "".join(event.text for event in events if isinstance(event, qmath.TextDelta)).startswith("We solve")
    assert [type(event) for event in events if not isinstance(event, qmath.TextDelta)] == [
        qmath.ProgramStarted,
        qmath.ProgramFinished,
        qmath.SampleFinished,
    ]
    assert last.answer == "2, 3"


def test_an_abandoned_stream_leaves_the_model_usable(model: qmath.Model) -> None:
    """Leaving the loop ends the attempt."""
    for event in model.stream(ROOTS):
        if isinstance(event, qmath.TextDelta):
            break
    assert model.solve("What is 12 + 30?").answer == "42"


def test_many_problems_come_back_in_order(model: qmath.Model) -> None:
    """Problems of both languages, with several samples each, have the answers of separate calls."""
    problems = ["What is 12 + 30?", ROOTS, "求方程 x^2 - 7x + 12 = 0 的根。", "What is 12% of 450?"]
    together = model.solve_many(problems, k=2, seed=5)
    assert [solution.problem.text for solution in together] == problems
    assert [solution.answer for solution in together] == ["42", "2, 3", "3, 4", "54"]
    assert [solution.problem.language for solution in together][2] is qmath.Language.ZH
    assert all(solution.votes.k == 2 for solution in together)


def test_a_problem_that_is_too_long_does_not_stop_the_others(model: qmath.Model) -> None:
    """`solve` raises for it; `solve_many` returns a solution without an answer."""
    long = "1 + " * 5000
    with pytest.raises(qmath.PromptTooLong):
        model.solve(long, try_unknown=True)
    first, second = model.solve_many([long, "What is 12 + 30?"], try_unknown=True)
    assert (first.answer, first.finish) == (None, qmath.Finish.OUT_OF_CONTEXT)
    assert second.answer == "42"


def test_the_expected_answer_is_compared(model: qmath.Model) -> None:
    """The solution has the comparison, as with `--expect`."""
    assert model.solve("What is 12 + 30?", expect="42.0").expected == records.Expected("42.0", equal=True)
    assert model.solve(qmath.Problem("What is 12 + 30?", reference="43")).expected == records.Expected(
        "43", equal=False
    )


def test_settings_of_one_call_do_not_outlive_it(model: qmath.Model) -> None:
    """Mode, samples and sampling of one call do not affect the next one."""
    solution = model.solve("What is 12 + 30?", mode="cot", k=3, stop_at=0, max_tokens=64)
    assert (solution.mode, solution.votes.sampled, solution.sampling.max_tokens) == (qmath.Mode.COT, 3, 64)
    assert model.solve("What is 12 + 30?").votes.k == 1


def test_what_a_grader_decides_is_what_a_condition_sees() -> None:
    """A verdict is true if the answers are equal, false if they are different or undecided."""
    assert qmath.check(r"\frac{1}{2}", "0.5")
    assert not qmath.check(r"\frac{1}{2}", "0.4")
    assert qmath.check("50", "0.5", grade="official").mark is qmath.Mark.CORRECT  # Qwen's rules accept a factor of 100
    assert not qmath.check("50", "0.5")


def test_exact_answers_are_not_rounded() -> None:
    """Under the strict rules; the official ones round by definition."""
    assert qmath.check("1/3", "0.333")
    assert not qmath.check("1/3", "0.333", exact=True)
    with pytest.raises(qmath.UsageError, match="official rules accept rounded"):
        qmath.check("1/3", "0.333", grade="official", exact=True)


def test_many_pairs_are_compared_in_order_as_they_come() -> None:
    """A pair is taken when its verdict is asked for, and one without a verdict costs the others nothing."""
    taken = []

    def pairs() -> Iterator[tuple[str, str]]:
        for pair in (("1/2", "0.5"), ("x" * 5000, "5"), ("2", "3")):
            taken.append(pair)
            yield pair

    verdicts = qmath.check_many(pairs())
    assert next(verdicts).mark is qmath.Mark.CORRECT
    assert len(taken) == 1
    assert [verdict.mark for verdict in verdicts] == [qmath.Mark.UNDECIDED, qmath.Mark.WRONG]


@pytest.mark.parametrize(
    ("name", "settings", "error"),
    [
        ("no-such-model", {}, qmath.ModelMissing),
        ("7b-instruct:q2_k", {}, qmath.ModelMissing),
        ("demo-rm", {}, qmath.UsageError),
        ("demo", {"temprature": 1}, qmath.UsageError),
        ("demo", {"k": "many"}, qmath.UsageError),
    ],
)
def test_errors_are_of_one_tree_and_have_hints(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    settings: dict[str, object],
    error: type[qmath.QmathError],
) -> None:
    """Every error is a `QmathError` with `message` and `hint`."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    with pytest.raises(error) as caught:
        qmath.open_model(name, **settings)
    assert isinstance(caught.value, qmath.QmathError)
    assert caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("setting", ["ctx", "exec_timeout", "device"])
def test_a_call_refuses_what_is_fixed_since_the_opening(model: qmath.Model, setting: str) -> None:
    """A setting that a call cannot change is an error, never ignored; the hint says where it belongs."""
    with pytest.raises(qmath.UsageError, match=setting) as caught:
        model.solve(ROOTS, **{setting: 1})
    assert "open_model" in (caught.value.hint or "")


def test_the_demo_does_not_try_what_it_does_not_know(model: qmath.Model) -> None:
    """Alone and among others; `try_unknown` has it try."""
    solution = model.solve("hello")
    assert (solution.answer, solution.finish, solution.samples) == (None, qmath.Finish.UNKNOWN_KIND, ())
    together = model.solve_many(["hello", ROOTS])
    assert [one.finish for one in together] == [qmath.Finish.UNKNOWN_KIND, qmath.Finish.ANSWERED]
    assert model.solve("hello", try_unknown=True, max_tokens=20).samples


def test_a_rewording_is_solved_in_its_language(model: qmath.Model) -> None:
    """The demo is asked in trained words; the solution keeps the problem as it was given."""
    solution = model.solve("x^2 - 7x + 12 = 0, find the roots")
    assert (solution.answer, solution.problem.text) == ("3, 4", "x^2 - 7x + 12 = 0, find the roots")
    assert solution.samples[0].text.startswith("We solve")


def test_a_closed_model_leaves_no_process(tmp_path: Path) -> None:
    """Executor and graders end with the model: the process has no child afterwards."""
    code = (
        "import os, qmath_cli as qmath\n"
        "with qmath.open_model('demo') as model:\n"
        f"    model.solve({ROOTS!r}, expect='3, 2')\n"
        "try:\n"
        "    print(os.waitpid(-1, os.WNOHANG))\n"
        "except ChildProcessError:\n"
        "    print('none')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"QMATH_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == "none\n"


def test_every_public_name_is_there() -> None:
    """`__all__`, `dir` and the lazy table agree, and each name resolves."""
    assert dir(qmath) == sorted(qmath.__all__)
    for name in qmath.__all__:
        assert getattr(qmath, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'sovle'"):
        qmath.sovle  # noqa: B018
