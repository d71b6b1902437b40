"""An engine that decodes what a test wrote down, and executors to go with it.

For situations that a real model cannot be made to produce. The engine follows the protocol of `records.Engine`: it
decodes one character per step and sequence, ends a stretch of text at a stop string of its prompt, refuses a prompt
that is too long, and raises for a sequence that is not its own.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from qmath_cli.errors import ExecutorUnusable, PromptTooLong
from qmath_cli.records import Chunk, Output, Prompt, Protection, RunStatus, Sampling, Stop, Usage

#: A stretch of decoding: its text, and why it ends.
Stretch = tuple[str, Stop]
Script = Sequence[Stretch]

TIMEOUT_S = 60.0  # of every wait: a hang fails, slowness does not


class Extension(NamedTuple):
    """Text that was appended to a sequence."""

    step: int  # how many steps the engine had computed
    sequence: int
    text: str


@dataclass
class ScriptedEngine:
    """Decodes scripts, and records what is done to it.

    Attributes:
        scripts: One per sequence, in the order in which sequences start; or, by the prompt's text, one per seed. A
            sequence whose script has ended stops with an empty text.
        context_length: Tokens; a prompt of as many characters or more is refused.
        steps_per_round: As in `records.Engine`.
        steps: How many steps have decoded anything.
        most: The largest number of unreleased sequences so far.
    """

    scripts: Sequence[Script] | Mapping[str, Sequence[Script]]
    context_length: int = 4096
    steps_per_round: int = 1
    steps: int = 0
    most: int = 0
    extensions: list[Extension] = field(default_factory=list)
    released: list[int] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)  # of every start, in order
    _started: int = 0
    _stretches: dict[int, list[Stretch]] = field(default_factory=dict)
    _stops: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _position: dict[int, int] = field(default_factory=dict)  # in the first stretch
    _written: dict[int, int] = field(default_factory=dict)
    _stopped: set[int] = field(default_factory=set)

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        if len(prompt.text) >= self.context_length:
            raise PromptTooLong(f"the problem is {len(prompt.text)} tokens long")
        self.prompts.append(prompt)
        sequences = tuple(range(self._started, self._started + len(samplings)))
        self._started += len(samplings)
        for sequence, sampling in zip(sequences, samplings, strict=True):
            self._stretches[sequence] = list(self._script(sequence, prompt, sampling))
            self._stops[sequence] = prompt.stops
            self._position[sequence] = self._written[sequence] = 0
        self.most = max(self.most, len(self._stretches))
        return sequences

    def _script(self, sequence: int, prompt: Prompt, sampling: Sampling) -> Script:
        if isinstance(self.scripts, Mapping):
            return self.scripts[prompt.text][sampling.seed]
        return self.scripts[sequence]

    def extend(self, sequence: int, text: str) -> None:
        if sequence not in self._stopped:
            raise ValueError(f"sequence {sequence} has not stopped")
        self._stopped.discard(sequence)
        self.extensions.append(Extension(self.steps, sequence, text))

    def extended(self, sequence: int) -> list[str]:
        """The texts that were appended to a sequence."""
        return [one.text for one in self.extensions if one.sequence == sequence]

    def step(self) -> tuple[Chunk, ...]:
        chunks = tuple(self._decode(one) for one in list(self._stretches) if one not in self._stopped)
        self.steps += bool(chunks)
        return chunks

    def _decode(self, sequence: int) -> Chunk:
        stretches = self._stretches[sequence]
        if not stretches:
            self._stopped.add(sequence)
            return Chunk(sequence, "", 1, Stop.END)
        text, stop = stretches[0]
        here = self._position[sequence]
        self._written[sequence] += 1
        self._position[sequence] += 1
        at_a_stop = any(text.startswith(one, here + 1) for one in self._stops[sequence])
        if not at_a_stop and here + 1 < len(text):
            return Chunk(sequence, text[here])
        stretches.pop(0)
        self._position[sequence] = 0
        self._stopped.add(sequence)
        return Chunk(sequence, text[here : here + 1], 1, Stop.STRING if at_a_stop else stop)

    def release(self, sequence: int) -> None:
        del self._stretches[sequence], self._written[sequence]
        self._stopped.discard(sequence)
        self.released.append(sequence)

    def usage(self, sequence: int) -> Usage:
        return Usage(10, self._written[sequence], 10)

    def clear_prefix_cache(self) -> None: ...


@dataclass
class EchoExecutor:
    """Its worker returns each program's text in capitals; it counts how often one is opened and closed."""

    opened: int = 0
    closed: int = 0
    ran: list[str] = field(default_factory=list)
    protection: Protection = Protection.FULL

    def open(self) -> EchoExecutor:
        self.opened += 1
        return self

    def run(self, code: str) -> Output:
        self.ran.append(code)
        return Output(code.upper(), RunStatus.OK, 0.0)

    def close(self) -> None:
        self.closed += 1


class HeldExecutor:
    """Its programs end when the test calls `end`; after `hold_workers`, `open` waits for `release_workers`.

    A program that was ended before it started ends at once. `ran` holds the programs in the order of their starts,
    `workers` every worker that was opened.
    """

    protection = Protection.FULL

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.workers: list[HeldWorker] = []
        self.opening = threading.Event()  # set by `open`
        self._ready = threading.Event()
        self._ready.set()
        self._changed = threading.Condition()
        self._ended: set[str] = set()

    def hold_workers(self) -> None:
        """Let `open` wait until `release_workers`; `opening` is set once one waits."""
        self.opening.clear()
        self._ready.clear()

    def release_workers(self) -> None:
        self._ready.set()

    def open(self) -> HeldWorker:
        self.opening.set()
        if not self._ready.wait(TIMEOUT_S):
            raise ExecutorUnusable("the test did not release the workers")
        worker = HeldWorker(self)
        self.workers.append(worker)
        return worker

    def close(self) -> None: ...

    def end(self, *programs: str) -> None:
        """Let these programs end."""
        with self._changed:
            self._ended.update(programs)
            self._changed.notify_all()

    def started(self, program: str) -> None:
        """Wait until a program runs."""
        with self._changed:
            assert self._changed.wait_for(lambda: program in self.ran, TIMEOUT_S), f"{program!r} did not start"

    def run(self, worker: HeldWorker, program: str) -> Output:
        """Run a program until it is ended or its worker is closed."""
        with self._changed:
            self.ran.append(program)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: program in self._ended or worker.closed, TIMEOUT_S)
            status = RunStatus.OK if program in self._ended else RunStatus.ERROR
        return Output(program.upper(), status, 0.0)

    def closed(self, worker: HeldWorker) -> None:
        with self._changed:
            worker.closed = True
            self._changed.notify_all()


@dataclass
class HeldWorker:
    """A worker of it."""

    executor: HeldExecutor
    closed: bool = False

    def run(self, code: str) -> Output:
        return self.executor.run(self, code)

    def close(self) -> None:
        self.executor.closed(self)
