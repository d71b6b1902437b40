"""What the quantization of an installed model cost, as measured here when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Quality:
    """A comparison with the weights before quantization.

    Attributes:
        base: the type of the weights that the model was compared with: BF16, or Q8_0 where they had no room in memory.
        text: what both read.
        positions: predictions that were compared.
        kld: mean KL divergence, in nats.
        kld_error: its standard error, between the passages of the text.
        same_top: share of the positions where both find the same token most probable.
        ppl_ratio: the model's perplexity over the base's.
    """

    base: str
    text: str
    positions: int
    kld: float
    kld_error: float
    same_top: float
    ppl_ratio: float


def quality_of(record: Mapping[str, Any] | None) -> Quality | None:
    """Read the part of a manifest; None where nothing was measured. Raises `TypeError` or `ValueError` if damaged."""
    if record is None:
        return None
    found = Quality(**record)
    if not 0 <= float(found.same_top) <= 1 or float(found.kld_error) < 0 or int(found.positions) < 1:
        raise ValueError(f"quality {record!r}")
    return found
