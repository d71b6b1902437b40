"""What a run took from the socket's point of view: joules, where the operating system counts them.

Linux counts per processor package (and, as `psys`, for a whole board) under /sys/class/powercap, which the kernel's
documentation describes (Documentation/power/powercap/powercap.rst): `energy_uj` grows until `max_energy_range_uj` and
begins again. Since CVE-2020-8694 the file is the superuser's alone on most systems; then, and everywhere else, the
answer is None. The figure is that of everything the machine does meanwhile, without graphics cards.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_POWERCAP = Path("/sys/class/powercap")
_ZONE = re.compile(r"intel-rapl:\d+")  # packages; the parts of a package (intel-rapl:0:1) are in its figure already
_OFTEN = 20.0  # seconds between two readings: a counter of 2^32 steps of 61 uJ lasts 17 minutes at 250 W


@dataclass(slots=True)
class _Counter:
    """One zone. `range` is the value after which the counter begins again at 0, both in microjoules."""

    file: Path
    range: int
    last: int
    used: int = 0

    def read(self) -> None:
        """Add what came since the last reading; less than before means that the counter began again."""
        now = _number(self.file)
        self.used += now - self.last if now >= self.last else now + self.range - self.last
        self.last = now


@dataclass(slots=True)
class EnergyMeter:
    """Counts from its making on. Call `tick` often, so that no counter goes round twice unseen; it reads when due."""

    folder: Path = _POWERCAP
    clock: Callable[[], float] = time.monotonic
    _counters: list[_Counter] = field(init=False)
    _read_at: float = field(init=False)

    def __post_init__(self) -> None:
        try:
            self._counters = [_counter(zone) for zone in _zones(self.folder)]
        except (OSError, ValueError):  # not to be read by this user: a part of the figure would be no figure
            self._counters = []
        self._read_at = self.clock()

    def tick(self) -> None:
        """Read the counters if that is due."""
        if self.clock() - self._read_at >= _OFTEN:
            self._read()

    def taken(self) -> float | None:
        """Joules since the last call, or since the meter was made; None where the system does not tell."""
        self._read()
        used = sum(one.used for one in self._counters) / 1e6
        for one in self._counters:
            one.used = 0
        return used if self._counters else None

    def _read(self) -> None:
        self._read_at = self.clock()
        try:
            for one in self._counters:
                one.read()
        except (OSError, ValueError):  # gone in the middle (a container that moved): what was counted is not the whole
            self._counters = []


def _zones(folder: Path) -> list[Path]:
    """The whole board where it has a counter, else every package; they are never to be added together."""
    zones = sorted(zone for zone in folder.glob("intel-rapl:*") if _ZONE.fullmatch(zone.name))
    named = [(zone, (zone / "name").read_text(encoding="ascii").strip()) for zone in zones]
    return [zone for zone, name in named if name == "psys"] or [zone for zone, _ in named]


def _counter(zone: Path) -> _Counter:
    return _Counter(zone / "energy_uj", _number(zone / "max_energy_range_uj"), _number(zone / "energy_uj"))


def _number(file: Path) -> int:
    return int(file.read_text(encoding="ascii"))
