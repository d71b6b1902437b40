"""The slots of a scripted server, and how long they are in use."""

from __future__ import annotations

import asyncio

from tests.engine.remote.counters import Counters


class Slots:
    """The server's slots: who gets none waits in FIFO order."""

    def __init__(self, slots: int, counters: Counters) -> None:
        self._counters = counters
        self._free = asyncio.Semaphore(slots)
        self._changed = asyncio.get_running_loop().time()

    def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        self._counters.slot_s += self._counters.running * (now - self._changed)
        self._changed = now

    async def __aenter__(self) -> None:
        counters = self._counters
        counters.waiting += 1
        counters.peak = max(counters.peak, counters.running + counters.waiting)
        try:
            await self._free.acquire()
        finally:
            counters.waiting -= 1
        self._tick()
        counters.running += 1
        counters.peak_running = max(counters.peak_running, counters.running)

    async def __aexit__(self, *_exc: object) -> None:
        self._tick()
        self._counters.running -= 1
        self._free.release()
