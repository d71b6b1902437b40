"""The three pipes between qmath and a worker, and two ways of waiting on them: POSIX's and Windows'."""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import sys
import threading
from dataclasses import dataclass
from typing import Protocol

PIECE = 1 << 16
_SETTLE = 0.02  # seconds in which a pumping thread hands over what it has already read


@dataclass(frozen=True, slots=True)
class Ends:
    """One side's descriptors: requests go to the worker, output and results come from it."""

    requests: int
    output: int
    results: int

    def close(self) -> None:
        """Close all three; one that is closed already is no matter."""
        for descriptor in (self.requests, self.output, self.results):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def make_pipes() -> tuple[Ends, Ends]:
    """Our ends and the worker's; none is inherited unless it is handed over by name."""
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    ours_res, theirs_res = os.pipe()
    return Ends(ours_in, ours_out, ours_res), Ends(theirs_in, theirs_out, theirs_res)


class Port(Protocol):
    """Non-blocking reads and writes on a worker's pipes; one implementation per way of waiting."""

    def send(self, data: bytes) -> int:
        """Write what fits now; the number of bytes taken. Raises `OSError` when the worker is gone."""
        ...

    def receive(self, timeout: float, *, sending: bool) -> list[tuple[str, bytes]]:
        """What arrived on "output" and "results" within the time; empty bytes for an end."""
        ...

    def close(self) -> None:
        """Close our ends."""
        ...


class SelectPort:
    """Waits with select/epoll/kqueue: POSIX."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._selector = selectors.DefaultSelector()
        self._writing = False
        for descriptor in (ends.requests, ends.output, ends.results):
            os.set_blocking(descriptor, False)
        self._selector.register(ends.output, selectors.EVENT_READ, "output")
        self._selector.register(ends.results, selectors.EVENT_READ, "results")

    def send(self, data: bytes) -> int:
        """Write what fits into the pipe now."""
        try:
            return os.write(self._ends.requests, data)
        except BlockingIOError:
            return 0

    def receive(self, timeout: float, *, sending: bool) -> list[tuple[str, bytes]]:
        """Wait for output, results, or room to write."""
        self._watch_requests(sending)
        found = []
        for key, _mask in self._selector.select(timeout):
            if key.data != "requests":
                piece = os.read(key.fd, PIECE)
                if not piece:
                    self._selector.unregister(key.fd)
                found.append((key.data, piece))
        return found

    def _watch_requests(self, sending: bool) -> None:
        if sending and not self._writing:
            self._selector.register(self._ends.requests, selectors.EVENT_WRITE, "requests")
        elif self._writing and not sending:
            self._selector.unregister(self._ends.requests)
        self._writing = sending

    def close(self) -> None:
        """Close our ends."""
        self._selector.close()
        self._ends.close()


class ThreadPort:
    """Waits with a thread for each stream: where pipes cannot be selected (Windows)."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._arrived: queue.Queue[tuple[str, bytes]] = queue.Queue(maxsize=64)
        self._closed = threading.Event()
        for name, descriptor in (("output", ends.output), ("results", ends.results)):
            threading.Thread(target=self._pump, args=(name, descriptor), daemon=True).start()

    def _pump(self, name: str, descriptor: int) -> None:
        piece = b"-"
        while piece and not self._closed.is_set():
            try:
                piece = os.read(descriptor, PIECE)
            except OSError:
                piece = b""
            self._put(name, piece)

    def _put(self, name: str, piece: bytes) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._arrived.put((name, piece), timeout=0.1)
                return

    def send(self, data: bytes) -> int:
        """Write a pipeful; a worker that waits for a request reads it at once."""
        return os.write(self._ends.requests, data[:4096])

    def receive(self, timeout: float, *, sending: bool) -> list[tuple[str, bytes]]:
        """Wait for output or results; not at all while there is something to send."""
        try:
            return [self._arrived.get(timeout=0.0001 if sending else max(timeout, _SETTLE))]
        except queue.Empty:
            return []

    def close(self) -> None:
        """Close our ends; the threads end with the worker."""
        self._closed.set()
        self._ends.close()


def open_port(ends: Ends) -> Port:
    """The way of waiting that works on this system."""
    return ThreadPort(ends) if sys.platform == "win32" else SelectPort(ends)
