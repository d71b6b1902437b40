"""The protection level of a worker (full, partial or basic), from the layers that its probes found."""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.records import Protection
from qmath_cli.sandbox.limits import Guard, Hold, Layer

BOUNDARIES = (Guard.WRITES, Guard.READS, Guard.NETWORK, Guard.PROCESSES)
MAX_DETAIL = 200  # characters


def protection_of(layers: Iterable[Layer]) -> Protection:
    """FULL where the kernel holds all four `BOUNDARIES`, PARTIAL where it holds some, BASIC where it holds none."""
    kernel = {layer.guard for layer in layers if layer.hold is Hold.KERNEL}
    if kernel.issuperset(BOUNDARIES):
        return Protection.FULL
    return Protection.PARTIAL if kernel.intersection(BOUNDARIES) else Protection.BASIC


def parse_layer(record: object) -> Layer | None:
    """Read a layer that a worker reported before any program ran in it; None if the record is not valid."""
    if not isinstance(record, dict):
        return None
    try:
        return Layer(
            Guard(str(record.get("guard"))), Hold(str(record.get("hold"))), str(record.get("detail", ""))[:MAX_DETAIL]
        )
    except ValueError:
        return None
