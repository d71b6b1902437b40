"""Many problems over one engine: each gets the solution that it would get alone."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

import pytest

from qmath_cli.records import (
    Event,
    Finish,
    Mode,
    Problem,
    ProgramFinished,
    ProgramRun,
    Prompt,
    Sampling,
    Solution,
    Stop,
    TextDelta,
    Timing,
)
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.solve import Task, follow_many, solve, solve_many
from tests.prompts import chat
from tests.scripted import EchoExecutor, Script, ScriptedEngine

ENDLESS = [("z" * 10_000_000, Stop.END)]


def boxed(answer: str, length: int = 0) -> Script:
    return [("z" * length + rf"\boxed{{{answer}}}", Stop.END)]


def with_program(code: str, answer: str) -> Script:
    return [(f"```python\n{code}\n```\n", Stop.STRING), *boxed(answer, 30)]


def task(text: str, mode: Mode = Mode.COT, **plan: object) -> Task:
    return Problem(text), SolvePlan(chat(text, mode), mode, **plan)  # type: ignore[arg-type]


def engine_for(tasks: Sequence[Task], scripts: Sequence[Sequence[Script]]) -> ScriptedEngine:
    """An engine with the scripts of each problem, one per sample: the order in which they start changes no text."""
    return ScriptedEngine({plan.prompt.text: found for (_, plan), found in zip(tasks, scripts, strict=True)})


def alone(one: Task, engine: ScriptedEngine) -> Solution:
    *_, solution = solve(*one, Tools(engine, EchoExecutor()))
    assert isinstance(solution, Solution)
    return solution


def solutions(events: Generator[tuple[int, Event], None, None]) -> dict[int, Solution]:
    """The solutions by position; none comes twice, and nothing follows a problem's solution."""
    found: dict[int, Solution] = {}
    for position, event in events:
        assert position not in found
        if isinstance(event, Solution):
            found[position] = event
    return found


def untimed(solution: Solution) -> Solution:
    return replace(solution, timing=Timing())


# ---------------------------------------------------------------- the same solutions as alone

TASKS = [
    task("one program", Mode.TIR),
    task("plain"),
    task("three samples", k=3, stop_at=2),
    task("all of four samples", k=4),
    task("two programs", Mode.TIR, k=2, sampling=Sampling(seed=5)),
    task("no answer"),
    task("a lost sample", k=5, stop_at=2),
]
SCRIPTS: list[Sequence[Script]] = [
    [with_program("x", "1")],
    [boxed("2", 3)],
    [boxed("3"), boxed("4"), boxed("3", 40)],
    [boxed("5", 9), boxed("6"), boxed("6", 70), boxed("5", 2)],
    [[]] * 5 + [with_program("y", "7"), with_program("why", "8")],
    [[("I do not know.", Stop.END)]],
    [boxed("1"), boxed("2"), boxed("2", 20), ENDLESS, boxed("4")],
]


@pytest.mark.parametrize("width", [1, 2, 3, 8, 20])
def test_every_problem_gets_the_solution_that_it_gets_alone(width: int) -> None:
    """Text, programs, votes, token counts: all but the times; and never more than `width` sequences at once."""
    engine = engine_for(TASKS, SCRIPTS)
    found = solutions(solve_many(TASKS, Tools(engine, EchoExecutor()), width))
    assert sorted(found) == list(range(len(TASKS)))
    assert engine.most <= width
    for position, one in enumerate(TASKS):
        expected = alone(one, engine_for(TASKS, SCRIPTS))
        assert found[position].answer == expected.answer
        # where slots are few, a vote that ends early may end with other samples: they do not run side by side
        if width >= sum(plan.k for _, plan in TASKS) or one[1].stop_at == 0:
            assert untimed(found[position]) == untimed(expected)


def test_all_slots_are_used() -> None:
    """As soon as a sequence ends the next problem starts, in the order of the tasks."""
    tasks = [task(f"number {n}") for n in range(6)]
    engine = engine_for(tasks, [[boxed(str(n), length)] for n, length in enumerate([500, 1, 1, 1, 1, 1])])
    found = solutions(solve_many(tasks, Tools(engine), 2))
    assert engine.most == 2
    assert [prompt.text for prompt in engine.prompts] == [plan.prompt.text for _, plan in tasks]
    assert engine.steps == 500 + len(r"\boxed{0}"), "the short problems ran while the long one decoded"
    assert list(found) == [1, 2, 3, 4, 5, 0]


def test_events_carry_the_position_of_their_problem() -> None:
    """The text of each problem's events is the text of its sample."""
    tasks = TASKS[:2]
    engine = engine_for(tasks, SCRIPTS[:2])
    events = list(solve_many(tasks, Tools(engine, EchoExecutor()), 2))
    for position in (0, 1):
        text = "".join(event.text for one, event in events if one == position and isinstance(event, TextDelta))
        (solution,) = (event for one, event in events if one == position and isinstance(event, Solution))
        assert text == solution.samples[0].text.replace("```output\nX\n```\n", "")
    runs = [(one, event.run) for one, event in events if isinstance(event, ProgramFinished)]
    assert [(one, run.code) for one, run in runs if isinstance(run, ProgramRun)] == [(0, "x")]


# ---------------------------------------------------------------- prompts that are too long


def test_a_prompt_that_is_too_long_costs_only_its_own_problem() -> None:
    """It is out of context, without a sample; the others are solved."""
    tasks = [task("first"), task("long " * 1000), task("last")]
    engine = engine_for(tasks, [[boxed("1")], [boxed("2")], [boxed("3")]])
    found = solutions(solve_many(tasks, Tools(engine), 2))
    assert [found[n].finish for n in range(3)] == [Finish.ANSWERED, Finish.OUT_OF_CONTEXT, Finish.ANSWERED]
    assert [found[n].answer for n in range(3)] == ["1", None, "3"]
    assert found[1].samples == ()
    assert found[1].problem.text == "long " * 1000


def test_prompts_that_are_all_too_long_end_all_the_same() -> None:
    """No sequence ever runs."""
    tasks = [task("long " * 1000), task("longer " * 1000)]
    found = solutions(solve_many(tasks, Tools(engine_for(tasks, [[], []])), 2))
    assert [found[n].finish for n in range(2)] == [Finish.OUT_OF_CONTEXT] * 2


# ---------------------------------------------------------------- votes


def test_a_sample_that_cannot_matter_leaves_its_slot_to_the_next_problem() -> None:
    """K = 3 and two equal answers decide: two samples run, and the third slot is the next problem's."""
    tasks = [task("first", k=3, stop_at=2), task("second")]
    engine = engine_for(tasks, [[boxed("1", 50), boxed("1", 50), boxed("9")], [boxed("2", 20)]])
    found = solutions(solve_many(tasks, Tools(engine), 3))
    assert list(found) == [1, 0], "both problems ran at the same time"
    assert (found[0].answer, found[0].votes.k, found[0].votes.sampled) == ("1", 3, 2)
    assert found[1].answer == "2"
    assert len(engine.released) == 3, "the third sample of the first problem never started"


def test_samples_that_a_decision_makes_superfluous_are_ended() -> None:
    """Their slot goes to the next problem, their tokens count, their text does not."""
    tasks = [task("first", k=5, stop_at=2), task("second")]
    engine = engine_for(tasks, [[boxed("1"), boxed("2"), boxed("2", 20), ENDLESS, boxed("4")], [boxed("3", 100)]])
    found = solutions(solve_many(tasks, Tools(engine), 2))
    assert (found[0].answer, found[1].answer) == ("2", "3")
    assert [sample.index for sample in found[0].samples] == [0, 1, 2]
    assert found[0].usage.completion_tokens > sum(sample.usage.completion_tokens for sample in found[0].samples)


def test_votes_are_counted_per_problem() -> None:
    """Equal answers of different problems do not add up."""
    tasks = [task("first", k=3, stop_at=2), task("second", k=3, stop_at=2)]
    engine = engine_for(tasks, [[boxed("1"), boxed("2"), boxed("2")], [boxed("1"), boxed("3"), boxed("1")]])
    found = solutions(solve_many(tasks, Tools(engine), 6))
    assert [found[n].answer for n in range(2)] == ["2", "1"]
    assert [[(group.answer, group.count) for group in found[n].votes.groups] for n in range(2)] == [
        [("2", 2), ("1", 1)],
        [("1", 2), ("3", 1)],
    ]


# ---------------------------------------------------------------- interrupts and time limits


def interrupted_at(tasks: Sequence[Task], engine: ScriptedEngine, events: int, width: int) -> dict[int, Solution]:
    """The solutions where Ctrl-C is thrown in after so many events."""
    running = solve_many(tasks, Tools(engine, EchoExecutor()), width)
    found: dict[int, Solution] = {}
    for _ in range(events):
        position, event = next(running)
        if isinstance(event, Solution):
            found[position] = event
    try:
        position, event = running.throw(KeyboardInterrupt())
    except StopIteration:  # every problem has its solution already
        return found
    assert isinstance(event, Solution), "after an interrupt there are solutions only"
    assert position not in found
    found[position] = event
    rest = solutions(running)
    assert not set(rest) & set(found)
    return found | rest


def test_an_interrupt_gives_a_solution_for_every_problem_that_has_none() -> None:
    """One is solved, one has written something, one has not started."""
    tasks = [task("solved"), task("running"), task("waiting")]
    engine = engine_for(tasks, [[boxed("1")], [boxed("2", 50)], [boxed("3")]])
    first = len(r"\boxed{1}") + 2  # the events of the first problem: its text, its sample, its solution
    found = interrupted_at(tasks, engine, first + 4, 1)
    assert [found[n].finish for n in range(3)] == [Finish.ANSWERED, Finish.INTERRUPTED, Finish.INTERRUPTED]
    assert found[1].samples[0].text == "zzzz"
    assert found[2].samples == ()


def test_an_interrupt_at_any_event_loses_nothing() -> None:
    """Every problem closes once, with all the text of its events, and as answered where it was complete."""
    scripts = SCRIPTS[:6]
    tasks = TASKS[:6]
    events = list(solve_many(tasks, Tools(engine_for(tasks, scripts), EchoExecutor()), 4))
    complete = {position: event for position, event in events if isinstance(event, Solution)}
    for count in range(1, len(events)):
        engine = engine_for(tasks, scripts)
        found = interrupted_at(tasks, engine, count, 4)
        assert sorted(found) == list(range(len(tasks)))
        shown = [(position, event) for position, event in events[:count] if isinstance(event, TextDelta)]
        for position, solution in found.items():
            if solution.finish is Finish.INTERRUPTED:
                written = sum(len(event.text) for one, event in shown if one == position)
                assert sum(sample.usage.completion_tokens for sample in solution.samples) >= written
            else:
                assert untimed(solution) == untimed(complete[position])
        assert sorted(engine.released) == list(range(engine._started))


def test_an_interrupt_while_a_problem_starts_loses_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the second prompt is turned into tokens: all three have a solution."""
    tasks = [task("first"), task("second"), task("third")]
    engine = engine_for(tasks, [[ENDLESS], [ENDLESS], [ENDLESS]])
    start = engine.start

    def interrupted_start(prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        if "second" in prompt.text:
            raise KeyboardInterrupt
        return start(prompt, samplings)

    monkeypatch.setattr(engine, "start", interrupted_start)
    found = solutions(solve_many(tasks, Tools(engine, EchoExecutor()), 3))
    assert {position: one.finish for position, one in found.items()} == dict.fromkeys(range(3), Finish.INTERRUPTED)


def test_an_interrupt_while_a_program_is_approved_mixes_no_problems() -> None:
    """Samples that ended in the same step go to their own problems."""

    def interrupt(_code: str) -> bool:
        raise KeyboardInterrupt

    code, _ = with_program("x", "2")[0]
    tasks = [task("first", Mode.TIR), task("second", Mode.TIR), task("third", Mode.TIR)]
    engine = engine_for(tasks, [[ENDLESS], [boxed("1", len(code) - 9)], [with_program("x", "2")]])
    found = solutions(solve_many(tasks, Tools(engine, EchoExecutor(), approve=interrupt), 3))
    assert [[sample.answer for sample in found[n].samples] for n in range(3)] == [[None], ["1"], [None]]
    assert [found[n].finish for n in range(3)] == [Finish.INTERRUPTED, Finish.ANSWERED, Finish.INTERRUPTED]


def test_each_problem_has_its_own_time_limit() -> None:
    """It counts from the start of the problem, and ends no other."""
    tasks = [task("one", time_limit=0.05), task("two", time_limit=0.05), task("three", time_limit=600.0)]
    engine = engine_for(tasks, [[ENDLESS], [ENDLESS], [boxed("3", 50)]])
    found = solutions(solve_many(tasks, Tools(engine), 1))
    assert [found[n].finish for n in range(3)] == [Finish.TIMEOUT, Finish.TIMEOUT, Finish.ANSWERED]
    assert found[0].samples[0].text
    assert found[1].samples[0].text, "the second problem's clock starts with its first step"


def test_a_time_limit_ends_only_its_own_problem() -> None:
    """The others decode on."""
    tasks = [task("one", time_limit=0.5, k=2), task("two")]
    engine = engine_for(tasks, [[ENDLESS, boxed("1")], [ENDLESS]])
    running = solve_many(tasks, Tools(engine), 3)
    position, solution = next((one, event) for one, event in running if isinstance(event, Solution))
    assert position == 0
    assert solution.finish is Finish.TIMEOUT
    assert solution.answer == "1", "the sample that was complete counts"
    assert any(one == 1 for one, _event in (next(running) for _ in range(3)))
    running.close()
    assert sorted(engine.released) == [0, 1, 2]


def test_an_interrupt_while_an_event_is_handled_ends_the_attempts() -> None:
    """The solutions of all problems follow, those that were finished as they were."""
    tasks = [task("short"), task("long")]
    engine = engine_for(tasks, [[boxed("1")], [ENDLESS]])
    found: dict[int, Finish] = {}

    def sink(position: int, event: Event) -> None:
        if isinstance(event, Solution):
            found[position] = event.finish
            if position == 0:
                raise KeyboardInterrupt

    follow_many(solve_many(tasks, Tools(engine), 2), sink)
    assert found == {0: Finish.ANSWERED, 1: Finish.INTERRUPTED}


def test_problems_are_taken_when_they_can_start() -> None:
    """However many there are."""
    taken: list[int] = []

    def tasks() -> Iterator[Task]:
        for number in range(9):
            taken.append(number)
            yield task(f"problem {number}")

    every = [task(f"problem {number}") for number in range(9)]
    engine = engine_for(every, [[boxed("1")]] * 9)
    events = solve_many(tasks(), Tools(engine), 2)
    next(events)
    assert len(taken) <= 3
    assert len(solutions(events)) == len(taken) == 9


@pytest.mark.parametrize("width", [1, 8])
def test_problems_of_unknown_kinds_cost_nothing_and_hold_up_no_other(width: int) -> None:
    """First, last, and between others."""
    tasks = [task(f"problem {i}", known=i in {1, 3}) for i in range(5)]
    engine = engine_for(tasks, [[boxed(str(i))] for i in range(5)])
    found = solutions(solve_many(tasks, Tools(engine), width))
    assert [found[i].answer for i in range(5)] == [None, "1", None, "3", None]
    assert [found[i].finish is Finish.UNKNOWN_KIND for i in range(5)] == [True, False, True, False, True]
    assert len(engine.prompts) == 2
