r"""Units of an answer: what the words behind a number mean.

A unit is a dimension and a size, a multiplier that belongs to the number (`million`, `万`, `thirds`), the thing that is
counted, or words that are not understood. Nothing is dropped: a word behind a unit that is no part of it (`5 km north`,
`5元以上`) stays, and `values` decides whether answers with it can be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from qmath_cli.grading.strict.measures import CLASSIFIERS, COUNTED, GENERIC, MULTIPLIERS, UNITS, Dimension

_PIECE = re.compile(
    r"(?P<name>°[CF]?|[A-Za-zμΩ]+\.?|[\u3400-\u9fff]+|[%‰℃℉$¢€£¥￥₹])\s*(?:\^?\{?(?P<power>-?\d)\}?|(?P<sign>[²³]))?"
    r"|(?P<slash>/)|(?P<dot>[·*⋅.-])"
)
_POWERS = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_BEHIND = {"squared": 2, "cubed": 3}
_CHINESE_POWERS = {"平方": 2, "立方": 3}
#: Words around a unit that change nothing.
_FILLERS = """
of in the a an long wide tall high old total left each together all altogether whole remaining both there only and
different possible distinct such exactly
"""
_HARMLESS_HAN = ("左右", "大约", "约", "上下", "整", "钱", "不同的", "的", "没有看", "长", "高", "宽", "重", "共")
_TELLING_HAN = re.compile(
    r"以|前|后|多|半|余|内|外|不|大|小|上|下|左|右|增|减|亏|盈|赚|赔|东|南|西|北|错|倒数|平方|立方|相反|更|向|舍|弃|升|降"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit.

    Args:
        dimension: Base units and exponents; empty for counted things and unknown words.
        factor: The size in base units.
        multiplier: What the number itself is multiplied by.
        noun: The thing that is counted; `*` if only that something is.
        unknown: The words that are not understood.
    """

    dimension: Dimension = ()
    factor: Fraction = Fraction(1)
    multiplier: Fraction = Fraction(1)
    noun: str = ""
    unknown: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it has a dimension."""
        return bool(self.dimension)


NONE = Unit()


def read(text: str) -> Unit:
    """The unit that `text` names: `cm^2`, `m/s^2`, `square feet`, `km per hour`, `万元`, `apples`."""
    unit = NONE
    pending, inverse = 1, False
    unknown: list[str] = []
    for found in _PIECE.finditer(_joined(text)):
        name = (found["name"] or "").rstrip(".")
        lower = name.casefold()
        if found["slash"]:
            inverse = True
        elif lower in _POWERS:
            pending = _POWERS[lower]
        elif lower in _BEHIND and unit.dimension:
            unit = _raised(unit, _BEHIND[lower])
        elif lower in MULTIPLIERS and not inverse and not unit.dimension and not _is_han(name):
            unit = replace(unit, multiplier=unit.multiplier * MULTIPLIERS[lower])
        elif name:
            power = pending * int(found["power"] or {"²": 2, "³": 3}.get(found["sign"] or "", 1))
            unit, rest = _with(unit, name, -power if inverse else power)
            unknown += rest
            pending = 1
    return replace(unit, unknown=" ".join(unknown))


def _joined(text: str) -> str:
    """One spelling of compound units: `per` and Chinese `每` are a slash."""
    text = re.sub(r"(?i)\blight[\s-]years?\b", "lightyear", text.replace("{", "").replace("}", ""))
    text = re.sub(r"(?i)\b(?:is|are|were|was)\s+(?:left|remaining|needed|required|in total|there)\b", " ", text)
    text = re.sub(r"(?i)\bper\s+cent\b", "percent", text)
    text = re.sub(r"(?i)\b(?:degrees?|°)\s*(?:C\b|Celsius)", "℃", text)
    text = re.sub(r"(?i)\b(?:degrees?|°)\s*(?:F\b|Fahrenheit)", "℉", text)
    return re.sub(r"每|\bper\b|(?<=[a-z]) an? (?=[a-z])", "/", text)


def _raised(unit: Unit, power: int) -> Unit:
    return replace(unit, dimension=tuple((name, n * power) for name, n in unit.dimension), factor=unit.factor**power)


def _is_han(name: str) -> bool:
    return re.match(r"[\u3400-\u9fff]", name) is not None


def _with(unit: Unit, name: str, power: int) -> tuple[Unit, list[str]]:
    """The unit times one more, and the words that are not understood."""
    if _is_han(name):
        return _with_chinese(unit, name, power)
    known = lookup(name)
    if known is not None:
        return _times(unit, known[0], known[1], power), []
    word = stem(name)
    if word in GENERIC or name.casefold() in GENERIC:
        return replace(unit, noun=unit.noun or "*"), []
    if name.casefold() in _FILLERS.split():
        return unit, []
    if word in COUNTED and not unit.dimension and unit.noun in {"", "*"}:
        return replace(unit, noun=word), []
    return unit, [name.casefold()]


def _with_chinese(unit: Unit, name: str, power: int) -> tuple[Unit, list[str]]:
    """A run of Chinese characters: multipliers, powers, units, a classifier, and the thing that is counted."""
    for word in _HARMLESS_HAN:
        name = name.replace(word, "")
    while (found := _longest(name, MULTIPLIERS)) and len(_longest(name, UNITS)) <= len(found):
        unit = replace(unit, multiplier=unit.multiplier * MULTIPLIERS[found])
        name = name[len(found) :]
    while name:
        word = next((one for one in _CHINESE_POWERS if name.startswith(one)), "")
        known = _longest(name[len(word) :], UNITS)
        classifier = next((one for one in CLASSIFIERS if name.startswith(one)), "")
        if not known or len(classifier) > len(word) + len(known) or (unit.noun and not word):
            break
        unit = _times(unit, *UNITS[known], power * _CHINESE_POWERS.get(word, 1))
        name = name[len(word) + len(known) :]
    return _counted(unit, name)


def _counted(unit: Unit, name: str) -> tuple[Unit, list[str]]:
    """A classifier with the thing it counts; other words behind a unit are not understood."""
    if not name:
        return unit, []
    classifier = next((one for one in CLASSIFIERS if name.startswith(one)), "")
    noun = name[len(classifier) :]
    if _TELLING_HAN.search(noun) or (unit.dimension and (classifier or noun)) or (not classifier and len(noun) > 4):
        return unit, [name]
    return (replace(unit, noun=noun or "*"), []) if classifier else (unit, [noun])


def _longest(text: str, names: object) -> str:
    """The longest of the names that `text` begins with."""
    if not isinstance(names, dict):
        return ""
    return next((text[:length] for length in range(min(len(text), 5), 0, -1) if text[:length] in names), "")


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


def stem(word: str) -> str:
    """An English noun without its plural ending."""
    lower = word.lower()
    for ending, rest in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("s", "")):
        if lower.endswith(ending) and len(lower) > len(ending) + 1 and not lower.endswith("ss"):
            return lower.removesuffix(ending) + rest
    return lower
