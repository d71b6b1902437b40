"""An event loop in a thread of its own, for callers that are not asynchronous, or have a loop that runs already.

A notebook has one, in which `asyncio.run` is refused. An exception in the caller's thread, such as Ctrl-C, cancels the
work it waits for, and so closes its connections.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from qmath_cli.completion import Completion

T = TypeVar("T")


class LoopThread:
    """A running loop. Close it, or use it as a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine. Raises what it raises."""
        ended = Completion()
        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        future.add_done_callback(lambda _future: ended.set())
        try:
            ended.wait()
        except BaseException:  # Ctrl-C too; raised again
            future.cancel()
            raise
        return future.result()

    def cancel_all(self) -> None:
        """Cancel everything that runs, and wait until it has ended."""
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result()

    def close(self) -> None:
        """Cancel what still runs, and end the thread. Can be called twice."""
        if self._loop.is_closed():
            return
        self.cancel_all()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
