"""The attempts loop: when programs' outputs go back to the model, and what happens to attempts that are ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from qmath_cli.errors import ExecutorUnusable, PromptTooLong
from qmath_cli.records import (
    Event,
    Finish,
    Mode,
    ProgramFinished,
    ProgramStarted,
    RunStatus,
    Sample,
    SampleFinished,
    Sampling,
    Stop,
)
from qmath_cli.solving import attempts as attempts_module
from qmath_cli.solving.attempts import Approve, Attempts
from tests.prompts import chat
from tests.scripted import TIMEOUT_S, EchoExecutor, HeldExecutor, Script, ScriptedEngine

PROMPT = chat("What is 1 + 1?")
DELAY = attempts_module._OUTPUT_DELAY
_MANY = 100_000  # calls of `step`; more than any test here needs


def program(code: str) -> tuple[str, Stop]:
    return f"```python\n{code}\n```\n", Stop.STRING


def boxed(answer: str) -> tuple[str, Stop]:
    return rf"\boxed{{{answer}}}", Stop.END


LONG = ("z" * 1000 + r"\boxed{1}", Stop.END)  # decodes while the others run their programs
ANSWER = boxed("0")


@dataclass
class Loop:
    """Attempts over a scripted engine, and their events with the engine's step at which each was returned."""

    engine: ScriptedEngine
    attempts: Attempts
    events: list[tuple[int, int, Event]] = field(default_factory=list)  # (step, key, event)

    def launch(self, **options: object) -> tuple[int, ...]:
        """One attempt per script."""
        samplings = [Sampling(seed=seed) for seed in range(len(self.engine.scripts))]
        return self.attempts.launch(PROMPT, samplings, Mode.TIR, **options)  # type: ignore[arg-type]

    def step(self) -> None:
        self.take(self.attempts.step())

    def take(self, events: list[tuple[int, Event]]) -> None:
        self.events += [(self.engine.steps, key, event) for key, event in events]

    def until(self, wanted: Callable[[], object]) -> None:
        """Step until `wanted()` is true."""
        for _ in range(_MANY):
            if wanted():
                return
            self.step()
        pytest.fail("the loop does not get there")

    def to_the_end(self) -> None:
        self.until(lambda: not self.attempts.busy)

    def found(self, kind: type[Event]) -> list[tuple[int, int]]:
        """(step, key) of every event of a kind."""
        return [(step, key) for step, key, event in self.events if isinstance(event, kind)]

    def samples(self) -> dict[int, Sample]:
        """The finished samples by key."""
        return {key: event.sample for _, key, event in self.events if isinstance(event, SampleFinished)}


Start = Callable[..., Loop]


@pytest.fixture
def start() -> Iterator[Start]:
    """A function that makes a loop over scripts; all are closed when the test ends."""
    opened: list[Attempts] = []

    def make(
        executor: HeldExecutor | EchoExecutor | None,
        *scripts: Script,
        steps_per_round: int = 1,
        approve: Approve | None = None,
    ) -> Loop:
        engine = ScriptedEngine(scripts, steps_per_round=steps_per_round)
        opened.append(Attempts(engine, executor, approve))
        return Loop(engine, opened[-1])

    yield make
    for one in opened:
        one.close()


# ---------------------------------------------------------------- when an output goes back


@pytest.mark.parametrize("steps_per_round", [1, 2, 3])
@pytest.mark.parametrize("steps_before_the_end", [0, 1, DELAY])
def test_an_output_goes_back_a_fixed_number_of_steps_after_its_program(
    start: Start, steps_per_round: int, steps_before_the_end: int
) -> None:
    """However early the program ends: the same steps decode the same sequences, whatever a program takes."""
    executor = HeldExecutor()
    loop = start(executor, [program("x"), ANSWER], [LONG], steps_per_round=steps_per_round)
    loop.launch()
    loop.until(lambda: loop.found(ProgramStarted))
    written = loop.engine.steps
    executor.started("x")
    loop.until(lambda: loop.engine.steps == written + steps_before_the_end)
    executor.end("x")
    loop.until(lambda: loop.engine.extensions)
    assert loop.engine.extensions == [(written + DELAY * steps_per_round, 0, "```output\nX\n```\n")]


def test_decoding_does_not_pass_that_step_without_the_output(start: Start) -> None:
    """While a program runs on, `step` returns nothing and the engine computes nothing; then its output is used."""
    executor = HeldExecutor()
    loop = start(executor, [program("x"), ANSWER], [LONG])
    loop.launch()
    loop.until(lambda: loop.found(ProgramStarted))
    due = loop.engine.steps + DELAY
    loop.until(lambda: loop.engine.steps == due)
    for _ in range(3):
        assert loop.attempts.step() == []
    assert loop.engine.steps == due
    executor.end("x")
    loop.until(lambda: loop.engine.extensions)
    assert loop.engine.extensions[0].step == due


def test_an_output_goes_back_without_delay_where_nothing_else_can_decode(start: Start) -> None:
    """A single attempt does not wait for further steps."""
    executor = HeldExecutor()
    executor.end("x")
    loop = start(executor, [program("x"), ANSWER])
    loop.launch()
    loop.to_the_end()
    (started, _), (finished, _) = *loop.found(ProgramStarted), *loop.found(ProgramFinished)
    assert finished == started
    assert loop.engine.extensions[0].step == started


def test_a_single_attempt_waits_for_its_program(start: Start) -> None:
    """Nothing decodes meanwhile, and such steps do not count towards the delay."""
    executor = HeldExecutor()
    loop = start(executor, [program("x"), ANSWER])
    loop.launch()
    loop.until(lambda: loop.found(ProgramStarted))
    written = loop.engine.steps
    for _ in range(DELAY + 2):
        assert loop.attempts.step() == []
    executor.end("x")
    loop.to_the_end()
    assert loop.engine.extensions[0].step == written
    assert loop.samples()[0].answer == "0"


def test_steps_in_which_nothing_decodes_do_not_count(start: Start) -> None:
    """The delay is counted in decode steps, however long both attempts waited for the first program."""
    executor = HeldExecutor()
    loop = start(executor, [program("x"), LONG], [program("y"), ANSWER])
    loop.launch()
    loop.until(lambda: len(loop.found(ProgramStarted)) == 2)
    written = loop.engine.steps
    executor.end("y")
    for _ in range(2 * DELAY):
        assert loop.attempts.step() == []
    executor.end("x")
    loop.until(lambda: len(loop.engine.extensions) == 2)
    assert [(one.step, one.sequence) for one in loop.engine.extensions] == [(written, 0), (written + DELAY, 1)]


@pytest.mark.parametrize("decoding", [True, False], ids=["while another decodes", "while nothing decodes"])
def test_outputs_go_back_in_the_order_in_which_their_programs_were_written(start: Start, decoding: bool) -> None:
    """The program that was written second ends first, and its output waits."""
    executor = HeldExecutor()
    scripts = [[("a", Stop.END)], [program("second!"), ANSWER], [program("first"), ANSWER]]
    loop = start(executor, *scripts, *([[LONG]] if decoding else []))
    loop.launch()
    loop.until(lambda: len(loop.found(ProgramStarted)) == 2)
    executor.started("second!")
    executor.end("second!")
    for _ in range(3):
        loop.step()
    executor.end("first")
    loop.to_the_end()
    assert [key for _, key in loop.found(ProgramFinished)] == [2, 1]
    assert [one.sequence for one in loop.engine.extensions] == [2, 1]
    texts = [loop.samples()[key].text for key in (1, 2)]
    assert "SECOND!" in texts[0]
    assert "FIRST" in texts[1]


def test_programs_of_one_attempt_run_in_one_worker(start: Start) -> None:
    """In order; each output is in the text before what the model writes next."""
    executor = EchoExecutor()
    loop = start(executor, [program("a"), program("b"), boxed("2")])
    loop.launch()
    loop.to_the_end()
    assert executor.ran == ["a", "b"]
    assert executor.opened == 1
    sample = loop.samples()[0]
    assert [run.output.text for run in sample.runs] == ["A", "B"]
    assert sample.text.index("A\n```\n") < sample.text.index("```python\nb")


def test_earlier_programs_run_first(start: Start) -> None:
    """Every attempt's worker runs them before the first own program, and they are not among its runs."""
    executor = EchoExecutor()
    loop = start(executor, [program("x"), program("y"), ANSWER])
    loop.launch(earlier=("a", "b"))
    loop.to_the_end()
    assert executor.ran == ["a", "b", "x", "y"]
    assert [run.code for run in loop.samples()[0].runs] == ["x", "y"]


def test_an_attempt_without_a_program_opens_no_worker(start: Start) -> None:
    """Not even for its earlier programs."""
    executor = EchoExecutor()
    loop = start(executor, [ANSWER])
    loop.launch(earlier=("a",))
    loop.to_the_end()
    assert executor.opened == 0


# ---------------------------------------------------------------- programs that do not run


@pytest.mark.parametrize("allowed", [False, None], ids=["refused", "no executor"])
def test_a_program_that_may_not_run_gives_a_blocked_output(start: Start, allowed: bool | None) -> None:
    """It goes back as late as any other output, and the model continues."""
    asked: list[str] = []

    def refuse(code: str) -> bool:
        asked.append(code)
        return False

    executor = None if allowed is None else HeldExecutor()
    loop = start(executor, [program("x"), ANSWER], [LONG], approve=None if allowed is None else refuse)
    loop.launch()
    loop.to_the_end()
    ((written, _),) = loop.found(ProgramStarted)
    (extension,) = loop.engine.extensions
    assert extension.step == written + DELAY
    sample = loop.samples()[0]
    assert [run.output.status for run in sample.runs] == [RunStatus.BLOCKED]
    assert sample.runs[0].output.text in extension.text
    assert (sample.answer, sample.finish) == ("0", Finish.ANSWERED)
    assert asked == ([] if allowed is None else ["x"])
    assert executor is None or executor.workers == []


def test_each_program_is_approved_by_itself(start: Start) -> None:
    """The first is allowed, the second is not, the third is."""
    executor = EchoExecutor()
    loop = start(executor, [program("a"), program("b"), program("c"), ANSWER], approve=lambda code: code != "b")
    loop.launch()
    loop.to_the_end()
    assert executor.ran == ["a", "c"]
    statuses = [run.output.status for run in loop.samples()[0].runs]
    assert statuses == [RunStatus.OK, RunStatus.BLOCKED, RunStatus.OK]


def test_an_interrupt_while_a_program_is_approved_loses_no_sample(start: Start) -> None:
    """Another attempt ended in the same step; `cut` returns its sample too."""

    def interrupt(_code: str) -> bool:
        raise KeyboardInterrupt

    code, _ = program("x")
    loop = start(EchoExecutor(), [("y" * (len(code) - 9) + r"\boxed{1}", Stop.END)], [program("x")], approve=interrupt)
    keys = loop.launch()
    with pytest.raises(KeyboardInterrupt):
        loop.to_the_end()
    loop.take(loop.attempts.cut(Finish.INTERRUPTED))
    assert [loop.samples()[key].finish for key in keys] == [Finish.ANSWERED, Finish.INTERRUPTED]
    assert loop.samples()[keys[1]].text == code


def test_an_executor_that_cannot_open_a_worker_ends_the_loop_with_its_error() -> None:
    """It is no output of a program, and `close` still works."""

    class Unusable(EchoExecutor):
        def open(self) -> EchoExecutor:
            raise ExecutorUnusable("no worker")

    engine = ScriptedEngine([[program("x"), ANSWER]])
    with closing(Attempts(engine, Unusable())) as attempts:
        loop = Loop(engine, attempts)
        loop.launch()
        with pytest.raises(ExecutorUnusable):
            loop.to_the_end()
    assert engine.released == [0]


# ---------------------------------------------------------------- ended from outside


def test_cut_ends_only_the_attempts_with_these_keys(start: Start) -> None:
    """Their text so far is kept, and the others decode to their end."""
    loop = start(None, [LONG], [LONG], [LONG])
    keys = loop.launch()
    loop.until(lambda: loop.engine.steps == 10)
    loop.take(loop.attempts.cut(Finish.TIMEOUT, [keys[1]]))
    assert loop.engine.released == [1]
    assert loop.attempts.running == 2
    loop.to_the_end()
    samples = loop.samples()
    assert [samples[key].finish for key in keys] == [Finish.ANSWERED, Finish.TIMEOUT, Finish.ANSWERED]
    assert samples[keys[1]].text == "z" * 10
    assert loop.attempts.cut(Finish.TIMEOUT) == []


def test_cut_without_keys_ends_all(start: Start) -> None:
    """An answer that is complete counts."""
    loop = start(None, [(r"\boxed{1} and more", Stop.END)], [LONG])
    loop.launch()
    loop.until(lambda: loop.engine.steps == 12)
    loop.take(loop.attempts.cut(Finish.INTERRUPTED))
    assert not loop.attempts.busy
    assert [sample.answer for sample in loop.samples().values()] == ["1", None]
    assert sorted(loop.engine.released) == [0, 1]


def test_a_program_of_an_attempt_that_is_cut_ends_and_its_output_is_discarded(start: Start) -> None:
    """Its worker is closed when `cut` returns, and the others go past the step at which its output was due."""
    executor = HeldExecutor()
    loop = start(executor, [program("x"), ANSWER], [LONG])
    keys = loop.launch()
    loop.until(lambda: loop.found(ProgramStarted))
    executor.started("x")
    loop.take(loop.attempts.cut(Finish.INTERRUPTED, [keys[0]]))
    assert [worker.closed for worker in executor.workers] == [True]
    loop.to_the_end()
    assert loop.found(ProgramFinished) == []
    assert loop.engine.extensions == []
    cut = loop.samples()[keys[0]]
    assert (cut.text, cut.runs, cut.unrun_programs) == ("```python\nx\n```\n", (), 1)
    assert loop.samples()[keys[1]].answer == "1"


def test_a_worker_that_opens_after_its_attempt_was_cut_is_closed(start: Start) -> None:
    """The program that it was opened for does not run."""
    executor = HeldExecutor()
    executor.hold_workers()
    loop = start(executor, [program("x"), ANSWER], [LONG])
    keys = loop.launch()
    loop.until(lambda: loop.found(ProgramStarted))
    assert executor.opening.wait(TIMEOUT_S)
    loop.take(loop.attempts.cut(Finish.INTERRUPTED, [keys[0]]))
    executor.release_workers()
    loop.to_the_end()
    loop.attempts.close()
    assert [worker.closed for worker in executor.workers] == [True]
    assert executor.ran == []
    assert loop.found(ProgramFinished) == []


def test_a_worker_is_closed_when_its_attempt_ends(start: Start) -> None:
    """Each attempt has one of its own."""
    executor = HeldExecutor()
    executor.end("x", "y")
    loop = start(executor, [program("x"), ANSWER], [program("y"), ANSWER])
    loop.launch()
    loop.to_the_end()
    loop.attempts.close()
    assert sorted(executor.ran) == ["x", "y"]
    assert [worker.closed for worker in executor.workers] == [True, True]


# ---------------------------------------------------------------- close


@pytest.mark.parametrize("opens_late", [False, True], ids=["program runs", "worker opens"])
def test_close_leaves_no_thread_and_no_open_worker(opens_late: bool) -> None:
    """Not even in the middle of a program, or of the start of its worker; every sequence is released."""
    before = set(threading.enumerate())
    executor = HeldExecutor()
    executor.end("s")  # a short one, whose attempt decodes on; its worker is idle
    codes = ["first" + "!" * 2 * DELAY, "other" + "!" * 2 * DELAY, "third" + "!" * 2 * DELAY]
    engine = ScriptedEngine([[program("s"), LONG], *([program(code), ANSWER] for code in codes), [LONG]])
    attempts = Attempts(engine, executor, program_threads=2)
    loop = Loop(engine, attempts)
    loop.launch()
    loop.until(lambda: loop.found(ProgramFinished))
    if opens_late:
        executor.hold_workers()
    loop.until(lambda: len(loop.found(ProgramStarted)) == 1 + len(codes))
    if opens_late:
        assert executor.opening.wait(TIMEOUT_S)
        release = threading.Timer(0.1, executor.release_workers)  # while `close` waits
        release.start()
    else:
        executor.started(codes[0])
        executor.started(codes[1])
    attempts.close()
    assert len(executor.workers) >= (2 if opens_late else 3)
    assert all(worker.closed for worker in executor.workers)
    assert sorted(engine.released) == [0, 1, 2, 3, 4]
    assert not attempts.busy
    if opens_late:
        release.join()
    assert set(threading.enumerate()) <= before


def test_a_prompt_that_is_too_long_starts_nothing(start: Start) -> None:
    """The engine's error reaches the caller; the loop can be used for other prompts."""
    loop = start(None, [ANSWER])
    loop.engine.context_length = 10
    with pytest.raises(PromptTooLong):
        loop.launch()
    assert not loop.attempts.busy
    loop.engine.context_length = 4096
    loop.launch()
    loop.to_the_end()
    assert loop.samples()[0].answer == "0"


def test_without_rounds_an_output_goes_back_as_soon_as_it_is_there(start: Start) -> None:
    """As on servers: a slow program delays no other one, and no decode steps are waited for."""
    executor = HeldExecutor()
    loop = start(executor, [program("slow"), ANSWER], [program("quick"), ANSWER], [LONG], steps_per_round=0)
    loop.launch()
    executor.end("quick")
    loop.until(lambda: loop.engine.extensions)
    assert [one.sequence for one in loop.engine.extensions] == [1]
    executor.end("slow")
    loop.to_the_end()
    assert {sample.finish for sample in loop.samples().values()} == {Finish.ANSWERED}
