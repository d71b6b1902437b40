"""What the status line says while a problem is solved."""

from __future__ import annotations

import re

import pytest

from qmath_cli.records import (
    Finish,
    Mode,
    Output,
    Problem,
    ProgramFinished,
    ProgramRun,
    ProgramStarted,
    RunStatus,
    Sample,
    SampleFinished,
    Sampling,
    Solution,
    TextDelta,
    Votes,
)
from qmath_cli.records.activity import Activity, Comparing, Idle, Loading, Prefilling, Ranking
from qmath_cli.terminal.solving_status import SolvingStatus

SAMPLE = Sample("x", "1", Finish.ANSWERED)
RAN = ProgramRun("x", Output("1", RunStatus.OK, 0.1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock whose time is its only element."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("activity", "text"),
    [
        (Idle(), "starting"),
        (Loading("7b-instruct:q4_k_m", 0.455), "loading 46% · 7b-instruct:q4_k_m"),
        (Loading("/home/a/models/x.gguf"), "loading 0% · x.gguf"),
        (Loading("evil\x1b[2J.gguf"), "loading 0% · evil[2J.gguf"),
        (Prefilling(0, 148), "reading 148 tokens · 0%"),
        (Comparing(), "comparing answers"),
        (Ranking(2, 4), "ranking the samples · 2 of 4"),
    ],
)
def test_before_the_text_it_says_what_the_wait_is_for(activity: Activity, text: str) -> None:
    """With shares where they are known."""
    status = SolvingStatus()
    status.begin(1, written=True)
    status.activity(activity)
    assert status.text() == text


def test_reading_has_a_speed_once_something_is_read(clock: list[float]) -> None:
    """Tokens per second since it began."""
    status = SolvingStatus()
    status.activity(Prefilling(0, 1024))
    clock[0] += 10
    status.activity(Prefilling(512, 1024))
    assert status.text() == "reading 1024 tokens · 50% · 51.2 tok/s"


def test_text_on_the_screen_is_no_wait() -> None:
    """The text itself shows that something happens."""
    status = SolvingStatus()
    status.begin(1, written=True)
    status.event(TextDelta(0, "a"))
    assert status.text() == ""


def test_a_formula_that_is_held_back_is_a_sign() -> None:
    """Its first word is what stands behind unfinished text."""
    held = [2]
    status = SolvingStatus()
    status.begin(1, written=True, held=lambda: held[0])
    status.event(TextDelta(0, "\\["))
    assert status.text() == ""
    held[0] = 45
    assert status.text() == "… 45 characters"


def test_several_samples_are_counted_together(clock: list[float]) -> None:
    """Samples, tokens, their speed, and how many are done."""
    status = SolvingStatus()
    status.begin(4)
    for sample in range(4):
        status.event(TextDelta(sample, "a"))
    assert status.text() == "4 samples · 4 tokens · 0 done"
    clock[0] += 10
    for sample in range(3):
        status.event(TextDelta(sample, "a"))
    status.event(SampleFinished(SAMPLE))
    assert status.text() == "4 samples · 7 tokens · 0.6 tok/s · 1 done"


def test_whole_replies_count_with_all_their_tokens(clock: list[float]) -> None:
    """How long the first of them took is not known, so that its tokens say nothing of the speed."""
    status = SolvingStatus()
    status.begin(0)
    status.event(TextDelta(0, "a" * 900, 300))
    assert status.speed() == "300 tokens"
    clock[0] += 10
    status.event(TextDelta(1, "a" * 600, 200))
    assert status.speed() == "500 tokens · 20.0 tok/s"


def test_a_text_that_is_not_shown_is_counted(clock: list[float]) -> None:
    """As with `--json`, or a hidden solution."""
    status = SolvingStatus()
    status.begin(1)
    status.event(TextDelta(0, "a"))
    clock[0] += 1
    status.event(TextDelta(0, "a"))
    assert status.text() == "2 tokens · 1.0 tok/s"


def test_a_program_is_shown_until_it_ends(clock: list[float]) -> None:
    """With its seconds, once there are any."""
    status = SolvingStatus()
    status.begin(1, written=True)
    status.event(TextDelta(0, "a"))
    status.event(ProgramStarted(0, "x"))
    assert status.text() == "running a program"
    clock[0] += 3
    assert status.text() == "running a program · 3 s"
    status.event(ProgramFinished(0, RAN))
    assert status.text() == ""


def test_several_programs_are_shown_where_nothing_else_goes_on() -> None:
    """While other samples are decoded, their tokens are."""
    status = SolvingStatus()
    status.begin(2)
    status.event(TextDelta(0, "a"))
    status.event(ProgramStarted(0, "x"))
    assert re.match("2 samples", status.text())
    status.event(ProgramStarted(1, "x"))
    assert status.text() == "running 2 programs"


def test_it_is_silent_after_the_solution_and_begins_anew() -> None:
    """Closing what was open is no wait of the user's."""
    status = SolvingStatus()
    status.begin(2)
    status.event(Solution(Problem("p"), Mode.COT, "1", Finish.ANSWERED, (SAMPLE,), Sampling(), Votes(1, 1)))
    assert status.text() == ""
    status.begin(1)
    assert status.text() == "starting"
