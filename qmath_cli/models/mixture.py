"""What a file says about the mixture of types that was chosen for it: the keys `qmath.mixture.*` of its metadata."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qmath_cli.gguf_file import Header

_PREFIX = "qmath.mixture."


@dataclass(frozen=True, slots=True)
class Mixture:
    """What `qmath convert --advise` expected of a file.

    Attributes:
        bits: bits of the file per weight.
        expected_kld: mean KL divergence from the weights before quantization, in nats.
        standard: the standard quantization that it was compared with.
        standard_kld: what was expected of that.
        text: what was read.
    """

    bits: float | None
    expected_kld: float | None
    standard: str | None
    standard_kld: float | None
    text: str | None


def mixture_of(header: Header) -> Mixture | None:
    """What a header says; None for a file whose types were not chosen so."""
    if not any(key.startswith(_PREFIX) for key in header.metadata):
        return None
    number, text = _Reader(header).number, _Reader(header).text
    return Mixture(number("bits"), number("expected_kld"), text("standard"), number("standard_kld"), text("text"))


@dataclass(frozen=True, slots=True)
class _Reader:
    header: Header

    def number(self, name: str) -> float | None:
        value = self.header.metadata.get(_PREFIX + name)
        known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if known and isinstance(value, int | float) else None

    def text(self, name: str) -> str | None:
        return self.header.text(_PREFIX + name) or None
