"""`qmath repl` with everything real and something slow, so that a test can press Ctrl-C in the middle of it.

python slow.py load|prefill|decode|program [arguments of `qmath repl`]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from qmath_cli import app
from qmath_cli.commands import repl
from qmath_cli.commands.invocation import Invocation
from qmath_cli.records import Chunk, Engine, Executor, Output, Prompt, Protection, Sampling, Usage, Worker
from qmath_cli.settings import Settings
from qmath_cli.terminal.repl.background import Ready
from qmath_cli.terminal.repl.conversation import Hooks

_SLOW = sys.argv[1]
_LONG = 30.0  # seconds: nobody waits for it


class SlowEngine:
    """The real engine, stopping to think before the first token or after every one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._first = True
        self.context_length = engine.context_length
        self.steps_per_round = engine.steps_per_round

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        self._first = True
        return self._engine.start(prompt, samplings)

    def extend(self, sequence: int, text: str) -> None:
        self._engine.extend(sequence, text)

    def step(self) -> tuple[Chunk, ...]:
        if _SLOW == "decode" or (_SLOW == "prefill" and self._first):
            time.sleep(_LONG if _SLOW == "prefill" else 0.3)
        self._first = False
        return self._engine.step()

    def release(self, sequence: int) -> None:
        self._engine.release(sequence)

    def usage(self, sequence: int) -> Usage:
        return self._engine.usage(sequence)

    def clear_prefix_cache(self) -> None:
        self._engine.clear_prefix_cache()


class SlowExecutor:
    """The real executor, whose programs sleep first."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def protection(self) -> Protection:
        return self._executor.protection

    def open(self) -> Worker:
        return SlowWorker(self._executor.open())

    def close(self) -> None:
        self._executor.close()


class SlowWorker:
    """A worker of it."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def run(self, code: str) -> Output:
        return self._worker.run(f"import time\ntime.sleep(8)\n{code}")

    def close(self) -> None:
        self._worker.close()


def slowly(hooks: Hooks) -> Hooks:
    """The hooks, with one thing slow in what they open; the first one only, so that a retry is quick."""
    turns = iter([True])

    @contextmanager
    def open_(settings: Settings) -> Iterator[Ready]:
        if _SLOW == "load" and next(turns, False):
            time.sleep(4)
        with hooks.open(settings) as ready:
            tools = replace(ready.tools, engine=SlowEngine(ready.tools.engine))
            if _SLOW == "program" and ready.tools.executor is not None:
                tools = replace(tools, executor=SlowExecutor(ready.tools.executor))
            yield replace(ready, tools=tools)

    return replace(hooks, open=open_)


def main() -> int:
    """Run the REPL as the command does."""
    real = repl._hooks

    def hooks_of(here: Invocation, *, force: bool) -> Hooks:
        return slowly(real(here, force=force))

    repl._hooks = hooks_of
    return app.run(["repl", *sys.argv[2:]])


if __name__ == "__main__":
    os.environ["PYTHONUNBUFFERED"] = "1"
    sys.exit(main())
