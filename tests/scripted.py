"""An engine that says what a test wrote down: for situations that a real model cannot be made to produce at will."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qmath_cli.records import Chunk, Output, Prompt, Protection, RunStatus, Sampling, Stop, Usage

#: One stretch: its text, and why it ends.
Stretch = tuple[str, Stop]


@dataclass
class ScriptedEngine:
    """Sequence i says the stretches of `scripts[i]`, one character per step, and then an empty end for ever."""

    scripts: Sequence[Sequence[Stretch]]
    context_length: int = 4096
    turns: int = 1
    extended: dict[int, list[str]] = field(default_factory=dict)
    released: list[int] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)
    _stretches: dict[int, list[Stretch]] = field(default_factory=dict)
    _written: dict[int, int] = field(default_factory=dict)
    _waiting: set[int] = field(default_factory=set)

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        self.prompts.append(prompt)
        first = len(self._stretches) + len(self.released)
        ids = tuple(range(first, first + len(samplings)))
        for i in ids:
            self._stretches[i] = list(self.scripts[i])
            self._written[i] = 0
            self.extended[i] = []
        return ids

    def extend(self, sequence: int, text: str) -> None:
        assert sequence in self._waiting
        self._waiting.discard(sequence)
        self.extended[sequence].append(text)

    def step(self) -> tuple[Chunk, ...]:
        return tuple(self._one(i) for i in list(self._stretches) if i not in self._waiting)

    def _one(self, sequence: int) -> Chunk:
        stretches = self._stretches[sequence]
        if not stretches:
            self._waiting.add(sequence)
            return Chunk(sequence, "", 1, Stop.END)
        text, stop = stretches[0]
        self._written[sequence] += 1
        if len(text) > 1:
            stretches[0] = (text[1:], stop)
            return Chunk(sequence, text[0])
        stretches.pop(0)
        self._waiting.add(sequence)
        return Chunk(sequence, text, 1, stop)

    def release(self, sequence: int) -> None:
        del self._stretches[sequence]
        self._waiting.discard(sequence)
        self.released.append(sequence)

    def usage(self, sequence: int) -> Usage:
        return Usage(10, self._written[sequence], 10)

    def forget(self) -> None: ...


@dataclass
class EchoExecutor:
    """A worker that answers with its own program's text, in capitals, and counts how often it was opened and closed."""

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
