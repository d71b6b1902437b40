"""Number words in English and Chinese as values: `one hundred twenty`, `二十一个`, `三分之一`, `百分之七十五`."""

from __future__ import annotations

import re
from fractions import Fraction

from qmath_cli.grading.number_words import digits, is_number
from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import Shape, Value
from qmath_cli.grading.strict.measures import CLASSIFIERS, UNITS
from qmath_cli.mathematics.meaning.terms import number

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
          "eighth": 8, "ninth": 9, "tenth": 10}  # fmt: skip
_STEPS = {"十": 10, "百": 100, "千": 1000}
_GROUPS = {"万": 10**4, "亿": 10**8}
_NUMERAL = "[零〇一二两三四五六七八九十百千万亿]+"
_FRACTION = re.compile(rf"(?:(?P<whole>{_NUMERAL}|\d+)又)?(?P<bottom>{_NUMERAL}|\d+)分之(?P<top>{_NUMERAL}|\d+)")
_POINT = re.compile(rf"(?P<whole>{_NUMERAL})点(?P<digits>[零〇一二三四五六七八九]+)")
_COUNT = re.compile(rf"(?P<number>{_NUMERAL})(?P<rest>半?[^零〇一二两三四五六七八九十百千万亿\d]*)")
_ENGLISH = re.compile(r"(?:\\text\{)?\s*(?P<words>[A-Za-z]+(?:[\s-]+[A-Za-z]+)*)\s*\.?\}?")
_LEAD = re.compile(r"^(?:共|共有|一共|一共有|约|大约|为|是|有|答|得)")


def in_words(text: str) -> Shape | None:
    """The value of an answer in number words, with its unit; None if it is anything else."""
    english = _ENGLISH.fullmatch(text)
    if english:
        return _english(english["words"])
    text = _LEAD.sub("", re.sub(r"\s|\\text\{|\}", "", text))
    return (
        _chinese(text) if re.search(r"[\u4e00-\u9fff〇]", text) and not re.search(r"[A-Za-z\\=,;(<>]", text) else None
    )


def _english(text: str) -> Shape | None:
    words = text.replace("-", " ").replace(" and ", " ").split()
    part = _PARTS.get(words[-1].casefold().removesuffix("s")) if len(words) == 2 else None
    top = digits(words[0]) if words[0].casefold() not in {"a", "an"} else "1"
    if part is not None and top.isdecimal():
        return Value(number(Fraction(int(top), part)))
    count = next((k for k in range(len(words), 0, -1) if is_number(" ".join(words[:k]))), 0)
    value = digits(" ".join(words[:count])) if count else ""
    if not value.isdecimal():
        return None
    unit = units.read(" ".join(words[count:])) if words[count:] else units.NONE
    return None if unit.unknown or unit.multiplier != 1 else Value(number(int(value)), unit)


def _chinese(text: str) -> Shape | None:
    part = _FRACTION.fullmatch(text)
    if part:
        top, bottom = (_count(part[name]) for name in ("top", "bottom"))
        whole = _count(part["whole"]) if part["whole"] else 0
        return None if bottom == 0 else Value(number(Fraction(top, bottom) + whole))
    point = _POINT.fullmatch(text)
    if point:
        decimals = "".join(str(_DIGITS[char]) for char in point["digits"])
        return Value(number(_count(point["whole"]) + Fraction(int(decimals), 10 ** len(decimals))))
    found = _COUNT.fullmatch(text)
    if found is None or not _counts(found["number"], found["rest"]):
        return None
    return Value(number(_count(found["number"])), units.read(found["rest"]) if found["rest"] else units.NONE)


def _counts(numeral: str, rest: str) -> bool:
    """Whether `rest` makes the numeral a count: nothing, a unit, a classifier; `三角形` and `一次函数` are words."""
    if not rest or rest in UNITS or rest in CLASSIFIERS:
        return True
    classifier = next((one for one in CLASSIFIERS if rest.startswith(one)), "")
    return bool(classifier) and len(numeral) > 1


def _count(text: str) -> int:
    """The value of a Chinese or decimal numeral."""
    if text.isdecimal():
        return int(text)
    if not set(text) & (set(_STEPS) | set(_GROUPS)):
        return int("".join(str(_DIGITS[char]) for char in text))
    for sign, size in sorted(_GROUPS.items(), key=lambda pair: -pair[1]):
        before, found, after = text.rpartition(sign)
        if found:
            return (_count(before) if before else 1) * size + (_count(after) if after else 0)
    total, digit = 0, 0
    for char in text:
        if char in _STEPS:
            total += (digit or 1) * _STEPS[char]
            digit = 0
        else:
            digit = _DIGITS[char]
    return total + digit
