r"""Leaves: one value with its unit and the words around it, a composite quantity, or words.

Words before a value are left out only if they introduce it (`there are`, `最大值为`, `约`); a negation or comparison is
not. Words behind it are a unit or the thing that is counted (`units`). Anything else is not understood, and says so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import Congruence, Shape, Value, Words
from qmath_cli.grading.strict.reading import introductions, quantities
from qmath_cli.grading.strict.reading.relations import residue
from qmath_cli.grading.strict.reading.unit_words import degrees_and_minutes, is_constant, pieces, with_unit_behind
from qmath_cli.grading.strict.units import NONE, Unit
from qmath_cli.mathematics.meaning.expressions import expression
from qmath_cli.mathematics.meaning.rows import is_sign, name_of_or_none
from qmath_cli.mathematics.meaning.terms import Constant, NotUnderstood, Product, Term, number, product
from qmath_cli.mathematics.tree import Atom, Node, Space, Text

_CURRENCIES = frozenset({"$", "¥", "￥", "€", "£", "₹", "US$", "USD", "RMB", "S$", "A$"})


def leaf(items: list[Node]) -> Shape:
    """The shape of a row without separators and relations. Raises `NotUnderstood`."""
    items = _articles([item for item in items if not isinstance(item, Text) or item.text.strip()])
    found = residue(items, leaf)
    if isinstance(found, Congruence):
        return found
    if all(isinstance(item, Space) or is_constant(item) or is_sign(item, "-") for item in items):
        return _value(items, "", "")
    if any(isinstance(item, Text) for item in items) and _is_wording(items):
        return Words(re.sub(r"\s+", " ", " ".join(_written(item) for item in items)).strip())
    return degrees_and_minutes(items) or _quantity(items)


def _is_wording(items: list[Node]) -> bool:
    """Whether items are a sentence: words, punctuation, and nothing to compute."""
    signs = ("-", "!", "?", "'", "′", ",", ".", ";", ":", "a", "A", "I", "/")
    return all(isinstance(item, (Text, Space)) or is_sign(item, *signs) for item in items)


def _articles(items: list[Node]) -> list[Node]:
    """The items with `a` and `an` before words as words."""
    found: list[Node] = []
    for k, item in enumerate(items):
        after = items[k + 1] if k + 1 < len(items) else None
        if is_sign(item, "a", "A") and isinstance(after, Text) and len(after.text.strip()) > 1 and len(items) > 2:
            found.append(Text("a"))
        elif is_sign(item, "n") and k == 1 and is_sign(items[0], "a", "A") and isinstance(after, Text):
            found[0] = Text("an")
        else:
            found.append(item)
    return found


def _written(item: Node) -> str:
    return item.text if isinstance(item, (Atom, Text)) else " "


# ---------------------------------------------------------------- quantities


def _quantity(items: list[Node]) -> Shape:
    """A value with its unit; several of one dimension are added: `2小时30分`, `5 ft 6 in`."""
    currency, items = _currency(items)
    found = pieces(with_unit_behind(items))
    introduction = introductions.read(found[0][1]) if not found[0][0] else introductions.NONE
    parts = [(values, text) for values, text in found if values]
    if not parts:
        return Words(" ".join(text for _, text in found).strip())
    if len(parts) > 1 and all(not text for _, text in parts[1:]):
        raise NotUnderstood(f"the words {parts[0][1]!r} between two numbers")
    shape = _value(*parts[0], currency) if len(parts) == 1 else _composite(parts)
    return replace(shape, rough=introduction.rough, limit=introduction.limit)


def _currency(items: list[Node]) -> tuple[str, list[Node]]:
    r"""A currency sign before or behind the number as its unit: `\$5`, `-¥3`, `12\$`."""
    places = [*range(min(3, len(items))), len(items) - 1]
    for k in places:
        name = name_of_or_none(items[k]) if isinstance(items[k], (Atom, Text)) else None
        if name is not None and name.strip() in _CURRENCIES and len(items) > 1:
            letters = _letters_before(items, k)
            return name.strip(), [*items[: k - letters], *items[k + 1 :]]
    return "", items


def _letters_before(items: list[Node], at: int) -> int:
    """How many letters before a dollar sign belong to it: `US$`."""
    return 2 if at >= 2 and is_sign(items[at - 2], "U") and is_sign(items[at - 1], "S") else 0


def _value(values: list[Node], text: str, currency: str) -> Value:
    if introductions.NEGATIONS.search(text):
        raise NotUnderstood(f"the words {text!r}")
    unit = units.read(f"{text} {currency}".strip()) if text or currency else NONE
    term = expression(values)
    if unit == NONE:
        term, unit = _degrees(term)
    if unit.multiplier != 1:
        term = product(term, number(unit.multiplier))
        unit = replace(unit, multiplier=Fraction(1))
    return Value(term, unit)


def _degrees(term: Term) -> tuple[Term, Unit]:
    """A term in degrees as its number and the unit."""
    if isinstance(term, Product) and term.factors[-1] is Constant.DEGREE:
        rest = term.factors[:-1]
        return (rest[0] if len(rest) == 1 else Product(rest)), units.read("°")
    return term, NONE


def _composite(parts: list[tuple[list[Node], str]]) -> Value:
    """Several quantities as one: their units have one dimension and become smaller."""
    found = quantities.added([(expression(values), units.read(text)) for values, text in parts])
    if found is None:
        raise NotUnderstood("several numbers with words between them")
    return found
