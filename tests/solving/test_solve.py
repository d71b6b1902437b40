"""What `solve` promises, in situations that only a script can produce."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import pytest

from qmath_cli.records import (
    Event,
    Expected,
    Finish,
    Mode,
    Pick,
    Problem,
    ProgramFinished,
    ProgramStarted,
    Rating,
    RunStatus,
    Sample,
    SampleFinished,
    Sampling,
    Solution,
    Stop,
    TextDelta,
    Usage,
    Verdict,
)
from qmath_cli.solving.progress import Progress, SolvePlan, Tools
from qmath_cli.solving.solve import solve
from qmath_cli.solving.vote import same_text
from tests.prompts import chat
from tests.scripted import EchoExecutor, ScriptedEngine, Stretch

PROBLEM = Problem("What is 1 + 1?")
PROMPT = chat(PROBLEM.text)


def boxed(answer: str) -> list[Stretch]:
    return [(rf"So \boxed{{{answer}}}.", Stop.END)]


def last(events: Generator[Event, None, None]) -> Solution:
    *_, solution = events
    assert isinstance(solution, Solution)
    return solution


def test_a_program_s_output_goes_back_into_the_same_turn() -> None:
    """Text, program, output, text, answer: in this order, and the worker is closed at the end."""
    engine = ScriptedEngine([[("```python\nx\n```\n", Stop.STRING), *boxed("X")]])
    executor = EchoExecutor()
    events = list(solve(PROBLEM, SolvePlan(PROMPT), Tools(engine, executor)))
    kinds = [type(event) for event in events if not isinstance(event, TextDelta)]
    assert kinds == [ProgramStarted, ProgramFinished, SampleFinished, Solution]
    assert engine.extended(0) == ["```output\nX\n```\n"]
    assert (executor.opened, executor.closed) == (1, 1)
    solution = events[-1]
    assert isinstance(solution, Solution)
    assert (solution.answer, solution.finish) == ("X", Finish.ANSWERED)
    assert [run.code for run in solution.samples[0].runs] == ["x"]


def test_a_continued_solution_finds_the_names_of_its_earlier_programs() -> None:
    """They run again in the new worker, unseen, and are not among its own runs."""
    engine = ScriptedEngine([[("```python\ny\n```\n", Stop.STRING), *boxed("Y")]])
    executor = EchoExecutor()
    solution = last(solve(PROBLEM, SolvePlan(PROMPT, earlier=("a", "b")), Tools(engine, executor)))
    assert executor.ran == ["a", "b", "y"]
    assert [run.code for run in solution.samples[0].runs] == ["y"]


def test_no_sample_starts_that_cannot_matter_yet() -> None:
    """Where two equal answers decide, two samples run; they agree, and the third never starts."""
    engine = ScriptedEngine([boxed("2"), boxed("2"), boxed("3")])
    solution = last(solve(PROBLEM, SolvePlan(PROMPT, mode=Mode.COT, k=3, stop_at=2), Tools(engine, equal=same_text)))
    assert solution.answer == "2"
    assert (solution.votes.k, solution.votes.sampled) == (3, 2)
    assert sorted(engine.released) == [0, 1]


def test_a_vote_ends_as_soon_as_it_is_decided() -> None:
    """No two agree, so two more start; one decides, and the other is cut, and its tokens are still counted."""
    long = [("a" * 500 + r"\boxed{3}", Stop.END)]
    engine = ScriptedEngine([boxed("1"), boxed("2"), boxed("2"), long, boxed("4")])
    solution = last(solve(PROBLEM, SolvePlan(PROMPT, mode=Mode.COT, k=5, stop_at=2), Tools(engine, equal=same_text)))
    assert solution.answer == "2"
    assert [sample.index for sample in solution.samples] == [0, 1, 2]
    assert sorted(engine.released) == [0, 1, 2, 3]
    assert 50 < solution.usage.completion_tokens < 70


def test_without_early_stopping_every_sample_is_taken() -> None:
    """`stop_at` 0 waits for all k, and ties go to the answer seen first."""
    engine = ScriptedEngine([boxed("1"), boxed("2"), boxed("2"), boxed("1")])
    solution = last(solve(PROBLEM, SolvePlan(PROMPT, mode=Mode.COT, k=4), Tools(engine)))
    assert solution.answer == "1"
    assert [(group.answer, group.count) for group in solution.votes.groups] == [("1", 2), ("2", 2)]


def test_each_sample_has_its_own_seed() -> None:
    """The first sample has the plan's seed, the others count up."""
    assert [s.seed for s in SolvePlan(PROMPT, k=3, sampling=Sampling(seed=7)).samplings()] == [7, 8, 9]


def interrupted_after(count: int, events: Generator[Event, None, None]) -> tuple[list[Event], Solution]:
    """The first `count` events, and the solution that the generator closes with after Ctrl-C."""
    before = [next(events) for _ in range(count)]
    solution = events.throw(KeyboardInterrupt())
    assert isinstance(solution, Solution)
    assert next(events, None) is None
    return before, solution


def test_an_interrupt_at_any_event_keeps_the_text_so_far() -> None:
    """The solution holds all text that was passed on; it is complete where its sample was. Everything is released."""

    def start() -> tuple[ScriptedEngine, EchoExecutor, Generator[Event, None, None]]:
        engine = ScriptedEngine([[("```python\nx\n```\n", Stop.STRING), *boxed("X")]])
        executor = EchoExecutor()
        return engine, executor, solve(PROBLEM, SolvePlan(PROMPT), Tools(engine, executor))

    *events, complete = start()[2]
    assert isinstance(complete, Solution)
    for count in range(1, len(events) + 1):
        engine, executor, running = start()
        before, solution = interrupted_after(count, running)
        text = "".join(event.text for event in before if isinstance(event, TextDelta))
        (sample,) = solution.samples
        assert sample.text.replace("```output\nX\n```\n", "").startswith(text)
        assert solution.finish in {Finish.INTERRUPTED, Finish.ANSWERED}
        assert (solution.finish is Finish.ANSWERED) == (sample == complete.samples[0])
        assert engine.released == [0]
        assert executor.opened == executor.closed


def test_an_interrupt_before_the_vote_is_decided_is_an_interrupt() -> None:
    """Two samples are complete and differ, the third has not started: their vote is no full vote."""
    engine = ScriptedEngine([boxed("1"), boxed("2"), boxed("2")])
    running = solve(PROBLEM, SolvePlan(PROMPT, mode=Mode.COT, k=3, stop_at=2), Tools(engine))
    count = 2 * len(boxed("1")[0][0]) + 2  # the text of both samples, and their ends
    before, solution = interrupted_after(count, running)
    assert [type(event) for event in before[-2:]].count(SampleFinished) == 1
    assert [sample.finish for sample in solution.samples] == [Finish.ANSWERED] * 2
    assert (solution.finish, solution.answer, solution.votes.sampled) == (Finish.INTERRUPTED, "1", 2)


class Scorer:
    """A reward model that Ctrl-C interrupts at its first score."""

    def __init__(self) -> None:
        self.asked = 0

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        self.asked += 1
        raise KeyboardInterrupt


def test_an_interrupt_while_the_samples_are_scored_keeps_them() -> None:
    """The vote decides instead, and nothing is scored any more."""
    engine, scorer = ScriptedEngine([boxed("1"), boxed("2"), boxed("2")]), Scorer()
    plan = SolvePlan(PROMPT, mode=Mode.COT, k=3, pick=Pick.RM)
    solution = last(solve(PROBLEM, plan, Tools(engine, reward=lambda: scorer)))
    assert (solution.finish, solution.answer) == (Finish.INTERRUPTED, "2")
    assert [sample.reward for sample in solution.samples] == [None] * 3
    assert scorer.asked == 1


class Grader:
    """A grader that Ctrl-C interrupts at its first comparison."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, answer: str, reference: str) -> Verdict:
        self.asked += 1
        raise KeyboardInterrupt


def test_an_interrupt_while_answers_are_compared_loses_no_sample() -> None:
    """All three end in the same step; none is compared any more, so that unequal texts are groups of their own."""
    engine, grader = ScriptedEngine([boxed("1"), boxed("2"), boxed("2")]), Grader()
    solution = last(solve(PROBLEM, SolvePlan(PROMPT, mode=Mode.COT, k=3), Tools(engine, equal=grader)))
    assert [sample.answer for sample in solution.samples] == ["1", "2", "2"]
    assert [(group.answer, group.count) for group in solution.votes.groups] == [("2", 2), ("1", 1)]
    assert solution.answer == "2"
    assert grader.asked == 1


def test_an_interrupt_while_the_expected_answer_is_compared_leaves_it_undecided() -> None:
    engine, grader = ScriptedEngine([boxed("0.5")]), Grader()
    problem = Problem("1/2", reference="1/2")
    solution = last(solve(problem, SolvePlan(PROMPT, mode=Mode.COT), Tools(engine, equal=grader)))
    assert (solution.finish, solution.answer) == (Finish.INTERRUPTED, "0.5")
    assert solution.expected == Expected("1/2", None)
    assert grader.asked == 1


def test_an_interrupt_before_the_scoring_loads_no_reward_model() -> None:
    """All samples are complete when it comes."""
    engine, scorer = ScriptedEngine([boxed("1")]), Scorer()
    plan = SolvePlan(PROMPT, mode=Mode.COT, pick=Pick.RM)
    _, solution = interrupted_after(
        len(boxed("1")[0][0]) + 1, solve(PROBLEM, plan, Tools(engine, reward=lambda: scorer))
    )
    assert (solution.finish, solution.answer, scorer.asked) == (Finish.INTERRUPTED, "1", 0)


def test_the_time_limit_ends_a_solve() -> None:
    """A model that never stops is stopped by the clock."""
    engine = ScriptedEngine([[("z" * 10_000_000, Stop.END)]])
    solution = last(solve(PROBLEM, SolvePlan(PROMPT, time_limit=0.05), Tools(engine)))
    assert solution.finish is Finish.TIMEOUT
    assert solution.samples[0].text


def test_a_refused_program_does_not_end_the_solve() -> None:
    """The model reads the refusal where the output would be."""
    engine = ScriptedEngine([[("```python\nx\n```\n", Stop.STRING), *boxed("0")]])
    executor = EchoExecutor()
    solution = last(solve(PROBLEM, SolvePlan(PROMPT), Tools(engine, executor, approve=lambda _code: False)))
    assert solution.samples[0].runs[0].output.status is RunStatus.BLOCKED
    assert "did not allow" in engine.extended(0)[0]
    assert executor.opened == 0


def test_the_expected_answer_is_compared() -> None:
    """Equal, different, and nothing to compare."""
    for written, expected, equal in [("2", "2", True), ("2", "3", False)]:
        problem = Problem("1 + 1", reference=expected)
        solution = last(solve(problem, SolvePlan(PROMPT, mode=Mode.COT), Tools(ScriptedEngine([boxed(written)]))))
        assert solution.expected is not None
        assert solution.expected.equal is equal
    silent = ScriptedEngine([[("I do not know.", Stop.END)]])
    solution = last(solve(Problem("1 + 1", reference="2"), SolvePlan(PROMPT, mode=Mode.COT), Tools(silent)))
    assert solution.finish is Finish.NO_ANSWER
    assert solution.expected is not None
    assert solution.expected.equal is False


def test_a_problem_of_an_unknown_kind_is_not_attempted() -> None:
    """One event, which says so; the expected answer is not reached."""
    engine = ScriptedEngine([boxed("2")])
    problem = Problem("hello", reference="2")
    (event,) = solve(problem, SolvePlan(PROMPT, known=False, k=4), Tools(engine))
    assert isinstance(event, Solution)
    assert (event.finish, event.answer, event.samples, event.votes.k) == (Finish.UNKNOWN_KIND, None, (), 4)
    assert event.expected is not None
    assert event.expected.equal is False
    assert engine.prompts == []


def test_the_speed_of_whole_replies_is_measured_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several come at about the same time; between the first and the last of them little was computed."""
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    for tokens, expected in ((300, 100.0), (1, 1000.0)):
        progress = Progress(PROBLEM, SolvePlan(PROMPT, k=4), Tools(ScriptedEngine([])), started=100.0)
        for index, at in enumerate((109.0, 110.0)):
            now[0] = at
            sample = Sample("x", "1", Finish.ANSWERED, usage=Usage(50, 500 + (index > 0)), index=index)
            progress.record([(index, TextDelta(index, "x", tokens)), (index, SampleFinished(sample))])
        timing = progress.solution().timing
        assert (timing.decode_tps, timing.first_token_s) == (expected, 9.0)
        assert (timing.prefill_tps > 0) == (tokens == 1)
