r"""Which items of a row are the value, and which the words behind it.

Upright words, `%`, `°`, `\mathrm{m/s^2}`, a fraction of words and words in brackets (`9（页）`) are a unit; upright `e`
and `i` are constants, and an upright single letter is a unit only behind a value and at the end.
"""

from __future__ import annotations

from fractions import Fraction as Rational

from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import Value
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_sign, name_of, name_of_or_none
from qmath_cli.mathematics.meaning.terms import number
from qmath_cli.mathematics.tree import Atom, Fence, Fraction, Node, Role, Script, Space, Text

_MINUTES = {"′": 60, "′′": 3600}
_DEGREES = {"∘", "°"}


def is_constant(item: Node) -> bool:
    r"""Whether a word is a constant or letter: `\mathrm{e}`."""
    return isinstance(item, Text) and len(item.text.strip()) == 1 and item.text.strip().isascii()


def degrees_and_minutes(items: list[Node]) -> Value | None:
    """`30°30'` and `30°15'20''`; None for anything else."""
    items = [item for item in items if not isinstance(item, Space)]
    sizes: list[Rational] = []
    for item in items:
        if not isinstance(item, Script) or item.sup is None or not isinstance(item.base, Atom):
            return None
        mark = name_of_or_none(item.sup) or ""
        size = 1 if mark in _DEGREES else _MINUTES.get(mark)
        if size is None or item.base.role is not Role.NUMBER:
            return None
        sizes.append(Rational(item.base.text) / size)
    degrees = bool(items) and isinstance(items[0], Script) and name_of_or_none(items[0].sup or items[0]) in _DEGREES
    return Value(number(sum(sizes, Rational(0))), units.read("°")) if len(sizes) > 1 and degrees else None


def with_unit_behind(items: list[Node]) -> list[Node]:
    r"""The items with `9（页）`, `\frac{\text{m}}{\text{s}}` and `20^\circ C` at the end written as words."""
    if len(items) < 2 and not isinstance(items[0], Script):
        return items
    last = items[-1]
    if isinstance(last, Fence) and last.left in "([":
        inner = [item for item in flat(last.body) if not is_blank(item)]
        if inner and all(isinstance(_base(item), Text) for item in inner):
            return [*items[:-1], *inner]
    if isinstance(last, Fraction) and last.bar and all(_is_words(one) for one in (last.top, last.bottom)):
        return [*items[:-1], Text(f"{_words(last.top)}/{_words(last.bottom)}")]
    return _temperature(items)


def _is_words(node: Node) -> bool:
    return all(isinstance(_base(item), Text) or isinstance(item, Space) for item in flat(node)) and bool(flat(node))


def _words(node: Node) -> str:
    return " ".join(name_of(item) for item in flat(node) if not isinstance(item, Space))


def _temperature(items: list[Node]) -> list[Node]:
    r"""`20^\circ C` with the letter as a part of the unit."""
    last, before = items[-1], [item for item in items[:-1] if not isinstance(item, Space)]
    letter = name_of_or_none(last) if isinstance(last, (Atom, Text)) else None
    if letter is None or letter.strip() not in {"C", "F"} or not before or not isinstance(before[-1], Script):
        return items
    degrees = before[-1]
    if degrees.sup is None or name_of_or_none(degrees.sup) not in _DEGREES:
        return items
    unit = Text("℃" if letter.strip() == "C" else "℉")
    base = [] if is_blank(degrees.base) else [degrees.base]
    return [*before[:-1], *base, unit]


def pieces(items: list[Node]) -> list[tuple[list[Node], str]]:
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
            tight = unit in "/·" or text.endswith(("/", "·", "μ", "k")) or (unit == "Ω" and not text.endswith(" "))
            text = text + unit if tight and unit else f"{text} {unit}".strip()
    return [*found, (values, text)]


def _unit_text(item: Node, values: list[Node], after: list[Node], text: str) -> str | None:  # noqa: PLR0911
    """What an item says as a part of a unit; None if it belongs to a value."""
    if isinstance(item, Space):
        return "" if text else None
    is_last = not any(not isinstance(one, (Text, Space)) for one in after)
    if is_sign(item, "%", "‰", "Ω", "€") and is_last and values:
        return name_of(item)
    if text and is_sign(item, "/", "⋅", "·", "-", ".", "a") and after and isinstance(_base(after[0]), Text):
        return "/" if is_sign(item, "/", "a") else "·"
    if values and is_sign(item, "min", "sec", "deg") and not (after and isinstance(after[0], (Fence, Atom))):
        return name_of(item)
    base = _base(item)
    if is_sign(base, "μ") and after and isinstance(_base(after[0]), Text):
        return "μ"
    if not isinstance(base, Text) or not _is_unit_word(base.text, values, after, text):
        return None
    power = name_of(item.sup) if isinstance(item, Script) and item.sup is not None else ""
    return base.text.strip() + (f"^{power}" if power and power.lstrip("-").isdecimal() else "")


def _base(item: Node) -> Node:
    return item.base if isinstance(item, Script) else item


def _is_unit_word(text: str, values: list[Node], after: list[Node], before: str) -> bool:
    """Whether upright letters are a unit or words, and not a constant, function or variable."""
    name = text.strip()
    if name in {"e", "i", "d"} and not text.startswith(" "):
        return False
    if len(name) > 1 or not name.isascii():
        return not (after and isinstance(after[0], Fence) and name.isalpha() and name.islower() and len(name) < 5)
    is_last = not any(not isinstance(one, (Text, Space)) and not isinstance(_base(one), Text) for one in after)
    known = units.lookup(name) is not None
    return bool(before) or (bool(values) and known and (is_last or text.startswith(" ")))
