"""`qmath` with one thing that does not end, so that a signal certainly arrives in the middle of it; all else is real.

    python slow.py load|prefill|decode|program FOLDER [arguments of `qmath`]

Each time the thing starts, a line is appended to FOLDER/started. It ends at an interrupt, or once FOLDER/go exists; a
program, which runs in a real worker, ends only with its worker, and is not slow any more once FOLDER/go exists.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qmath_cli import app
from qmath_cli.records import Chunk, Engine, Executor, Output, Prompt, Protection, Sampling, Usage, Worker
from qmath_cli.runtime import tools as runtime
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.terminal.repl import loop

_TOKENS = 5  # that are decoded before a slow decode
_LONGEST_S = 600.0


@dataclass(frozen=True)
class Pause:
    """What is slow, and the folder in which the test sees and ends it."""

    what: str
    folder: Path

    @property
    def over(self) -> bool:
        return (self.folder / "go").exists()

    def record_start(self) -> None:
        with (self.folder / "started").open("a", encoding="utf-8") as file:
            file.write(f"{self.what}\n")

    def wait(self) -> None:
        if self.over:
            return
        self.record_start()
        deadline = time.monotonic() + _LONGEST_S
        while not self.over and time.monotonic() < deadline:
            time.sleep(0.02)


class SlowEngine:
    """The real engine, with a pause before the first step of a prompt, or after some of its tokens."""

    def __init__(self, engine: Engine, pause: Pause) -> None:
        self._engine = engine
        self._pause = pause
        self._steps = 0  # since the latest start

    @property
    def context_length(self) -> int:
        return self._engine.context_length

    @property
    def steps_per_round(self) -> int:
        return self._engine.steps_per_round

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        self._steps = 0
        return self._engine.start(prompt, samplings)

    def extend(self, sequence: int, text: str) -> None:
        self._engine.extend(sequence, text)

    def step(self) -> tuple[Chunk, ...]:
        if (self._pause.what, self._steps) in {("prefill", 0), ("decode", _TOKENS)}:
            self._pause.wait()
        self._steps += 1
        return self._engine.step()

    def release(self, sequence: int) -> None:
        self._engine.release(sequence)

    def usage(self, sequence: int) -> Usage:
        return self._engine.usage(sequence)

    def clear_prefix_cache(self) -> None:
        self._engine.clear_prefix_cache()


class SlowExecutor:
    """The real executor, whose programs run for ever first."""

    def __init__(self, executor: Executor, pause: Pause) -> None:
        self._executor = executor
        self._pause = pause

    @property
    def protection(self) -> Protection:
        return self._executor.protection

    def open(self) -> Worker:
        return SlowWorker(self._executor.open(), self._pause)

    def close(self) -> None:
        self._executor.close()


class SlowWorker:
    """A worker of it."""

    def __init__(self, worker: Worker, pause: Pause) -> None:
        self._worker = worker
        self._pause = pause

    def run(self, code: str) -> Output:
        if self._pause.over:
            return self._worker.run(code)
        self._pause.record_start()
        return self._worker.run(f"while True:\n    pass\n{code}")

    def close(self) -> None:
        self._worker.close()


def slowly(open_tools: Callable[..., AbstractContextManager[OpenTools]], pause: Pause) -> Callable[..., Any]:
    """`open_tools`, with one thing slow in it."""

    @contextmanager
    def open_(*args: object, **options: object) -> Iterator[OpenTools]:
        if pause.what == "load":
            pause.wait()
        with open_tools(*args, **options) as opened:
            tools = replace(opened.tools, engine=SlowEngine(opened.tools.engine, pause))
            if pause.what == "program" and tools.executor is not None:
                tools = replace(tools, executor=SlowExecutor(tools.executor, pause))
            yield replace(opened, tools=tools)

    return open_


def main() -> int:
    """Run a command of `qmath`."""
    what, folder, *arguments = sys.argv[1:]
    pause = Pause(what, Path(folder))
    for module in (runtime, loop):  # `solve` takes it from the first when it runs
        module.open_tools = slowly(module.open_tools, pause)  # type: ignore[attr-defined]
    return app.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
