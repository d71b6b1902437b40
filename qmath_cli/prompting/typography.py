"""A problem as it was typed or pasted, in the characters that models were trained on.

Formulas copied from a PDF come in mathematical italics (`𝑥² − 5𝑥`), words with ligatures, spaces and hyphens of their
own; a model takes each for another word. What a sign means is kept: double-struck `ℝ` is no R. Evaluation data is not
touched.
"""

from __future__ import annotations

import re
import unicodedata

_SETS = frozenset("ℂℍℕℙℚℝℤ")
_LIGATURES = range(0xFB00, 0xFB07)
_SIGNS = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2013\u2212"), "-"),  # hyphens, en dash, minus
    **dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u200a\u202f\u205f"), " "),
    **dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"), ""),  # where a line may be broken, or not
}
_RAISED = {"⁺": "+", "⁻": "-", "⁽": "(", "⁾": ")", "ⁿ": "n", "ⁱ": "i"} | {
    sign: str(digit) for digit, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")
}
_POWER = re.compile(rf"(?<=[\w)\]}}])[{''.join(_RAISED)}]+(?![⁄/{''.join(_RAISED)}])")


def in_plain_signs(text: str) -> str:
    """The same text in plain letters and signs: `x^2 - 5x` for `𝑥² − 5𝑥`."""
    if text.isascii():
        return text
    return _POWER.sub(_power, "".join(map(_plain, text)).translate(_SIGNS))


def _plain(char: str) -> str:
    styled = unicodedata.decomposition(char).startswith("<font>") and char not in _SETS
    return unicodedata.normalize("NFKC", char) if styled or ord(char) in _LIGATURES else char


def _power(found: re.Match[str]) -> str:
    exponent = "".join(_RAISED[sign] for sign in found[0])
    return f"^{exponent}" if len(exponent) == 1 else f"^{{{exponent}}}"
