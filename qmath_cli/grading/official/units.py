"""The words that Qwen's normaliser deletes from answers as units.

The list (originally from MathQA) affects the published scores, so it is kept entry by entry and in order:
QwenLM/Qwen2.5-Math, evaluation/parser.py, `unit_texts` (MIT). It contains single letters, misspellings and fragments.
Deleting them damages real answers (`a+b` becomes `+b`); a score that is to be compared must have the same damage. Each
entry is a regular expression in the original, so a dot in it matches any character.
"""

from __future__ import annotations

import re

# fmt: off
_SINGULAR = (
    "east", "degree", "mph", "kmph", "ft", "m sqaure", " m east", "sq m", "deg", "mile", "q .", "monkey", "prime",
    "ratio", "profit of rs", "rd", "o", "gm", "p . m", "lb", "tile", "per", "dm", "lt", "gain", "ab", "way", "west",
    "a .", "b .", "c .", "d .", "e .", "f .", "g .", "h .", "t", "a", "h", "no change", "men", "soldier", "pie",
    "bc", "excess", "st", "inches", "noon", "percent", "by", "gal", "kmh", "c", "acre", "rise", "a . m", "th",
    "π r 2", "sq", "mark", "l", "toy", "coin", "sq . m", "gallon", "° f", "profit", "minw", "yr", "women", "feet",
    "am", "pm", "hr", "cu cm", "square", "v â € ™", "are", "rupee", "rounds", "cubic", "cc", "mtr", "s", "ohm",
    "number", "kmph", "day", "hour", "minute", "min", "second", "man", "woman", "sec", "cube", "mt", "sq inch",
    "mp", "∏ cm ³", "hectare", "more", "sec", "unit", "cu . m", "cm 2", "rs .", "rs", "kg", "g", "month", "km", "m",
    "cm", "mm", "apple", "liter", "loss", "yard", "pure", "year", "increase", "decrease", "d", "less", "Surface",
    "litre", "pi sq m", "s .", "metre", "meter", "inch",
)
# fmt: on

_PATTERNS = tuple(re.compile(rf"(^|\W){unit}($|\W)") for unit in (*_SINGULAR, *(f"{unit}s" for unit in _SINGULAR)))


def without_units(text: str) -> str:
    """Delete every unit word, in two passes in the list's order, but never the whole answer."""
    if not any(sign.isalpha() for sign in text):  # every entry has a letter
        return text
    for pattern in _PATTERNS * 2:
        text = pattern.sub(r"\1\2", text) or text
    return text
