"""Many attempts at once, over one engine and one executor.

An attempt is a trajectory, the engine's sequence that carries it, and the worker in which its programs run. The engine
decodes for all of them in one batch; a program runs in a thread beside it, so that a sequence that waits for its output
leaves its share of the batch to the others. One sample and a benchmark of thousands are the same loop:

    keys = attempts.launch(...)
    while attempts.busy:
        for key, event in attempts.step(): ...

Not thread-safe: one caller, who also closes. After `close` no sequence, worker or thread of it is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from qmath_cli.records import (
    Chunk,
    Engine,
    Event,
    Executor,
    Finish,
    Mode,
    Output,
    ProgramFinished,
    ProgramRun,
    ProgramStarted,
    Prompt,
    RunStatus,
    Sample,
    SampleFinished,
    Sampling,
    TextDelta,
    Worker,
)
from qmath_cli.trajectory import Action, Execute, Finished, Generate, Trajectory

Approve = Callable[[str], bool]

_REFUSED = "the user did not allow this program to run"
_PATIENCE = 0.05  # seconds between looks at the clock while only programs run, so that Ctrl-C and limits are seen


@dataclass(slots=True, eq=False)
class _Attempt:
    key: int
    index: int  # which of its problem's samples it is
    sequence: int
    trajectory: Trajectory
    worker: Worker | None = None
    dropped: bool = False
    asked: float = 0.0  # when its program was submitted

    def run(self, executor: Executor, code: str) -> Output:
        """Run a program, in a thread: a worker may take its time to open, and nobody may want it by then."""
        worker = self.worker = self.worker or executor.open()
        if self.dropped:
            worker.close()
            return Output(_REFUSED, RunStatus.BLOCKED)
        return worker.run(code)


@dataclass(slots=True)
class Attempts:
    """The loop's state; `approve`, where given, is asked in the caller's thread before any program runs.

    A program that ends within `grace` seconds is fed back before the next decode step. Batches are then the same from
    run to run, however long programs take, and so are their roundings and the sampled texts.
    """

    engine: Engine
    executor: Executor | None
    approve: Approve | None = None
    program_threads: int = 2
    grace: float = 0.0
    _running: dict[int, _Attempt] = field(default_factory=dict)  # by sequence
    _programs: dict[Future[Output], _Attempt] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(init=False)  # runs programs; its threads start with the first of them
    _closer: ThreadPoolExecutor = field(init=False)  # ends workers beside the decoding
    _next_key: int = 0

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.program_threads, thread_name_prefix="program")
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="closer")

    @property
    def busy(self) -> bool:
        """Whether any attempt is unfinished."""
        return bool(self._running)

    def launch(
        self, prompt: Prompt, samplings: Sequence[Sampling], mode: Mode, max_programs: int = 4
    ) -> tuple[int, ...]:
        """Start one attempt per sampling on one shared prompt; returns their keys. Raises `PromptTooLong`."""
        sequences = self.engine.start(prompt, samplings)
        keys = []
        for index, sequence in enumerate(sequences):
            attempt = _Attempt(self._next_key, index, sequence, Trajectory(mode, max_programs, prompt.stated))
            self._running[sequence] = attempt
            self._next_key += 1
            keys.append(attempt.key)
        return tuple(keys)

    def step(self) -> list[tuple[int, Event]]:
        """One decode step, and whatever programs have finished meanwhile; waits briefly where only programs run."""
        self._wait_for_the_young()
        events = self._collect(block=False)
        chunks = self.engine.step()
        for chunk in chunks:
            events += self._hear(self._running[chunk.sequence], chunk)
        if not chunks and not events and self._programs:
            events = self._collect(block=True)
        return events

    def cut(self, finish: Finish, keys: Sequence[int] | None = None) -> list[tuple[int, Event]]:
        """End attempts (all, or those with these keys) from outside; what they said so far is kept."""
        wanted = [a for a in self._running.values() if keys is None or a.key in keys]
        events = []
        for attempt in wanted:
            attempt.trajectory.cut(finish)
            events += self._finish(attempt)
        return events

    def close(self) -> None:
        """Release every sequence and end every worker and thread."""
        for attempt in list(self._running.values()):
            self._drop(attempt)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._closer.shutdown(wait=True)
        self._programs.clear()

    # -- one attempt

    def _hear(self, attempt: _Attempt, chunk: Chunk) -> list[tuple[int, Event]]:
        events: list[tuple[int, Event]] = []
        if chunk.text:
            attempt.trajectory.feed(chunk.text)
            events.append((attempt.key, TextDelta(attempt.index, chunk.text)))
        if chunk.stop is not None:
            events += self._act(attempt, attempt.trajectory.stopped(chunk.stop))
        return events

    def _act(self, attempt: _Attempt, action: Action) -> list[tuple[int, Event]]:
        match action:
            case Generate(append):
                self.engine.extend(attempt.sequence, append)
                return []
            case Execute(code):
                self._submit(attempt, code)
                return [(attempt.key, ProgramStarted(attempt.index, code))]
            case Finished():
                return self._finish(attempt)

    def _submit(self, attempt: _Attempt, code: str) -> None:
        if self.executor is None or (self.approve is not None and not self.approve(code)):
            future: Future[Output] = Future()
            future.set_result(Output(_REFUSED, RunStatus.BLOCKED, 0.0, _REFUSED))
        else:
            future = self._pool.submit(attempt.run, self.executor, code)
        attempt.asked = time.perf_counter()
        self._programs[future] = attempt

    def _wait_for_the_young(self) -> None:
        """Wait for programs that are still in their time of grace."""
        if self.grace and self._programs:
            now = time.perf_counter()
            left = {future: attempt.asked + self.grace - now for future, attempt in self._programs.items()}
            young = [future for future, seconds in left.items() if seconds > 0]
            if young:
                wait(young, timeout=max(left.values()))

    def _collect(self, *, block: bool) -> list[tuple[int, Event]]:
        """Feed back the programs that have ended."""
        if not self._programs:
            return []
        done, _ = wait(self._programs, timeout=_PATIENCE if block else 0, return_when=FIRST_COMPLETED)
        events: list[tuple[int, Event]] = []
        for future in sorted(done, key=lambda f: self._programs[f].key):
            attempt = self._programs.pop(future)
            if attempt.sequence not in self._running:
                continue  # it was cut while its program ran
            action = attempt.trajectory.action
            assert isinstance(action, Execute)
            run = ProgramRun(action.code, future.result())
            events.append((attempt.key, ProgramFinished(attempt.index, run)))
            events += self._act(attempt, attempt.trajectory.executed(run))
        return events

    def _finish(self, attempt: _Attempt) -> list[tuple[int, Event]]:
        action = attempt.trajectory.action
        assert isinstance(action, Finished)
        sample = Sample(
            text=attempt.trajectory.text,
            answer=action.answer,
            finish=action.finish,
            runs=tuple(attempt.trajectory.runs),
            usage=self.engine.usage(attempt.sequence),
            index=attempt.index,
        )
        self._drop(attempt)
        return [(attempt.key, SampleFinished(sample))]

    def _drop(self, attempt: _Attempt) -> None:
        del self._running[attempt.sequence]
        self.engine.release(attempt.sequence)
        attempt.dropped = True
        if attempt.worker is None:
            return
        if attempt in self._programs.values():
            attempt.worker.close()  # ends the program that runs in it
        else:
            self._closer.submit(attempt.worker.close)
