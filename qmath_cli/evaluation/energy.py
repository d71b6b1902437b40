"""The energy that a run uses, in joules, where the operating system counts it.

Linux has one counter per processor package, and on some machines one for the whole board (`psys`), under
/sys/class/powercap. Source: the kernel's Documentation/power/powercap/powercap.rst. `energy_uj` grows up to
`max_energy_range_uj` and starts again at 0. Since CVE-2020-8694 most systems allow only root to read it. Where no
counter can be read, the result is None. The counters include all other processes, and no graphics cards.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")
_ZONE = re.compile(r"intel-rapl:\d+")  # a package or board; a part of it (intel-rapl:0:1) is included in its counter
_INTERVAL_S = 20.0  # between two readings; a counter of 2^32 steps of 61 uJ wraps after 17 minutes at 250 W


@dataclass(slots=True)
class _Counter:
    """The counter of one zone, in microjoules. `range` is the value after which it starts again at 0."""

    file: Path
    range: int
    last: int
    used: int = 0

    def read(self) -> None:
        """Add the difference to the last reading. A smaller value means that the counter wrapped once."""
        now = _number(self.file)
        self.used += now - self.last if now >= self.last else now + self.range - self.last
        self.last = now


@dataclass(slots=True)
class EnergyMeter:
    """Counts energy from its creation on.

    Call `tick` often, so that no counter wraps twice between two readings; most calls read nothing.

    Attributes:
        folder: The powercap folder of sysfs.
        clock: Seconds, monotonic.
    """

    folder: Path = _POWERCAP
    clock: Callable[[], float] = time.monotonic
    _counters: list[_Counter] = field(init=False)
    _read_at: float = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._counters = [_counter(zone) for zone in _zones(self.folder)]
        except (OSError, ValueError):  # one unreadable counter makes the sum meaningless
            self._counters = []
        self._read_at = self.clock()

    def tick(self) -> None:
        """Read the counters if the last reading is old."""
        if self.clock() - self._read_at >= _INTERVAL_S:
            self._read()

    def consumed(self) -> float | None:
        """Joules since the last call, or since the meter was created; None if they cannot be counted."""
        self._read()
        microjoules = sum(counter.used for counter in self._counters)
        for counter in self._counters:
            counter.used = 0
        return microjoules / 1e6 if self._counters else None

    def _read(self) -> None:
        self._read_at = self.clock()
        try:
            for counter in self._counters:
                counter.read()
        except (OSError, ValueError):  # a counter disappeared, as when a container is moved: the sum is incomplete
            self._counters = []


def _zones(folder: Path) -> list[Path]:
    """The zone of the whole board if there is one, else those of all packages: the board's includes the packages."""
    zones = sorted(zone for zone in folder.glob("intel-rapl:*") if _ZONE.fullmatch(zone.name))
    names = [(zone / "name").read_text(encoding="ascii").strip() for zone in zones]
    return [zone for zone, name in zip(zones, names, strict=True) if name == "psys"] or zones


def _counter(zone: Path) -> _Counter:
    return _Counter(zone / "energy_uj", _number(zone / "max_energy_range_uj"), _number(zone / "energy_uj"))


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))
