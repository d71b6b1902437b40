"""English number words as digits, as the official rules read them.

Qwen's normaliser passes whole answers to the `word2number` package (MIT). This module reproduces the observable
behaviour of that package for such texts, oddities included: words that are not numbers are ignored (`five apples` is
5), and a text of digits loses its leading zeros (`027` is 27). English only.
"""

from __future__ import annotations

# fmt: off
_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = (
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)
# fmt: on
_SCALES = {"billion": 10**9, "million": 10**6, "thousand": 10**3}
_VALUES = (
    {word: value for value, word in enumerate(_SMALL)}
    | {word: 20 + 10 * step for step, word in enumerate(_TENS)}
    | {"hundred": 100}
    | _SCALES
)


def is_number(text: str) -> bool:
    """Whether `text` consists of number words only."""
    words = text.replace("-", " ").lower().split()
    return bool(words) and all(word in _VALUES for word in words)


def digits(text: str) -> str:
    """`text` as digits if it contains number words or is all digits; otherwise `text` itself."""
    spaced = text.replace("-", " ").lower()
    if spaced.isdecimal():
        return spaced.lstrip("0") or "0" if spaced.isascii() else "".join(str(int(sign)) for sign in spaced)
    words = [word for word in spaced.split() if word in _VALUES or word == "point"]
    if not words or any(words.count(unique) > 1 for unique in (*_SCALES, "point")):
        return text
    at = words.index("point") if "point" in words else len(words)
    try:
        return str(_whole(words[:at]) + _fraction(words[at + 1 :]))
    except (ValueError, IndexError):
        return text


def _whole(words: list[str]) -> int:
    """The groups before `billion`, `million` and `thousand`, and the rest; the scales must descend."""
    if len(words) < 2:
        return sum(_VALUES[word] for word in words)
    cuts = [words.index(scale) for scale in _SCALES if scale in words]
    if cuts != sorted(cuts):
        raise ValueError(words)
    starts = [0, *(cut + 1 for cut in cuts)]
    total = sum(_group(words[start:cut]) * _VALUES[words[cut]] for start, cut in zip(starts, cuts, strict=False))
    # As in the package, a scale at the end of the text is also read as part of the group before it.
    rest = next((words[start:] for start in reversed(starts) if start < len(words) and (start or not cuts)), [])
    return total + (_group(rest) if rest else 0)


def _group(words: list[str]) -> int:
    """`two hundred forty five`: product, then sum; a longer group counts by its first word only."""
    values = [_VALUES[word] for word in words]
    if len(values) in {3, 4}:
        return values[0] * values[1] + sum(values[2:])
    if len(values) == 2 and 100 not in values:
        return sum(values)
    return values[0] * (values[1] if len(values) == 2 else 1)


def _fraction(words: list[str]) -> float | int:
    """The digits after `point`; nothing if one of them is not a digit."""
    values = [_VALUES[word] for word in words]
    return float(f"0.{''.join(map(str, values))}") if values and max(values) < 10 else 0
