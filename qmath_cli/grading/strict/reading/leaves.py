r"""Leaves: one value with its unit and the words around it, a composite quantity, or words.

Words before a value are left out only if they introduce it (`there are`, `最大值为`, `约`); a negation or comparison is
not. Words behind it are a unit or the thing that is counted (`units`). Anything else is not understood, and says so.
"""

from __future__ import annotations

import re
from fractions import Fraction

from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import Congruence, Shape, Value, Words
from qmath_cli.grading.strict.reading.relations import residue
from qmath_cli.grading.strict.units import NONE, Unit
from qmath_cli.mathematics.meaning.expressions import expression
from qmath_cli.mathematics.meaning.rows import is_sign, name_of, name_of_or_none
from qmath_cli.mathematics.meaning.terms import Constant, NotUnderstood, Product, Sum, Term, number, product
from qmath_cli.mathematics.tree import Atom, Fence, Node, Role, Script, Space, Text

_CURRENCIES = frozenset("$¥￥€£₹")
_INTRODUCTIONS = re.compile(
    r"(?i)(?:(?:the|a|an|is|are|was|be|there|exactly|about|approximately|approx|roughly|around|nearly|total|of|we|it|has"
    r"|have|get|got|answer|value|values|area|volume|length|width|height|sum|product|number|probability|perimeter|ratio|angle"
    r"|maximum|minimum|max|min|largest|smallest|greatest|least|at|most|only|just|in|all|will|would|must|can|be|equals?|to"
    r"|by|final|therefore|thus|hence|so|that|this|they|he|she|i|costs?|needs?|takes?|pays?|earns?|makes?|remaining"
    r"|distance|speed|time|age|cost|price|average|mean|median|different|possible|distinct)[\s,:]*)+"
)
_HAN_INTRODUCTION = re.compile(
    r"(?:.*(?:是|为|等于|有|共|约|得|得到|剩|剩下|需|需要|要|用|花|付|答|解|第|至少|至多|最多|最少|恰好|正好|大约|总共|一共|合计"
    r"|即|达|值|率|积|长|和|差|商|距离|速度|年龄|上午|下午|选|每|高|宽|重|概率|面积|体积|周长|半径|直径|余))?[:,]?"
)
_NEGATIONS = re.compile(
    r"(?i)\b(?:not|no|never|less|more|greater|fewer|below|above|over|under|between|than|except|minus|negative|isn|aren"
    r"|cannot)\b|不|没|无|非|超过|小于|大于|少于|多于|低于|高于|除"
)
_ABOUT = re.compile(r"(?i)about|approx|roughly|around|nearly|约")
_MINUTES = {"′": 60, "′′": 3600}


def leaf(items: list[Node]) -> Shape:
    """The shape of a row without separators and relations. Raises `NotUnderstood`."""
    items = [item for item in items if not isinstance(item, Text) or item.text.strip()]
    found = residue(items, leaf)
    if isinstance(found, Congruence):
        return found
    if all(isinstance(item, Space) or _is_constant(item) or is_sign(item, "-") for item in items):
        return _value(items, "", "", rough=False)
    article = len(items) > 1 and is_sign(items[0], "a", "A") and isinstance(items[1], Text)
    if all(isinstance(item, (Text, Space)) or is_sign(item, "-", "!", "?", "'") for item in items[article:]):
        return _words(items)
    angle = _degrees_and_minutes(items)
    return angle if angle is not None else _quantity(items)


def _is_constant(item: Node) -> bool:
    r"""Whether a word is a constant or letter: `\mathrm{e}`."""
    return isinstance(item, Text) and len(item.text.strip()) == 1 and item.text.strip().isascii()


def _words(items: list[Node]) -> Words:
    parts = [item.text if isinstance(item, Atom) else item.text if isinstance(item, Text) else " " for item in items]
    return Words(re.sub(r"\s+", " ", " ".join(parts)).strip())


def _degrees_and_minutes(items: list[Node]) -> Shape | None:
    """`30°30'` and `30°15'20''`; None for anything else."""
    items = [item for item in items if not isinstance(item, Space)]
    sizes: list[Fraction] = []
    for item in items:
        if not isinstance(item, Script) or item.sup is None or not isinstance(item.base, Atom):
            return None
        mark = name_of_or_none(item.sup)
        size = 1 if mark in {"∘", "°"} else _MINUTES.get(mark or "")
        if size is None or item.base.role is not Role.NUMBER:
            return None
        sizes.append(Fraction(item.base.text) / size)
    return Value(number(sum(sizes, Fraction(0))), units.read("°")) if len(sizes) > 1 else None


# ---------------------------------------------------------------- quantities


def _quantity(items: list[Node]) -> Shape:
    """A value with its unit; several of one dimension are added: `2小时30分`, `5 ft 6 in`."""
    minus, items = _currency(items)
    pieces = _pieces(items)
    rough = _check_introduction(pieces)
    parts = [(values, text) for values, text in pieces if values]
    if len(parts) == 1 or all(not text for _, text in parts[1:]):
        values = [item for found, _ in parts for item in found]
        return _value(values, parts[0][1] if len(parts) == 1 else "", minus, rough=rough)
    return _composite(parts)


def _currency(items: list[Node]) -> tuple[str, list[Node]]:
    r"""A currency sign before the number moves behind it: `\$5`, `-¥3`."""
    for k, item in enumerate(items[:3]):
        name = name_of_or_none(item) if isinstance(item, (Atom, Text)) else None
        if name is not None and name.strip() in _CURRENCIES | {"US$", "USD", "RMB"} and len(items) > k + 1:
            rest = [*items[:k], *items[k + 1 :]]
            return name.strip(), rest
    return "", items


def _pieces(items: list[Node]) -> list[tuple[list[Node], str]]:
    """The row as values with the words behind each; words in front have no value."""
    found: list[tuple[list[Node], str]] = []
    values: list[Node] = []
    text = ""
    for k, item in enumerate(items):
        unit = _unit_text(item, values, items[k + 1 :], text)
        if unit is None:
            if text:
                found.append((values, text))
                values, text = [], ""
            values.append(item)
        else:
            text = text + unit if unit in "/·" or text.endswith(("/", "·", "μ")) else f"{text} {unit}".strip()
    return [*found, (values, text)]


def _unit_text(item: Node, values: list[Node], after: list[Node], text: str) -> str | None:  # noqa: PLR0911
    """What an item says as a part of a unit; None if it belongs to a value."""
    if isinstance(item, Space):
        return "" if text else None
    if is_sign(item, "%") and not any(not isinstance(one, (Text, Space)) for one in after):
        return "%"
    if text and is_sign(item, "/", "⋅", "·", "-", ".") and after and isinstance(_base(after[0]), Text):
        return "/" if is_sign(item, "/") else "·"
    base = _base(item)
    if values and is_sign(item, "min", "sec") and not (after and isinstance(after[0], (Fence, Atom))):
        return name_of(item)
    if is_sign(base, "μ") and after and isinstance(_base(after[0]), Text):
        return "μ"
    if not isinstance(base, Text) or not _is_unit_word(base.text, values, after, text, scripted=base is not item):
        return None
    power = name_of(item.sup) if isinstance(item, Script) and item.sup is not None else ""
    return base.text.strip() + (f"^{power}" if power and power.lstrip("-").isdecimal() else "")


def _base(item: Node) -> Node:
    return item.base if isinstance(item, Script) else item


def _is_unit_word(text: str, values: list[Node], after: list[Node], before: str, *, scripted: bool) -> bool:
    """Whether upright letters are a unit or words, and not a constant, function or variable."""
    name = text.strip()
    if name in {"e", "i", "d"} and not text.startswith(" "):
        return False
    if len(name) > 1 or not name.isascii():
        return not (after and isinstance(after[0], Fence) and name.isalpha() and name.islower() and len(name) < 5)
    is_last = not any(not isinstance(one, (Text, Space)) and not isinstance(_base(one), Text) for one in after)
    known = units.lookup(name) is not None
    return bool(before) or (bool(values) and known and is_last and (not scripted or text.startswith(" ") or known))


def _check_introduction(pieces: list[tuple[list[Node], str]]) -> bool:
    """Refuse words in front that do more than introduce the value; return whether they say that it is rounded."""
    values, text = pieces[0]
    if values:
        return False
    if _NEGATIONS.search(text):
        raise NotUnderstood(f"the words {text!r}")
    latin = re.sub(r"[^\x00-\x7f]+", " ", text).strip(" :,.'")
    han = re.sub(r"[\x00-\x7f]+", "", text)
    if not (not latin or _INTRODUCTIONS.fullmatch(latin + " ")) or not _HAN_INTRODUCTION.fullmatch(han):
        raise NotUnderstood(f"the words {text!r}")
    return _ABOUT.search(text) is not None


def _value(values: list[Node], text: str, currency: str, *, rough: bool) -> Shape:
    if _NEGATIONS.search(text):
        raise NotUnderstood(f"the words {text!r}")
    unit = units.read(f"{text} {currency}".strip()) if text or currency else NONE
    term = expression(values)
    if unit == NONE:
        term, unit = _degrees(term)
    if unit.multiplier != 1:
        term = product(term, number(unit.multiplier))
        unit = Unit(unit.dimension, unit.factor, 1, unit.unknown, unit.counted)
    return Value(term, unit, rough)


def _degrees(term: Term) -> tuple[Term, Unit]:
    """A term in degrees as its number and the unit."""
    if isinstance(term, Product) and term.factors[-1] is Constant.DEGREE:
        rest = term.factors[:-1]
        return (rest[0] if len(rest) == 1 else Product(rest)), units.read("°")
    return term, NONE


def _composite(parts: list[tuple[list[Node], str]]) -> Shape:
    """Several quantities as one: their units have one dimension and become smaller."""
    read = [(expression(values), units.read(text)) for values, text in parts]
    first = _cents(read)
    sizes = [unit.factor for _, unit in first]
    one_dimension = len({unit.dimension for _, unit in first}) == 1 and first[0][1].is_known
    if not one_dimension or sizes != sorted(sizes, reverse=True) or len(set(sizes)) < len(sizes):
        raise NotUnderstood("several numbers with words between them")
    total = Sum(tuple(product(term, number(unit.factor)) for term, unit in first))
    return Value(total, Unit(first[0][1].dimension))


def _cents(read: list[tuple[Term, Unit]]) -> list[tuple[Term, Unit]]:
    """`3元5角2分`: behind money a `分` is a hundredth, not a minute."""
    money = units.read("元").dimension
    minute = units.read("分")
    if read[0][1].dimension != money:
        return read
    return [(term, Unit(money, Fraction(1, 100)) if unit == minute else unit) for term, unit in read]
