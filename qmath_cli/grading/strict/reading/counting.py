"""Number words in English and Chinese as values.

`one hundred twenty`, `minus five`, `two and a half hours`, `三分之一`, `百分之七十五`, `负二分之一`, `两个半小时`.

A text is read only if all of it is number words, a unit and what it counts; `三角形` and `一次函数` are words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from qmath_cli.grading.number_words import digits, is_number
from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import Shape, Value
from qmath_cli.grading.strict.measures import CLASSIFIERS, MULTIPLIERS, UNITS
from qmath_cli.mathematics.meaning.terms import number

_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4,
          "fifth": 5, "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
          "ninth": 9, "ninths": 9, "tenth": 10, "tenths": 10, "twelfth": 12, "twelfths": 12}  # fmt: skip
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
             "ninth": 9, "tenth": 10}  # fmt: skip
_SCALES = {"hundred", "thousand", "million", "billion"}
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_STEPS = {"十": 10, "百": 100, "千": 1000}
_GROUPS = {"万": 10**4, "亿": 10**8}
_NUMERAL = "[零〇一二两三四五六七八九十百千万亿]+"
_DECIMAL = rf"(?:{_NUMERAL}(?:点[零〇一二三四五六七八九]+)?|\d+(?:\.\d+)?)"
_FRACTION = re.compile(rf"(?:(?P<whole>{_NUMERAL}|\d+)又)?(?P<bottom>{_NUMERAL}|\d+)分之(?P<top>{_DECIMAL})")
_COUNT = re.compile(rf"(?P<number>{_DECIMAL})(?P<rest>.*)")
_HALF = re.compile(rf"(?P<number>{_NUMERAL}|\d+)(?P<classifier>个|年|天|小时|倍|斤|米|元|点)?半(?P<rest>.*)")
_ENGLISH = re.compile(r"(?:\\text\{)?\s*(?P<words>[A-Za-z]+(?:(?:\s+|\s*-\s*)[A-Za-z]+)*)\s*\.?\}?")
_LEAD = re.compile(r"^(?:共|共有|一共|一共有|总共|总共有|约|大约|为|是|有|答)[:,]?")
_MINUS = re.compile(r"^(?:负|零下)")


def in_words(text: str) -> Shape | None:
    """The value of an answer in number words, with its unit; None if it is anything else."""
    english = _ENGLISH.fullmatch(text)
    if english:
        return _english(english["words"].replace("-", " ").casefold().split())
    text = _LEAD.sub("", re.sub(r"\s|\\text\{|\}", "", text))
    if not re.search(r"[\u4e00-\u9fff〇]", text) or re.search(r"[A-Za-z\\=,;(<>]", text):
        return None
    minus = _MINUS.match(text)
    found = _chinese(text[minus.end() :] if minus else text)
    return _negated(found) if minus and found is not None else found


def _negated(value: Value) -> Value:
    from qmath_cli.mathematics.meaning.terms import negative

    return Value(negative(value.term), value.unit, value.rough)


# ---------------------------------------------------------------- English


def _english(words: Sequence[str]) -> Shape | None:
    if words and words[0] in {"minus", "negative"}:
        found = _english(words[1:])
        return _negated(found) if isinstance(found, Value) else None
    value, rest = _cardinal(list(words))
    if value is None:
        return None
    if rest and not all(word.isalpha() for word in rest):
        return None
    unit = units.read(" ".join(rest)) if rest else units.NONE
    if unit.unknown:
        return None
    value *= unit.multiplier
    return Value(number(value), units.Unit(unit.dimension, unit.factor, noun=unit.noun))


def _cardinal(words: list[str]) -> tuple[Fraction | None, list[str]]:
    """The number that the words begin with, and the words behind it."""
    if words and words[0] in {"a", "an"} and len(words) > 1 and words[1] in _PARTS.keys() | _SCALES | {"dozen"}:
        words = ["one", *words[1:]]
    if words and words[0] == "half":
        return Fraction(1, 2), [word for word in words[1:] if word not in {"a", "an", "of"}]
    count = 0
    while count < len(words) and (is_number(words[count]) or (words[count] == "and" and 0 < count < len(words) - 1
                                                                and is_number(words[count + 1]))):  # fmt: skip
        count += 1
    if not count:
        return None, words
    value = _integer([word for word in words[:count] if word != "and"])
    return (None, words) if value is None else _with_part(Fraction(value), words[count:])


def _integer(words: list[str]) -> int | None:
    """The value of English number words, group by group; None where they are no number."""
    total, group = 0, 0
    for word in words:
        if word in {"thousand", "million", "billion"}:
            total += max(group, 1) * int(digits(word))
            group = 0
        elif word == "hundred":
            group = max(group, 1) * 100
        else:
            value = int(digits(word))
            if group % 10 and value < 10:
                return None
            group += value
    return total + group


def _with_part(value: Fraction, rest: list[str]) -> tuple[Fraction | None, list[str]]:
    """`two and a half`, `two thirds`, `three point five`, `one fifth of`."""
    if len(rest) >= 3 and rest[0] == "and" and rest[1] in {"a", "an", "one"} and rest[2] in _PARTS:
        return value + Fraction(1, _PARTS[rest[2]]), rest[3:]
    if len(rest) >= 3 and rest[0] == "and" and is_number(rest[1]) and rest[2] in _PARTS:
        return value + Fraction(int(digits(rest[1])), _PARTS[rest[2]]), rest[3:]
    if rest and rest[0] in _PARTS:
        return value / _PARTS[rest[0]], [word for word in rest[1:] if word != "of"]
    if len(rest) > 1 and rest[0] == "point":
        places = [digits(word) for word in rest[1:] if is_number(word) and len(digits(word)) == 1]
        if len(places) == len(rest) - 1:
            return value + Fraction(int("".join(places)), 10 ** len(places)), []
        return None, rest
    return value, rest


# ---------------------------------------------------------------- Chinese


def _chinese(text: str) -> Value | None:
    part = _FRACTION.fullmatch(text)
    if part:
        top, bottom = _decimal(part["top"]), _count(part["bottom"])
        whole = _count(part["whole"]) if part["whole"] else 0
        return None if bottom == 0 else Value(number(top / bottom + whole))
    if text in {"半", "一半"}:
        return Value(number(Fraction(1, 2)))
    return _halves(text) or _counted(text)


def _halves(text: str) -> Value | None:
    """`半小时`, `两个半小时`, `三年半`."""
    if text.startswith("半") and text[1:].removeprefix("个") in UNITS:
        return Value(number(Fraction(1, 2)), units.read(text[1:].removeprefix("个")))
    found = _HALF.fullmatch(text)
    if found is None:
        return None
    unit = found["rest"] or (found["classifier"] or "")
    if unit and unit not in UNITS and unit not in CLASSIFIERS:
        return None
    return Value(number(_decimal(found["number"]) + Fraction(1, 2)), units.read(unit) if unit else units.NONE)


def _counted(text: str) -> Value | None:
    found = _COUNT.fullmatch(text)
    if found is None or found["number"].isascii():
        return None
    numeral, rest = found["number"], found["rest"]
    if not _is_count(numeral, rest):
        return None
    value = _decimal(numeral)
    if value is None:
        return None
    unit = units.read(rest) if rest else units.NONE
    return Value(number(value * unit.multiplier), units.Unit(unit.dimension, unit.factor, noun=unit.noun))


def _is_count(numeral: str, rest: str) -> bool:
    """Whether `rest` makes the numeral a count: nothing, a unit, a classifier and a noun."""
    if re.search(r"[一二三四五六七八九]{2}", numeral.partition("点")[0]) and not re.fullmatch(_NUMERAL, numeral + rest):
        return False  # `三五个`: a few
    if not rest or rest in UNITS or rest in CLASSIFIERS or rest in MULTIPLIERS:
        return True
    classifier = next((one for one in CLASSIFIERS if rest.startswith(one)), "")
    return bool(classifier) and (len(numeral) > 1 or rest in {"种方法", "种情况", "种可能", "个解", "个人"})


def _decimal(text: str) -> Fraction:
    whole, point, places = text.partition("点")
    if point:
        decimals = "".join(str(_DIGITS[char]) for char in places)
        return _count(whole) + Fraction(int(decimals), 10 ** len(decimals))
    return Fraction(text) if text.isascii() else Fraction(_count(text))


def _count(text: str) -> int:
    """The value of a Chinese or decimal numeral; `三万五` is 35000."""
    if text.isdecimal() and text.isascii():
        return int(text)
    if not set(text) & (set(_STEPS) | set(_GROUPS)):
        return int("".join(str(_DIGITS[char]) for char in text))
    for sign, size in sorted(_GROUPS.items(), key=lambda pair: -pair[1]):
        before, found, after = text.rpartition(sign)
        if found:
            rest = _DIGITS[after] * size // 10 if after in _DIGITS else _count(after) if after else 0
            return (_count(before) if before else 1) * size + rest
    return _within_ten_thousand(text)


def _within_ten_thousand(text: str) -> int:
    total, digit, last = 0, 0, 1
    for char in text:
        if char in _STEPS:
            total += (digit or 1) * _STEPS[char]
            digit, last = 0, _STEPS[char]
        else:
            digit, last = _DIGITS[char], last if char not in "零〇" else 1
    short = digit and text[-1] in _DIGITS and len(text) > 1 and text[-2] in {"百", "千"}
    return total + (digit * last // 10 if short else digit)
