"""What `solve` promises, in situations that only a script can produce."""

from __future__ import annotations

from collections.abc import Generator

from qmath_cli.records import (
    Event,
    Finish,
    Mode,
    Problem,
    ProgramFinished,
    ProgramStarted,
    RunStatus,
    SampleFinished,
    Sampling,
    Solution,
    Stop,
    TextDelta,
)
from qmath_cli.solving.solve import SolvePlan, Tools, solve
from qmath_cli.solving.vote import same_text
from tests.scripted import EchoExecutor, ScriptedEngine, Stretch

PROBLEM = Problem("What is 1 + 1?")


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
    events = list(solve(PROBLEM, SolvePlan(), Tools(engine, executor)))
    kinds = [type(event) for event in events if not isinstance(event, TextDelta)]
    assert kinds == [ProgramStarted, ProgramFinished, SampleFinished, Solution]
    assert engine.extended[0] == ["```output\nX\n```\n"]
    assert (executor.opened, executor.closed) == (1, 1)
    solution = events[-1]
    assert isinstance(solution, Solution)
    assert (solution.answer, solution.finish) == ("X", Finish.ANSWERED)
    assert [run.code for run in solution.samples[0].runs] == ["x"]


def test_a_solution_that_goes_on_finds_the_names_of_its_earlier_programs() -> None:
    """They run again in the new worker, unseen, and count as none of its own."""
    engine = ScriptedEngine([[("```python\ny\n```\n", Stop.STRING), *boxed("Y")]])
    executor = EchoExecutor()
    solution = last(solve(PROBLEM, SolvePlan(earlier=("a", "b")), Tools(engine, executor)))
    assert executor.ran == ["a", "b", "y"]
    assert [run.code for run in solution.samples[0].runs] == ["y"]


def test_no_sample_is_begun_that_cannot_matter_yet() -> None:
    """Where two equal answers decide, two samples are made; they agree, and the third never begins."""
    engine = ScriptedEngine([boxed("2"), boxed("2"), boxed("3")])
    solution = last(solve(PROBLEM, SolvePlan(mode=Mode.COT, k=3, stop_at=2), Tools(engine, equal=same_text)))
    assert solution.answer == "2"
    assert (solution.votes.k, solution.votes.sampled) == (3, 2)
    assert sorted(engine.released) == [0, 1]


def test_a_vote_ends_as_soon_as_it_is_decided() -> None:
    """No two agree, so two more begin; one decides, and the other is cut and its tokens counted all the same."""
    long = [("a" * 500 + r"\boxed{3}", Stop.END)]
    engine = ScriptedEngine([boxed("1"), boxed("2"), boxed("2"), long, boxed("4")])
    solution = last(solve(PROBLEM, SolvePlan(mode=Mode.COT, k=5, stop_at=2), Tools(engine, equal=same_text)))
    assert solution.answer == "2"
    assert [sample.index for sample in solution.samples] == [0, 1, 2]
    assert sorted(engine.released) == [0, 1, 2, 3]
    assert 50 < solution.usage.completion_tokens < 70


def test_without_early_stopping_every_sample_is_taken() -> None:
    """`stop_at` 0 waits for all k, and ties go to the answer seen first."""
    engine = ScriptedEngine([boxed("1"), boxed("2"), boxed("2"), boxed("1")])
    solution = last(solve(PROBLEM, SolvePlan(mode=Mode.COT, k=4), Tools(engine)))
    assert solution.answer == "1"
    assert [(group.answer, group.count) for group in solution.votes.groups] == [("1", 2), ("2", 2)]


def test_samples_have_seeds_of_their_own() -> None:
    """The first sample has the plan's seed, the others count up."""
    assert [s.seed for s in SolvePlan(k=3, sampling=Sampling(seed=7)).samplings()] == [7, 8, 9]


def test_an_interrupt_keeps_what_was_said() -> None:
    """Thrown in at any event, Ctrl-C ends in a solution with the partial text; everything is released."""
    engine = ScriptedEngine([[("Let us think about it", Stop.END)]])
    events = solve(PROBLEM, SolvePlan(), Tools(engine))
    for _ in range(5):
        next(events)
    solution = events.throw(KeyboardInterrupt())
    assert isinstance(solution, Solution)
    assert solution.finish is Finish.INTERRUPTED
    assert solution.samples[0].text == "Let u"
    assert engine.released == [0]


def test_the_time_limit_ends_a_solve() -> None:
    """A model that never stops is stopped by the clock."""
    engine = ScriptedEngine([[("z" * 10_000_000, Stop.END)]])
    solution = last(solve(PROBLEM, SolvePlan(time_limit=0.05), Tools(engine)))
    assert solution.finish is Finish.TIMEOUT
    assert solution.samples[0].text


def test_a_refused_program_is_told_to_the_model() -> None:
    """Whoever says no sees the solve go on, with the refusal where the output would be."""
    engine = ScriptedEngine([[("```python\nx\n```\n", Stop.STRING), *boxed("0")]])
    executor = EchoExecutor()
    solution = last(solve(PROBLEM, SolvePlan(), Tools(engine, executor, approve=lambda _code: False)))
    assert solution.samples[0].runs[0].output.status is RunStatus.BLOCKED
    assert "did not allow" in engine.extended[0][0]
    assert executor.opened == 0


def test_the_expected_answer_is_compared() -> None:
    """Equal, different, and nothing to compare."""
    for said, expected, equal in [("2", "2", True), ("2", "3", False)]:
        problem = Problem("1 + 1", reference=expected)
        solution = last(solve(problem, SolvePlan(mode=Mode.COT), Tools(ScriptedEngine([boxed(said)]))))
        assert solution.expected is not None
        assert solution.expected.equal is equal
    silent = ScriptedEngine([[("I do not know.", Stop.END)]])
    solution = last(solve(Problem("1 + 1", reference="2"), SolvePlan(mode=Mode.COT), Tools(silent)))
    assert solution.finish is Finish.NO_ANSWER
    assert solution.expected is not None
    assert solution.expected.equal is False
