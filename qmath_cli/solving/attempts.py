"""Many attempts at once, over one engine and one executor.

An attempt is a trajectory, the engine's sequence that carries it, and the worker in which its programs run. The engine
decodes for all attempts in one batch. A program runs in a thread meanwhile, and its sequence leaves its share of the
batch to the others. Its output goes back to the model a fixed number of decode steps after the program was written, or
as soon as no other sequence can decode; decoding never goes past that step without it. So the composition of each batch
does not depend on how long programs take, and neither do the rounding of sums and the sampled tokens. Servers promise
no such thing: there an output goes back as soon as it is there, in whatever order.

One sample and a benchmark of thousands use the same loop:

    keys = attempts.launch(...)
    while attempts.busy:
        for key, event in attempts.step(): ...

Not thread-safe: one caller, which also closes. After `close` no sequence, worker or thread is left.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from qmath_cli.completion import Job
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
from qmath_cli.solving.trajectory import Action, Execute, Finished, Generate, Trajectory

Approve = Callable[[str], bool]

_REFUSED = "the user did not allow this program to run"
#: Decode steps of a sequence between a program and its output. Eight steps of a 7B model on a CPU take a second, and
#: most programs end within that.
_OUTPUT_DELAY = 8
_POLL_S = 0.05  # one wait for a program at most: Ctrl-C and time limits are checked between two waits


@dataclass(slots=True, eq=False)
class _Attempt:
    key: int
    index: int  # which of its problem's samples it is
    sequence: int
    trajectory: Trajectory
    earlier: tuple[str, ...] = ()  # programs whose names its own programs may use
    worker: Worker | None = None
    dropped: bool = False

    def run(self, executor: Executor, code: str) -> Output:
        """Run a program; called in a thread. The attempt may have been dropped while its worker started."""
        if self.worker is None:
            self.worker = executor.open()
            for program in self.earlier:
                self.worker.run(program)
        worker = self.worker
        if self.dropped:
            worker.close()
            return Output(_REFUSED, RunStatus.BLOCKED)
        return worker.run(code)


@dataclass(frozen=True, slots=True, eq=False)
class _Program:
    """A submitted program; its output goes back to the model before decode step `due`."""

    attempt: _Attempt
    code: str
    job: Job[Output]
    due: int


@dataclass(slots=True)
class Attempts:
    """The loop's state. `approve`, where given, is called in the caller's thread before a program runs."""

    engine: Engine
    executor: Executor | None
    approve: Approve | None = None
    program_threads: int = 2
    _running: dict[int, _Attempt] = field(default_factory=dict)  # by sequence
    _programs: deque[_Program] = field(default_factory=deque)  # FIFO
    _unapproved: deque[tuple[_Attempt, str]] = field(default_factory=deque)  # programs to be approved, FIFO
    _events: list[tuple[int, Event]] = field(default_factory=list)  # not returned yet
    _steps: int = 0
    _pool: ThreadPoolExecutor = field(init=False)  # runs programs; its threads start with the first one
    _closer: ThreadPoolExecutor = field(init=False)  # ends workers while decoding goes on
    _next_key: int = 0

    def __post_init__(self) -> None:
        threads = self.program_threads if self._paced else max(self.program_threads, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="program")
        self._closer = ThreadPoolExecutor(1, thread_name_prefix="closer")

    @property
    def _paced(self) -> bool:
        """Whether outputs go back at fixed steps, so that a run can be repeated."""
        return self.engine.steps_per_round > 0

    @property
    def busy(self) -> bool:
        """Whether any attempt is unfinished."""
        return bool(self._running)

    @property
    def running(self) -> int:
        """How many attempts are unfinished."""
        return len(self._running)

    def launch(
        self,
        prompt: Prompt,
        samplings: Sequence[Sampling],
        mode: Mode,
        max_programs: int = 4,
        *,
        first: int = 0,
        earlier: tuple[str, ...] = (),
    ) -> tuple[int, ...]:
        """Start one attempt per sampling on one shared prompt.

        Args:
            prompt: what the model is given.
            samplings: one per attempt.
            mode: whether programs run.
            max_programs: programs per attempt.
            first: the index of the first sample.
            earlier: programs that stand in the prompt already; they run again, unseen, before an attempt's first own
                program, so that the names they defined exist.

        Returns:
            The attempts' keys, in the order of `samplings`.

        Raises:
            PromptTooLong: the prompt does not fit into the context.
        """
        sequences = self.engine.start(prompt, samplings)
        keys = []
        for index, sequence in enumerate(sequences, first):
            trajectory = Trajectory(mode, max_programs, prompt.stated, prompt.begun)
            attempt = _Attempt(self._next_key, index, sequence, trajectory, earlier)
            self._running[sequence] = attempt
            self._next_key += 1
            keys.append(attempt.key)
        return tuple(keys)

    def step(self) -> list[tuple[int, Event]]:
        """One decode step, after the outputs that are due; returns nothing while such an output is still missing.

        If an interrupt ends it, `cut` returns its events. A program is approved in the step after its `ProgramStarted`
        was returned, so that it stands on the screen by then.
        """
        while self._unapproved:
            self._approve(*self._unapproved.popleft())
        if not self._paced:
            for program in [one for one in self._programs if one.job.completion.ended]:
                self._feed_back(program)
        while self._paced and self._programs and self._programs[0].due <= self._steps:
            if not self._ended(self._programs[0]):
                return self._take_events()
            self._feed_back(self._programs[0])
        chunks = self.engine.step()
        self._steps += bool(chunks)  # a step in which nothing was decoded does not count
        for chunk in chunks:
            self._receive(self._running[chunk.sequence], chunk)
        if not chunks and self._programs and self._ended(self._programs[0]):
            self._feed_back(self._programs[0])
        return self._take_events()

    def cut(self, finish: Finish, keys: Sequence[int] | None = None) -> list[tuple[int, Event]]:
        """End attempts (all, or those with these keys) from outside; their text so far is kept."""
        wanted = [a for a in self._running.values() if keys is None or a.key in keys]
        for attempt in wanted:
            self._finish(attempt, attempt.trajectory.cut(finish))
        return self._take_events(keys)

    def close(self) -> None:
        """Release every sequence and end every worker and thread."""
        for attempt in list(self._running.values()):
            self._drop(attempt)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._closer.shutdown(wait=True)
        self._programs.clear()

    def _take_events(self, keys: Sequence[int] | None = None) -> list[tuple[int, Event]]:
        """The events of all attempts, or of those with these keys, that have not been returned yet."""
        taken = [one for one in self._events if keys is None or one[0] in keys]
        self._events = [one for one in self._events if keys is not None and one[0] not in keys]
        return taken

    # -- one attempt

    def _receive(self, attempt: _Attempt, chunk: Chunk) -> None:
        if chunk.text:
            attempt.trajectory.feed(chunk.text)
            self._events.append((attempt.key, TextDelta(attempt.index, chunk.text, max(chunk.tokens, 1))))
        if chunk.stop is not None:
            self._act(attempt, attempt.trajectory.stopped(chunk.stop))

    def _act(self, attempt: _Attempt, action: Action) -> None:
        match action:
            case Generate(append):
                self.engine.extend(attempt.sequence, append)
            case Execute(code):
                if self.approve is None:
                    self._submit(attempt, code)
                else:
                    self._unapproved.append((attempt, code))
                self._events.append((attempt.key, ProgramStarted(attempt.index, code)))
            case Finished() as end:
                self._finish(attempt, end)

    def _approve(self, attempt: _Attempt, code: str) -> None:
        self._submit(attempt, code, allowed=self.approve is None or self.approve(code))

    def _submit(self, attempt: _Attempt, code: str, *, allowed: bool = True) -> None:
        if self.executor is None or not allowed:
            job = Job(lambda: Output(_REFUSED, RunStatus.BLOCKED, 0.0, _REFUSED))
            job.run()
        else:
            job = Job(partial(attempt.run, self.executor, code))
            self._pool.submit(job.run)
        due = self._steps + _OUTPUT_DELAY * self.engine.steps_per_round
        self._programs.append(_Program(attempt, code, job, due))

    def _ended(self, program: _Program) -> bool:
        """Whether it has ended, or ends within `_POLL_S`."""
        return program.job.completion.wait_for(_POLL_S)

    def _feed_back(self, program: _Program) -> None:
        """Feed a program's output back to its attempt."""
        self._programs.remove(program)
        attempt = program.attempt
        run = ProgramRun(program.code, program.job.result())
        self._events.append((attempt.key, ProgramFinished(attempt.index, run)))
        self._act(attempt, attempt.trajectory.executed(run))

    def _finish(self, attempt: _Attempt, end: Finished) -> None:
        sample = Sample(
            text=attempt.trajectory.text,
            answer=end.answer,
            finish=end.finish,
            runs=tuple(attempt.trajectory.runs),
            usage=self.engine.usage(attempt.sequence),
            index=attempt.index,
            unrun_programs=attempt.trajectory.unrun_programs,
        )
        self._drop(attempt)
        self._events.append((attempt.key, SampleFinished(sample)))

    def _drop(self, attempt: _Attempt) -> None:
        del self._running[attempt.sequence]
        self.engine.release(attempt.sequence)
        attempt.dropped = True
        runs = any(program.attempt is attempt for program in self._programs)
        self._programs = deque(program for program in self._programs if program.attempt is not attempt)
        self._unapproved = deque(asked for asked in self._unapproved if asked[0] is not attempt)
        if attempt.worker is None:
            return
        if runs:
            attempt.worker.close()  # and with it the program that runs in it
        else:
            self._closer.submit(attempt.worker.close)
