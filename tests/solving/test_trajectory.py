"""The TIR protocol, without a model."""

from __future__ import annotations

import pytest

from qmath_cli.records import Finish, Mode, Output, ProgramRun, RunStatus, Stop
from qmath_cli.solving.trajectory import Execute, Finished, Generate, Trajectory, trailing_program

PROGRAM = "Let us compute.\n\n```python\nprint(1 + 1)\n```\n"


def run(code: str, text: str) -> ProgramRun:
    return ProgramRun(code, Output(text, RunStatus.OK, 0.1))


def test_a_program_runs_and_its_output_is_part_of_the_same_turn() -> None:
    """Generate, execute, generate, answer: the text is what the model and a reader see."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed(PROGRAM)
    assert attempt.stopped(Stop.STRING) == Execute("print(1 + 1)")
    assert attempt.executed(run("print(1 + 1)", "2")) == Generate("```output\n2\n```\n")
    attempt.feed(r"The answer is \boxed{2}.")
    assert attempt.stopped(Stop.END) == Finished(Finish.ANSWERED, "2")
    assert attempt.text == PROGRAM + "```output\n2\n```\n" + r"The answer is \boxed{2}."


def test_a_program_before_the_end_token_runs_too() -> None:
    """The output of a program is fed back even if the model ended its turn after it."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed(PROGRAM.rstrip())
    assert attempt.stopped(Stop.END) == Execute("print(1 + 1)")
    assert attempt.executed(run("", "2")) == Generate("\n```output\n2\n```\n")


def test_an_unclosed_program_is_closed_before_its_output() -> None:
    """Code that is followed directly by the output fence is a program; its closing fence is added."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed("```python\nprint(3)\n")
    assert attempt.stopped(Stop.STRING) == Execute("print(3)")
    assert attempt.executed(run("", "3")) == Generate("```\n```output\n3\n```\n")


@pytest.mark.parametrize("stop", list(Stop))
def test_cot_never_runs_a_program(stop: Stop) -> None:
    """In CoT a program is text, however its stretch ends; it is counted as not run."""
    attempt = Trajectory(Mode.COT)
    attempt.feed(PROGRAM)
    assert isinstance(attempt.stopped(stop), Finished)
    assert attempt.answer() is None
    assert attempt.unrun_programs == 1


def test_in_cot_an_answer_after_a_made_up_output_counts() -> None:
    """The output is the model's own text, and nothing is cut there."""
    attempt = Trajectory(Mode.COT)
    attempt.feed(PROGRAM + "```output\n2\n```\n" + r"The answer is \boxed{2}.")
    assert attempt.stopped(Stop.END) == Finished(Finish.ANSWERED, "2")
    assert attempt.unrun_programs == 1


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        (Stop.MAX_TOKENS, Finish.OUT_OF_TOKENS),
        (Stop.CONTEXT, Finish.OUT_OF_CONTEXT),
        (Stop.DEGENERATE, Finish.DEGENERATE),
        (Stop.END, Finish.NO_ANSWER),
    ],
)
def test_the_reason_for_having_no_answer_is_kept(stop: Stop, finish: Finish) -> None:
    """Each limit has its own name."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed("So we consider")
    assert attempt.stopped(stop) == Finished(finish)


def test_a_program_cut_off_by_a_limit_does_not_run() -> None:
    """Half a program is not a program."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed("```python\nimport os\nos.rem")
    assert attempt.stopped(Stop.MAX_TOKENS) == Finished(Finish.OUT_OF_TOKENS)


def test_programs_are_counted() -> None:
    """One program more than allowed ends the attempt."""
    attempt = Trajectory(Mode.TIR, max_programs=1)
    attempt.feed(PROGRAM)
    attempt.stopped(Stop.STRING)
    attempt.executed(run("", "2"))
    attempt.feed(PROGRAM)
    assert attempt.stopped(Stop.STRING) == Finished(Finish.OUT_OF_PROGRAMS)


def test_a_box_in_a_program_or_its_output_is_not_the_answer() -> None:
    """Only the model's own prose answers."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed('```python\nprint(r"\\boxed{9}")\n```\n')
    attempt.stopped(Stop.STRING)
    attempt.executed(run("", r"\boxed{9}"))
    attempt.feed("I do not know.")
    assert attempt.stopped(Stop.END) == Finished(Finish.NO_ANSWER)


def test_an_interrupt_keeps_the_partial_text() -> None:
    """The text before the cut is kept."""
    attempt = Trajectory(Mode.TIR)
    attempt.feed("First, ")
    assert attempt.cut(Finish.INTERRUPTED) == Finished(Finish.INTERRUPTED)
    assert attempt.text == "First, "


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("no program", None),
        ("```python\nx = 1\n```\nand then prose", None),
        ("```python\n```", None),
        ("```\nplain fence\n```", None),
        ("  ```Python \nx = 1\n  ```  \n", "x = 1"),
        ("```python\na = 1\n```\ntext\n```python\nb = 2\n```", "b = 2"),
        ('```python\ns = """\n- ```inline``` text\n"""\n```\n', 's = """\n- ```inline``` text\n"""'),
    ],
)
def test_where_a_program_is(text: str, code: str | None) -> None:
    """A trailing program is the last closed Python block with nothing behind it."""
    found = trailing_program(text)
    assert (found.code if found else None) == code
