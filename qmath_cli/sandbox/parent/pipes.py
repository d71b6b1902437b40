"""The three pipes between qmath and a worker, and the two ways of waiting on them: select and threads."""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import sys
import threading
from dataclasses import dataclass
from typing import Protocol

READ_BYTES = 1 << 16  # bytes per read or write
_PIPE_WRITE_BYTES = 4096  # a blocking write of this size does not fill a pipe that the worker is reading
_MIN_WAIT_S = 0.02  # lets a reading thread hand over what it has already read
_SEND_WAIT_S = 0.0001  # while there is more to send
_QUEUE_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class PipeEnds:
    """One side's descriptors: requests go to the worker, output and results come from it."""

    requests: int
    output: int
    results: int

    def close(self) -> None:
        """Close all three; those that are already closed are skipped."""
        for descriptor in (self.requests, self.output, self.results):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def make_pipes() -> tuple[PipeEnds, PipeEnds]:
    """The parent's ends and the worker's ends; a child inherits none unless it is passed explicitly."""
    worker_requests, requests = os.pipe()
    output, worker_output = os.pipe()
    results, worker_results = os.pipe()
    return PipeEnds(requests, output, results), PipeEnds(worker_requests, worker_output, worker_results)


class Transport(Protocol):
    """Reads and writes on a worker's pipes that do not block; one implementation per way of waiting."""

    def send(self, data: bytes) -> int:
        """Write what fits now; return the number of bytes taken. Raises `OSError` when the worker has exited."""
        ...

    def receive(self, timeout: float, *, sending: bool) -> list[tuple[str, bytes]]:
        """Wait up to `timeout` seconds for data.

        Args:
            timeout: Seconds.
            sending: Whether to return as soon as there is room to write.

        Returns:
            Pairs of "output" or "results" and the bytes read; empty bytes mark the end of that pipe.
        """
        ...

    def close(self) -> None:
        """Close the parent's ends."""
        ...


class SelectTransport:
    """Waits with select, epoll or kqueue (POSIX)."""

    def __init__(self, ends: PipeEnds) -> None:
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
                data = os.read(key.fd, READ_BYTES)
                if not data:
                    self._selector.unregister(key.fd)
                found.append((key.data, data))
        return found

    def _watch_requests(self, sending: bool) -> None:
        if sending and not self._writing:
            self._selector.register(self._ends.requests, selectors.EVENT_WRITE, "requests")
        elif self._writing and not sending:
            self._selector.unregister(self._ends.requests)
        self._writing = sending

    def close(self) -> None:
        """Close the parent's ends."""
        self._selector.close()
        self._ends.close()


class ThreadTransport:
    """Waits with one thread per stream, where pipes cannot be selected (Windows)."""

    def __init__(self, ends: PipeEnds) -> None:
        self._ends = ends
        self._arrived: queue.Queue[tuple[str, bytes]] = queue.Queue(maxsize=64)
        self._closed = threading.Event()
        for name, descriptor in (("output", ends.output), ("results", ends.results)):
            threading.Thread(target=self._read_all, args=(name, descriptor), daemon=True).start()

    def _read_all(self, name: str, descriptor: int) -> None:
        data = b"-"
        while data and not self._closed.is_set():
            try:
                data = os.read(descriptor, READ_BYTES)
            except OSError:
                data = b""
            self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._arrived.put((name, data), timeout=_QUEUE_WAIT_S)
                return

    def send(self, data: bytes) -> int:
        """Write a small piece; a worker that waits for a request reads it immediately."""
        return os.write(self._ends.requests, data[:_PIPE_WRITE_BYTES])

    def receive(self, timeout: float, *, sending: bool) -> list[tuple[str, bytes]]:
        """Wait for output or results; return almost immediately while there is something to send."""
        try:
            return [self._arrived.get(timeout=_SEND_WAIT_S if sending else max(timeout, _MIN_WAIT_S))]
        except queue.Empty:
            return []

    def close(self) -> None:
        """Close the parent's ends; the threads end when the worker exits."""
        self._closed.set()
        self._ends.close()


def open_transport(ends: PipeEnds) -> Transport:
    """The transport that works on this system."""
    return ThreadTransport(ends) if sys.platform == "win32" else SelectTransport(ends)
