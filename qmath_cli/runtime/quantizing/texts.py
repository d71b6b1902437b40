"""The texts that models read while a conversion measures."""

from __future__ import annotations

import hashlib

from qmath_cli.runtime.quantizing.measuring import ReadText

_SAMPLE = "We solve the equation with sympy. The roots are 2 and 3, and their sum is 5. "


def calibration() -> ReadText:
    """The built-in calibration text."""
    text = _SAMPLE * 4000
    digest = hashlib.sha256(text.encode()).hexdigest()
    return ReadText("qmath calibration", digest, lambda model: model.tokenize_plain(text.encode()))
