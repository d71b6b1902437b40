"""Several samples on a terminal: the first as it is written, one line for each that ends, and the vote as it stands."""

from __future__ import annotations

import io

from qmath_cli.records import (
    Event,
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
    VoteGroup,
    Votes,
)
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.render import Renderer, RenderOptions
from qmath_cli.terminal.style import Style
from tests.terminal.test_render import Screen

HALF, THIRD = r"\frac{1}{2}", r"\frac{1}{3}"


def sample(index: int, answer: str | None, text: str = "") -> Sample:
    """A finished sample."""
    finish = Finish.NO_ANSWER if answer is None else Finish.ANSWERED
    return Sample(text or f"Working {index}.", answer, finish, index=index)


def votes(*groups: tuple[str, tuple[int, ...]], k: int = 4) -> Votes:
    """The votes of samples with these indices."""
    sampled = sum(len(members) for _, members in groups)
    return Votes(k, sampled, tuple(VoteGroup(answer, len(members), None, members) for answer, members in groups))


def solution(counted: Votes, *samples: Sample) -> Solution:
    """The outcome of samples."""
    answer = counted.groups[0].answer if counted.groups else None
    return Solution(Problem("p"), Mode.COT, answer, Finish.ANSWERED, samples, Sampling(), counted)


class Shown:
    """A renderer of four samples, and what it wrote, to stdout and stderr in one stream as on a screen."""

    def __init__(self, *, tty: bool = True, **options: bool) -> None:
        self.screen = Screen()
        self.out = self.screen if tty else io.StringIO()
        self.renderer = Renderer(Terminal(self.out, self.screen), Style(drawn=tty), RenderOptions(k=4, **options))

    def __call__(self, *events: Event) -> str:
        for event in events:
            self.renderer.event(event)
        return self.screen.getvalue()


def test_the_first_sample_is_written_as_it_comes() -> None:
    """Not one character of the others, nor of their programs."""
    run = ProgramRun("x", Output("output", RunStatus.OK, 0.1))
    text = Shown()(
        TextDelta(0, "The "),
        TextDelta(1, "other "),
        TextDelta(0, "first "),
        ProgramStarted(2, "x"),
        ProgramFinished(2, run),
        TextDelta(0, "sample "),
    )
    assert text == "The first sample"


def test_a_sample_that_ends_is_a_line_with_the_vote() -> None:
    """In drawn mathematics; the first one's line has no vote beside it, because it is all of it."""
    text = Shown()(
        TextDelta(0, "Done."),
        SampleFinished(sample(0, HALF), votes((HALF, (0,)))),
        SampleFinished(sample(1, THIRD), votes((HALF, (0,)), (THIRD, (1,)))),
        SampleFinished(sample(2, HALF), votes((HALF, (0, 2)), (THIRD, (1,)))),
        SampleFinished(sample(3, None), votes((HALF, (0, 2)), (THIRD, (1,)))),
    )
    assert text.splitlines() == [
        "Done.",
        "[1/4] 1/2",
        "[2/4] 1/3 · vote: 1/2 (1), 1/3 (1)",
        "[3/4] 1/2 · vote: 1/2 (2), 1/3 (1)",
        "[4/4] no answer: the model stopped without a boxed answer · vote: 1/2 (2), 1/3",
        "(1)",
    ]


def test_lines_wait_for_the_end_of_the_first_sample() -> None:
    """They never stand in the middle of its text."""
    shown = Shown()
    text = shown(
        TextDelta(0, "We compute"),
        SampleFinished(sample(1, HALF), votes((HALF, (1,)))),
        TextDelta(0, " on.\n"),
    )
    assert "[" not in text
    text = shown(SampleFinished(sample(0, HALF), votes((HALF, (0, 1)))))
    assert text.splitlines() == ["We compute on.", "[1/4] 1/2", "[2/4] 1/2 · vote: 1/2 (2)"]


def test_the_picked_sample_is_not_shown_twice() -> None:
    """The first one stands on the terminal already."""
    counted = votes((HALF, (0, 1)))
    text = Shown()(
        TextDelta(0, "Working 0."),
        SampleFinished(sample(0, HALF), votes((HALF, (0,)))),
        SampleFinished(sample(1, HALF), counted),
        solution(counted, sample(0, HALF), sample(1, HALF)),
    )
    assert text.count("Working 0.") == 1
    assert "picked" not in text


def test_another_sample_that_is_picked_is_shown_whole() -> None:
    """With a line that says which one it is."""
    counted = votes((HALF, (1, 2)), (THIRD, (0,)))
    text = Shown()(
        TextDelta(0, "Working 0."),
        SampleFinished(sample(0, THIRD), votes((THIRD, (0,)))),
        solution(counted, sample(0, THIRD), sample(1, HALF), sample(2, HALF)),
    )
    assert "\nsample 2, which is picked:\n\nWorking 1.\n" in text


def test_a_vote_that_is_decided_before_the_first_sample_ends() -> None:
    """Its text ends where it is; the lines follow, then the picked sample."""
    counted = votes((HALF, (1, 2, 3)))
    text = Shown()(
        TextDelta(0, "We comp"),
        SampleFinished(sample(1, HALF), votes((HALF, (1,)))),
        SampleFinished(sample(2, HALF), votes((HALF, (1, 2)))),
        SampleFinished(sample(3, HALF), counted),
        solution(counted, sample(1, HALF), sample(2, HALF), sample(3, HALF)),
    )
    assert text.startswith("We comp\n[1/4] 1/2\n[2/4] 1/2 · vote: 1/2 (2)\n[3/4] 1/2 · vote: 1/2 (3)\n")
    assert "sample 2, which is picked:\n\nWorking 1.\n" in text


def test_a_pipe_gets_the_picked_sample_only() -> None:
    """Stderr, which is a terminal, has the lines at once."""
    counted = votes((HALF, (1, 2)), (THIRD, (0,)))
    shown = Shown(tty=False)
    lines = shown(
        TextDelta(0, "Working 0."),
        SampleFinished(sample(1, HALF), votes((HALF, (1,)))),
    )
    assert lines == "[1/4] 1/2\n"
    shown(solution(counted, sample(0, THIRD), sample(1, HALF), sample(2, HALF)))
    assert shown.out.getvalue() == f"Working 1.\n{HALF}\n"


def test_only_the_answer_is_only_the_answer() -> None:
    """With `-a` nothing streams."""
    counted = votes((HALF, (0,)))
    shown = Shown(answer_only=True, figures=False)
    text = shown(
        TextDelta(0, "Working 0."),
        SampleFinished(sample(0, HALF), counted),
        solution(counted, sample(0, HALF)),
    )
    assert text == f"{HALF}\n"
