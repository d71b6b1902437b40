"""`--size`: how large the file of an advised mixture may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qmath_cli.errors import UsageError

if TYPE_CHECKING:
    from qmath_convert.checkpoint import Checkpoint

_UNITS = {
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "m": 10**6,
    "g": 10**9,
}
_FORM = re.compile(r"(?P<number>\d+(\.\d+)?|\.\d+)\s*(?P<unit>[a-z]+)", re.IGNORECASE)
_BITS = {"bpw", "bit", "bits"}


def size_in_bytes(text: str, checkpoint: Checkpoint) -> int:
    """The size of a file that a user means.

    Args:
        text: `4.2GB`, `400 MiB`, or `4.5bpw`: bits of the file per weight.
        checkpoint: the weights.

    Raises:
        UsageError: it is no size.
    """
    found = _FORM.fullmatch(text.strip())
    unit = found["unit"].lower() if found else ""
    if found is None or not float(found["number"]) or unit not in _UNITS.keys() | _BITS:
        raise UsageError(f"{text!r} is not a size", "--size 4.2GB, --size 950MB, or bits per weight: --size 4.5bpw")
    number = float(found["number"])
    if unit in _BITS:
        weights = sum(tensor.stored.rows * tensor.stored.columns for tensor in checkpoint.body)
        return int(number * weights / 8)
    return int(number * _UNITS[unit])
