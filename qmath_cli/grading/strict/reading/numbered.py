"""Marks of numbered parts: `(1) 8; (2) -2`, `① 8 ② -2`, `(i) 8 (ii) -2`."""

from __future__ import annotations

from qmath_cli.mathematics.meaning.rows import is_sign, name_of_or_none, trimmed
from qmath_cli.mathematics.tree import Atom, Fence, Node, Text

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi")


def without_numbers(parts: list[list[Node]]) -> list[list[Node]]:
    """The parts without `(1)`, `(2)` in front, if all have them in order."""
    for number, part in enumerate(parts, 1):
        first = part[0]
        if len(parts) < 2 or len(part) < 2 or not isinstance(first, Fence) or _only_atom(first) != str(number):
            return parts
    return [trimmed(part[1:]) for part in parts]


def numbered(items: list[Node]) -> list[list[Node]] | None:
    """The parts of `(1) 8 (2) -2` and `① 8 ② -2`; None where the numbers do not begin the row and count up."""
    starts = [k for k, item in enumerate(items) if _mark(item)]
    marks = [_mark(items[k]) for k in starts]
    if len(marks) < 2 or starts[0] != 0 or marks != list(range(1, len(marks) + 1)):
        return None
    parts = [_bare(items[k + 1 : end]) for k, end in zip(starts, [*starts[1:], len(items)], strict=True)]
    return parts if all(parts) else None


def _bare(items: list[Node]) -> list[Node]:
    found = trimmed(items)
    while found and is_sign(found[-1], ",", ";", "."):
        found = trimmed(found[:-1])
    return found


def _mark(item: Node) -> int:
    """The number of a mark of a list: `(1)`, `①`; 0 for anything else."""
    if isinstance(item, Fence) and (item.left, item.right) == ("(", ")"):
        text = _only_atom(item)
        roman = name_of_or_none(item.body) or ""
        if roman in _ROMAN:
            return _ROMAN.index(roman) + 1
        return int(text) if text.isdecimal() and len(text) == 1 else 0
    text = item.text.strip() if isinstance(item, (Atom, Text)) else ""
    return ord(text) - ord("①") + 1 if len(text) == 1 and "①" <= text <= "⑳" else 0


def _only_atom(fence: Fence) -> str:
    body = fence.body
    items = getattr(body, "items", (body,))
    return items[0].text if len(items) == 1 and isinstance(items[0], Atom) else ""
