r"""Units of an answer: what the words behind a number mean.

A unit is a dimension, a size, and a multiplier that belongs to the number (`million`, `万`). Answers in units of one
dimension are compared by value (`1.2 m` is `120 cm`), answers of two dimensions differ, a unit that one side lacks is
forgiven. Counted things (`apples`, `个`) have no dimension. A word that is not known stays a name of its own: it is
never dropped on both sides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from qmath_cli.grading.strict.measures import CLASSIFIERS, COUNTED, MULTIPLIERS, UNITS, Dimension

_PIECE = re.compile(
    r"(?P<name>°[CF]?|[A-Za-zμΩ]+\.?|[\u3400-\u9fff]+|[%℃℉$¢€£¥￥₹])\s*(?:\^?\{?(?P<power>-?\d)\}?|(?P<sign>[²³]))?"
    r"|(?P<slash>/|\bper\b)|(?P<dot>[·*⋅.-]|\bof\b)"
)
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3}
_CHINESE_POWERS = {"平方": 2, "立方": 3}
_FILLERS = """
of in the a an long wide tall high old away total are is were was left each together all more altogether whole
"""
_ROUGHLY = ("左右", "大约", "约", "上下")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Args:
        dimension: Base units and exponents; empty for counted things and unknown words.
        factor: The size in base units.
        multiplier: What the number itself is multiplied by.
        unknown: The words that are in no table, without a plural s.
    """

    dimension: Dimension = ()
    factor: Fraction = Fraction(1)
    multiplier: int = 1
    unknown: str = ""
    counted: bool = field(default=False, compare=False)

    @property
    def is_known(self) -> bool:
        """Whether it has a dimension."""
        return bool(self.dimension)


NONE = Unit()


def read(text: str) -> Unit:
    """The unit that `text` names: `cm^2`, `m/s^2`, `square feet`, `km per hour`, `万元`, `apples`."""
    unit = NONE
    pending, inverse = 1, False
    words: list[str] = []
    for found in _PIECE.finditer(_joined(text)):
        name = (found["name"] or "").rstrip(".")
        if found["slash"]:
            inverse = True
        elif name.casefold() in {"square", "sq", "cubic", "cu"}:
            pending = _POWERS[name.casefold()]
        elif name.casefold() in {"squared", "cubed"}:
            unit = _raised(unit, _POWERS[name.casefold()])
        elif name.casefold() in MULTIPLIERS and not inverse and not unit.dimension:
            unit = replace(unit, multiplier=unit.multiplier * MULTIPLIERS[name.casefold()])
        elif name:
            power = pending * int(found["power"] or {"²": 2, "³": 3}.get(found["sign"] or "", 1))
            unit, word = _with(unit, name, -power if inverse else power)
            words += word
            pending = 1
    return replace(unit, unknown=" ".join(words)) if words and not unit.dimension else unit


def _joined(text: str) -> str:
    """One spelling of compound units: Chinese `每` is a slash, words for about are gone."""
    for word in _ROUGHLY:
        text = text.replace(word, "")
    return re.sub(r"每|\bper\b", "/", text.replace("{", "").replace("}", ""))


def _raised(unit: Unit, power: int) -> Unit:
    return replace(unit, dimension=tuple((name, n * power) for name, n in unit.dimension), factor=unit.factor**power)


def _with(unit: Unit, name: str, power: int) -> tuple[Unit, list[str]]:
    """The unit times one more, and the words that are not known."""
    if re.match(r"[\u3400-\u9fff]", name):
        return _with_chinese(unit, name, power)
    known = lookup(name)
    if known is not None:
        return _times(unit, known[0], known[1], power), []
    word = _stem(name)
    if word in COUNTED or word in _FILLERS.split():
        return replace(unit, counted=True), []
    return unit, [] if unit.dimension or unit.counted else [word]


def _with_chinese(unit: Unit, name: str, power: int) -> tuple[Unit, list[str]]:
    """A run of Chinese characters: multipliers, a power, a unit or classifier, and the thing that is counted."""
    multiplier = 1
    while (found := _longest(name, MULTIPLIERS)) and _longest(name, UNITS) in {"", found}:
        multiplier *= MULTIPLIERS[found]
        name = name[len(found) :]
    unit = replace(unit, multiplier=unit.multiplier * multiplier)
    for word, exponent in _CHINESE_POWERS.items():
        if name.startswith(word) and _longest(name[len(word) :], UNITS):
            name, power = name[len(word) :], power * exponent
    known = _longest(name, UNITS)
    classifier = next((one for one in CLASSIFIERS if name.startswith(one)), "")
    if known and len(known) >= len(classifier):
        return _times(unit, *UNITS[known], power), []
    if classifier or not name:
        return replace(unit, counted=True), []
    return unit, [name]


def _longest(text: str, names: dict[str, object] | dict[str, int] | dict[str, tuple[Dimension, Fraction]]) -> str:
    """The longest of the names that `text` begins with."""
    return next((text[:length] for length in range(min(len(text), 4), 0, -1) if text[:length] in names), "")


def _times(unit: Unit, dimension: Dimension, factor: Fraction, power: int) -> Unit:
    exponents = dict(unit.dimension)
    for name, exponent in dimension:
        exponents[name] = exponents.get(name, 0) + exponent * power
    left = tuple(sorted((name, exponent) for name, exponent in exponents.items() if exponent))
    return replace(unit, dimension=left, factor=unit.factor * factor**power)


def lookup(name: str) -> tuple[Dimension, Fraction] | None:
    """Dimension and size of a unit by its symbol or word, in another case (`CM`) or as a plural; None if unknown."""
    lower = name.lower()
    forms = [name, lower, lower.removesuffix("s"), lower.removesuffix("es")] if len(name) > 1 else [name]
    return next((UNITS[form] for form in forms if form in UNITS), None)


def _stem(word: str) -> str:
    lower = word.lower()
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if lower.endswith(ending) and len(lower) > len(ending) + 1:
            return lower.removesuffix(ending) + rest
    return lower
