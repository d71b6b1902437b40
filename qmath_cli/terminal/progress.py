"""Progress of an operation that is measured in bytes, on stderr.

On a terminal it is the status line; elsewhere it is one line per stage.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from qmath_cli.terminal.output import Terminal, clean

_UNIT = 1024
_BAR = 20  # columns
_WINDOW_S = 10.0  # over which the speed is averaged
_SAMPLE_S = 0.2  # least time between two measurements of it


class ByteProgress:
    """The progress of one operation; `byte_progress` makes it. `update` may be called for every block."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._stage = ""
        self._done = self._total = 0
        self._detail = ""
        self._still: Callable[[], str] | None = None
        self._measured: deque[tuple[float, int]] = deque()

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Report `done` of `total` bytes of `stage`, with a detail such as a file name. A new stage gets a new line."""
        if stage != self._stage:
            self._begin(stage)
        self._done, self._total, self._detail = done, total, detail
        now = time.monotonic()
        if not self._measured or now - self._measured[-1][0] >= _SAMPLE_S:
            self._measured.append((now, done))
            while now - self._measured[0][0] > _WINDOW_S:
                self._measured.popleft()

    @contextmanager
    def standing_still(self, why: Callable[[], str]) -> Iterator[None]:
        """Show why nothing moves during the block."""
        self._still = why
        try:
            yield
        finally:
            self._still = None

    def text(self) -> str:
        """`converting  ████····  40 %  1.2/3.1 GiB  98.1 MiB/s  20 s left  model.safetensors`."""
        if not self._stage:
            return self._still() if self._still is not None else ""
        share = min(self._done / self._total, 1.0) if self._total else 0.0
        full = round(share * _BAR)
        parts = [clean(self._stage), "█" * full + "·" * (_BAR - full), f"{share:.0%}", _sizes(self._done, self._total)]
        still = self._still
        parts += [still()] if still is not None else self._speed()
        return "  ".join(filter(None, [*parts, clean(self._detail)]))

    def _speed(self) -> list[str]:
        """The speed, and the time that is left at it."""
        measured = tuple(self._measured)
        if not measured or (elapsed := time.monotonic() - measured[0][0]) < _SAMPLE_S:
            return []
        speed = (self._done - measured[0][1]) / elapsed
        if speed <= 0:
            return []
        return [f"{_size(speed)}/s", f"{minutes((self._total - self._done) / speed)} left"]

    def _begin(self, stage: str) -> None:
        self._stage = stage
        self._measured.clear()
        if not self._terminal.status.shown:
            self._terminal.note(stage)


@contextmanager
def byte_progress(terminal: Terminal) -> Iterator[ByteProgress]:
    """Show progress while the block runs: on the status line of a terminal, otherwise one line per stage."""
    progress = ByteProgress(terminal)
    with terminal.status.during(progress.text):
        yield progress


def minutes(seconds: float) -> str:
    """`45 s`, or `12 min 05 s`."""
    whole, rest = divmod(int(seconds), 60)
    return f"{whole} min {rest:02} s" if whole else f"{rest} s"


def _sizes(done: int, total: int) -> str:
    """`1.2/3.1 GiB`."""
    power, unit = _unit(total)
    return f"{done / _UNIT**power:.1f}/{total / _UNIT**power:.1f} {unit}"


def _size(number: float) -> str:
    power, unit = _unit(number)
    return f"{number / _UNIT**power:.1f} {unit}"


def _unit(number: float) -> tuple[int, str]:
    units = ("B", "KiB", "MiB", "GiB", "TiB")
    power = 0
    while number >= _UNIT and power < len(units) - 1:
        number /= _UNIT
        power += 1
    return power, units[power]
