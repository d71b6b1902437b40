"""What servers without token ids cannot be sent: a control token in a text would be one to them.

A problem that spells one is refused. In the output of a program it is broken by a blank, which the solution shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qmath_cli.engine.remote.engine import RemoteEngine
from qmath_cli.engine.remote.vocabulary import defused
from qmath_cli.errors import UsageError
from qmath_cli.records import Engine, Executor, ModelInfo, Output, Prompt, Protection, Worker


def server_note(info: ModelInfo) -> tuple[str, ...]:
    """What a user of these servers has to know, one sentence each."""
    texts = [one.address for one in info.servers if not one.token_ids]
    if not texts:
        return ()
    return (f"{', '.join(texts)} takes text only: a problem or an output that spells a control token cannot be sent",)


def require_sendable(engine: Engine, prompts: Iterable[tuple[str, Prompt]]) -> None:
    """Raise `UsageError`, with its id, for the first problem that a server cannot be sent."""
    if isinstance(engine, RemoteEngine):
        for name, prompt in prompts:
            try:
                engine.require_sendable(prompt)
            except UsageError as exc:
                raise UsageError(f"problem {name}: {exc.message}", exc.hint) from exc


def executor_for(info: ModelInfo, executor: Executor) -> Executor:
    """The executor whose outputs can be sent to the model."""
    return DefusingExecutor(executor) if any(not one.token_ids for one in info.servers) else executor


@dataclass(frozen=True, slots=True)
class DefusingExecutor:
    """An executor for servers that take text only: a control token in an output is broken by a blank, visibly."""

    executor: Executor

    @property
    def protection(self) -> Protection:
        """As that of the executor."""
        return self.executor.protection

    def open(self) -> Worker:
        """A worker whose outputs spell no control token."""
        return _DefusingWorker(self.executor.open())

    def close(self) -> None:
        """Close all workers."""
        self.executor.close()


@dataclass(frozen=True, slots=True)
class _DefusingWorker:
    worker: Worker

    def run(self, code: str) -> Output:
        output = self.worker.run(code)
        return replace(output, text=defused(output.text))

    def close(self) -> None:
        self.worker.close()
