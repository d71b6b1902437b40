"""Commas between digits: `1,234,567` as one number where that is how it is meant.

Without a blank after the comma, three digits behind each, and no comma that cannot be one. Inside brackets a comma
separates thousands only where another comma has a blank: `(1,000, 2)` is a point with two coordinates, `(100,200)` too.
"""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.mathematics.meaning.rows import flat, is_sign
from qmath_cli.mathematics.tree import Atom, Fence, Node, Role, Row, Script, Space


def joined(items: Sequence[Node], *, inside: bool = False) -> list[Node]:
    """The items with digits joined over the commas that separate thousands."""
    items = [_in_brackets(item) for item in items]
    commas = [k for k, item in enumerate(items) if is_sign(item, ",")]
    tight = [k for k in commas if _separates_digits(items, k)]
    blanks = [k for k in commas if k + 1 < len(items) and isinstance(items[k + 1], Space)]
    if not tight or not all(_is_group(items, k) for k in tight) or (inside and not blanks):
        return items
    found: list[Node] = []
    for k, item in enumerate(items):
        if k in tight:
            continue
        if k - 1 in tight and isinstance(item, Atom) and isinstance(found[-1], Atom):
            found[-1] = Atom(found[-1].text + item.text, Role.NUMBER, found[-1].text + item.text)
        else:
            found.append(item)
    return found


def _in_brackets(item: Node) -> Node:
    if isinstance(item, Fence):
        return Fence(item.left, Row(tuple(joined(flat(item.body), inside=True))), item.right)
    if isinstance(item, Script) and isinstance(item.base, Fence):
        return Script(_in_brackets(item.base), item.sub, item.sup)
    return item


def _separates_digits(items: Sequence[Node], at: int) -> bool:
    return 0 < at < len(items) - 1 and _digits(items[at - 1]) != "" and _digits(items[at + 1]) != ""


def _is_group(items: Sequence[Node], at: int) -> bool:
    """Whether the comma can separate thousands: at most three digits before it, exactly three behind it."""
    before, after = _digits(items[at - 1]), _digits(items[at + 1]).partition(".")[0]
    first = at < 2 or not is_sign(items[at - 2], ",")
    return len(after) == 3 and "." not in before and (not first or (len(before) <= 3 and not before.startswith("0")))


def _digits(item: Node) -> str:
    return item.text if isinstance(item, Atom) and item.role is Role.NUMBER else ""
