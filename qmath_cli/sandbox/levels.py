"""From findings to one word: full, partial or basic; and the sentence that `doctor` shows for each layer."""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.records import Protection
from qmath_cli.sandbox.limits import Guard, Hold, Layer

WALLS = (Guard.WRITES, Guard.READS, Guard.NETWORK, Guard.PROCESSES)


def protection_of(layers: Iterable[Layer]) -> Protection:
    """FULL where the kernel refuses writes, reads, network and new processes; PARTIAL where it refuses some of them."""
    kernel = {layer.guard for layer in layers if layer.hold is Hold.KERNEL}
    if kernel.issuperset(WALLS):
        return Protection.FULL
    return Protection.PARTIAL if kernel.intersection(WALLS) else Protection.BASIC


def parse(record: object) -> Layer | None:
    """A layer as a worker reported it before any program ran in it; None for what is not one."""
    if not isinstance(record, dict):
        return None
    try:
        return Layer(
            Guard(str(record.get("guard"))), Hold(str(record.get("hold"))), str(record.get("detail", ""))[:200]
        )
    except ValueError:
        return None
