"""The texts that models read while a conversion measures."""

from __future__ import annotations

import hashlib

from qmath_cli.calibration.text import NAME, calibration_text
from qmath_cli.runtime.quantizing.measuring import ReadText


def calibration() -> ReadText:
    """The built-in calibration text, with the control tokens of the chat."""
    prompt = calibration_text()
    digest = hashlib.sha256(prompt.text.encode()).hexdigest()
    return ReadText(NAME, digest, lambda model: model.tokenize(prompt))
