r"""Brackets and sets: points, intervals, sets with their members or conditions, unions, dictionaries.

`(1,2)` stays a point here; whether it is an interval depends on what it is compared with.
"""

from __future__ import annotations

from qmath_cli.grading.strict.kinds import EMPTY, Both, Bracketed, Builder, Items, Named, NamedSet, Region, Shape, Value
from qmath_cli.grading.strict.reading.lists import Read, is_inequality
from qmath_cli.grading.strict.reading.names import name
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_relation, is_sign, name_of_or_none, split, trimmed
from qmath_cli.mathematics.meaning.terms import Symbol
from qmath_cli.mathematics.tree import Atom, Fence, Node, Script, Space, Table, Text

_SETS = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ", "ℝ": "ℝ", "ℕ": "ℕ", "ℤ": "ℤ", "ℚ": "ℚ", "ℂ": "ℂ"}
_UNION = ("∪", "⋃")
_POSITIVE = {"*", "+", "∗"}


def region(items: list[Node], read: Read) -> Shape | None:
    r"""`A \cup B`, `A \cap B`, `A \setminus B`, `\mathbb{R}-\{0\}`; and a set that has a letter."""
    for signs, operator in ((_UNION, "∪"), (("∩", "⋂"), "∩"), (("∖", "\\"), "∖")):
        parts, found = split(items, lambda node, signs=signs: is_sign(node, *signs))  # type: ignore[misc]
        parts = [trimmed(part) for part in parts]
        if found and all(parts) and not _is_relation_between(items, parts):
            return Region(operator, tuple(read(part) for part in parts))
    return _letter_u(items, read) or _without(items, read) or named_set(items)


def _is_relation_between(items: list[Node], parts: list[list[Node]]) -> bool:
    r"""Whether a relation has the sign on one of its sides, as in `A \cap B = \{1\}`, and is not in each part."""
    related = [any(is_relation(item) for item in part) for part in parts]
    return any(is_relation(item) for item in items) and not all(related)


def _letter_u(items: list[Node], read: Read) -> Shape | None:
    """`(1,2)U(3,4)`."""
    parts, found = split(items, lambda node: is_sign(node, "U"))
    parts = [trimmed(part) for part in parts]
    if not found or not all(len(part) == 1 and isinstance(part[0], Fence) for part in parts):
        return None
    return Region("∪", tuple(read(part) for part in parts))


def _without(items: list[Node], read: Read) -> Shape | None:
    r"""`\mathbb{R}-\{0\}` and `R/{0}`: a set less some of its members."""
    parts, found = split(items, lambda node: is_sign(node, "-", "/"))
    parts = [trimmed(part) for part in parts]
    if len(parts) != 2 or not found or not all(parts):
        return None
    taken = parts[1][0]
    if len(parts[1]) != 1 or not isinstance(taken, Fence) or taken.left != "{" or named_set(parts[0]) is None:
        return None
    return Region("∖", (read(parts[0]), read(parts[1])))


def named_set(items: list[Node]) -> Shape | None:
    r"""`\mathbb{N}^*`, `\mathbb{N}_+`, `ℝ`, and a bare `Z` behind a sign of membership."""
    if len(items) != 1:
        return None
    item = items[0]
    base = item.base if isinstance(item, Script) else item
    if not isinstance(base, Atom) or base.text not in _SETS or (base.text.isascii() and not isinstance(item, Script)):
        return None
    marks = (
        [name_of_or_none(one) or "" for one in (item.sub, item.sup) if one is not None]
        if item is not base and isinstance(item, Script)
        else []
    )
    if base.text.isascii() and not marks:
        return None
    if any(mark not in _POSITIVE | {"-"} for mark in marks):
        return None
    positive = "+" if any(mark in _POSITIVE for mark in marks) else ""
    if base.text in {"R", "Z", "N", "Q"} and not positive:
        return None
    return NamedSet(_SETS[base.text] + (positive or "".join(marks)))


def as_set(shape: Shape) -> Shape:
    """A bare capital behind a sign of membership as the set that it stands for."""
    if isinstance(shape, Value) and isinstance(shape.term, Symbol) and shape.term.name in _SETS:
        return NamedSet(_SETS[shape.term.name])
    return shape


def bracketed(items: list[Node], read: Read) -> Shape | None:
    """One pair of brackets around everything, or a point with its label."""
    items = [item for item in items if not is_blank(item) and not isinstance(item, Space)]
    if len(items) == 2 and isinstance(items[0], Atom) and items[0].text.isupper() and len(items[0].text) == 1:
        labelled = _pair(items[1], read)
        return Named(items[0].text, labelled) if isinstance(labelled, Bracketed) else None
    if len(items) != 1 or not isinstance(items[0], Fence):
        return None
    fence = items[0]
    if fence.left in {"{"}:
        return _braces(flat(fence.body), read)
    return _pair(fence, read)


def _pair(item: Node, read: Read) -> Shape | None:
    if not isinstance(item, Fence) or item.left not in {"(", "[", "⟨"}:
        return None
    inner = flat(item.body)
    parts, commas = split(inner, lambda node: is_sign(node, ",", ";"))
    if commas:
        opening = "[" if item.left == "[" else "("
        closing = "]" if item.right == "]" else ")"
        return Bracketed(opening, tuple(read(trimmed(part)) for part in parts), closing)
    if len(inner) == 1 and isinstance(inner[0], Table):
        return None
    return read(inner) if (item.left, item.right) in {("(", ")"), ("[", "]")} else None


def _braces(inner: list[Node], read: Read) -> Shape:
    inner = trimmed(inner)
    if not inner:
        return EMPTY
    bars = [k for k, node in enumerate(inner) if is_sign(node, "∣", "|")]
    colons = [k for k, node in enumerate(inner) if is_sign(node, ":")]
    if not bars and colons:
        dictionary = _dictionary(inner, read)
        if dictionary is not None:
            return dictionary
    if bars or colons:
        at = (bars or colons)[0]
        return _builder(inner[:at], inner[at + 1 :], read)
    parts, _ = split(inner, lambda node: is_sign(node, ",", ";") or (isinstance(node, Text) and not node.text.strip()))
    shapes = [read(part) for part in parts if trimmed(part)]
    if len(shapes) == 1 and is_inequality(shapes[0]):
        return shapes[0]
    return Items(tuple(one for shape in shapes for one in _signed_values(shape)), braces=True)


def _signed_values(shape: Shape) -> tuple[Shape, ...]:
    r"""The two values of `\pm 1` in a set."""
    return shape.items if isinstance(shape, Items) and not shape.braces else (shape,)


def _dictionary(inner: list[Node], read: Read) -> Shape | None:
    """`{x: 2, y: 3}`, as Python prints it."""
    parts, _ = split(inner, lambda node: is_sign(node, ","))
    named: list[Shape] = []
    for part in parts:
        sides, _ = split(part, lambda node: is_sign(node, ":"))
        head = name(trimmed(sides[0])) if len(sides) == 2 else None
        if head is None:
            return None
        named.append(Named(head.text, read(trimmed(sides[1])), head.term))
    return named[0] if len(named) == 1 else Both(tuple(named))


def _builder(left: list[Node], right: list[Node], read: Read) -> Shape:
    r"""`\{x \mid x > 1\}`: the condition alone where it is about the member; otherwise both."""
    member, condition = read(left), read(right)
    from qmath_cli.grading.strict.kinds import Conditioned, Member

    if isinstance(member, Member):
        conditions: tuple[Shape, ...] = (member, condition)
        member = member.subject
    else:
        conditions = (condition,)
    flat_conditions: list[Shape] = []
    for one in conditions:
        if isinstance(one, Conditioned):
            flat_conditions += [one.shape, *one.conditions]
        elif isinstance(one, Both):
            flat_conditions += one.parts
        else:
            flat_conditions.append(one)
    return Builder(member, tuple(flat_conditions))
