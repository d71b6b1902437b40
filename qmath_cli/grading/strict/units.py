r"""Units at the end of an answer: dimension and size.

A unit is a dimension and a factor. Answers with units of one dimension are compared by value (`1.2 m` is `120 cm`),
answers with units of two dimensions differ, and a missing unit is accepted. Words for counted things (`apples`, `个`)
have no dimension. Only text, or a word that cannot be an algebraic expression (`cm`, `元`), counts as a unit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_LENGTH = {"mm": "1/1000", "cm": "1/100", "dm": "1/10", "m": "1", "km": "1000", "in": "254/10000", "inch": "254/10000",
           "ft": "3048/10000", "feet": "3048/10000", "foot": "3048/10000", "yd": "9144/10000", "yard": "9144/10000",
           "mi": "1609344/1000", "mile": "1609344/1000", "meter": "1", "metre": "1", "centimeter": "1/100",
           "centimetre": "1/100", "millimeter": "1/1000", "kilometer": "1000", "kilometre": "1000", "米": "1",
           "厘米": "1/100", "毫米": "1/1000", "分米": "1/10", "千米": "1000", "公里": "1000", "里": "500"}  # fmt: skip
_MASS = {"mg": "1/1000000", "g": "1/1000", "gram": "1/1000", "kg": "1", "kilogram": "1", "t": "1000", "ton": "1000",
         "lb": "45359237/100000000", "pound": "45359237/100000000", "oz": "45359237/1600000000", "克": "1/1000",
         "ounce": "45359237/1600000000", "千克": "1", "公斤": "1", "吨": "1000"}  # fmt: skip
_TIME = {"ms": "1/1000", "s": "1", "sec": "1", "second": "1", "min": "60", "minute": "60", "h": "3600", "hr": "3600",
         "hour": "3600", "day": "86400", "week": "604800", "year": "31557600", "秒": "1", "分钟": "60", "小时": "3600",
         "时": "3600", "天": "86400", "日": "86400", "周": "604800", "年": "31557600"}  # fmt: skip
_VOLUME = {"ml": "1/1000000", "cl": "1/100000", "l": "1/1000", "liter": "1/1000", "litre": "1/1000", "升": "1/1000",
           "毫升": "1/1000000", "milliliter": "1/1000000"}  # fmt: skip
_SPEED = {"mph": "1609344/3600000", "km/h": "1000/3600", "m/s": "1", "kmph": "1000/3600", "km/hr": "1000/3600",
          "千米/时": "1000/3600", "千米/小时": "1000/3600", "米/秒": "1",
          "m/min": "1/60", "米/分": "1/60", "千米/分": "1000/60",
          "miles per hour": "1609344/3600000", "mile per hour": "1609344/3600000"}  # fmt: skip
_AREA = {"hectare": "10000", "公顷": "10000", "亩": "2000/3"}
_DOLLAR = {"dollar": "1", "cent": "1/100", "usd": "1"}
_YUAN = {"元": "1", "角": "1/10", "yuan": "1", "块": "1", "万元": "10000", "¥": "1", "rmb": "1"}
_ANGLE = {"degree": "1", "deg": "1", "度": "1"}

_KNOWN = {
    name: (dimension, Fraction(factor))
    for dimension, table in (
        ("length", _LENGTH), ("mass", _MASS), ("time", _TIME), ("volume", _VOLUME), ("speed", _SPEED), ("area", _AREA),
        ("dollar", _DOLLAR), ("yuan", _YUAN), ("angle", _ANGLE), ("percent", {"percent": "1"}),
    )
    for name, factor in table.items()
}  # fmt: skip
_POWERS = {"length2": "area", "length3": "volume"}
_SQUARE = re.compile(r"^(?:square|sq\.?|平方) ?(.+)$|^(.+?)\^?\{?2\}?$")
_CUBE = re.compile(r"^(?:cubic|cu\.?|立方) ?(.+)$|^(.+?)\^?\{?3\}?$")
# After the value: \text{...}, a bare unit of two letters or more, or Chinese, with a power. Before it: a currency.
_BARE = "|".join(sorted((name for name in _KNOWN if len(name) > 1 and name.isascii()), key=len, reverse=True))
_TAIL = re.compile(
    rf"^(?P<value>.*[\d)}}!.a-zA-Z]\s*?)(?P<unit>(?:(?:\\text\{{[^{{}}]*\}}|[\u4e00-\u9fff][\u4e00-\u9fff/]*)"
    rf"|(?<=[\d }}])(?:{_BARE})(?:e?s)?\b)(?:\^\{{?[23]\}}?)?)$",
    re.DOTALL,
)
_HEAD = re.compile(r"^(?P<sign>-?)\s*(?P<unit>\\text\{dollar\}|[¥€£])\s*(?P<value>.+)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unit:
    """A dimension (empty for counted things), and the size of the unit in base units of the dimension."""

    dimension: str = ""
    factor: Fraction = Fraction(1)


NONE = Unit()


def split(text: str) -> tuple[str, Unit]:
    r"""Split into value and unit: `3.5 \text{ cm}^2` is `3.5` and an area. `\$5 \text{ each}` has two units."""
    unit = NONE
    for _ in range(3):
        found = _HEAD.match(text) or _TAIL.match(text)
        if found is None or not found["value"].strip():
            break
        read = _read_unit(found["unit"])
        unit = read if unit == NONE else unit
        text = (found["sign"] if "sign" in found.groupdict() else "") + found["value"].strip()
    return text, unit


def _read_unit(text: str) -> Unit:
    """The unit that `text` names; an unknown word is a counted thing."""
    name = re.sub(r"\\text\{([^{}]*)\}", r"\1", text).strip(" .").replace(" / ", "/")
    for power, pattern in ((2, _SQUARE), (3, _CUBE)):
        found = pattern.match(name)
        base = _lookup(next(part for part in found.groups() if part)) if found else None
        if base is not None and base[0] == "length":
            return Unit(_POWERS[f"length{power}"], base[1] ** power)
    known = _lookup(name)
    return Unit(*known) if known else NONE


def _lookup(name: str) -> tuple[str, Fraction] | None:
    """Find a unit; if the exact name is unknown, without regard to case (`L`, `CM`) and as a plural."""
    for form in (name, name.lower(), name.lower().removesuffix("s"), name.lower().removesuffix("es")):
        if form in _KNOWN:
            return _KNOWN[form]
    return None
