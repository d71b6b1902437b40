r"""`\pm`: an answer that stands for two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace

from qmath_cli.grading.strict.kinds import Items, Shape
from qmath_cli.mathematics.meaning.rows import is_relation, split
from qmath_cli.mathematics.tree import Atom, Fence, Node, Role

_UPPER = {"±": "+", "∓": "-"}
_LOWER = {"±": "-", "∓": "+"}


def both_signs(items: list[Node], read: Callable[[list[Node]], Shape]) -> Shape | None:
    r"""The two answers that `±` stands for; None where there is none, or a relation has it in its last side only.

    `x=\pm2` is the name of two values; `3x\pm4y=0` is two equations.
    """
    in_a_set = len(items) == 1 and isinstance(items[0], Fence) and items[0].left == "{"
    sides, relations = split(items, is_relation)
    before_last = [item for side in sides[:-1] for item in side] if relations else items
    if in_a_set or not any(has_sign(item) for item in before_last):
        return None
    return Items(tuple(read([_with(item, signs) for item in items]) for signs in (_UPPER, _LOWER)))


def has_sign(node: object) -> bool:
    """Whether a `±` or `∓` occurs in a node."""
    if isinstance(node, Atom):
        return node.text in _UPPER
    if isinstance(node, tuple):
        return any(has_sign(one) for one in node)
    return is_dataclass(node) and any(has_sign(getattr(node, one.name)) for one in fields(node))


def _with(node: Node, signs: dict[str, str]) -> Node:
    if isinstance(node, Atom):
        return Atom(signs[node.text], Role.BINARY) if node.text in signs else node
    changes = {one.name: _value(getattr(node, one.name), signs) for one in fields(node)}
    return replace(node, **changes)  # type: ignore[arg-type]


def _value(value: object, signs: dict[str, str]) -> object:
    if isinstance(value, tuple):
        return tuple(_value(one, signs) for one in value)
    return _with(value, signs) if is_dataclass(value) else value  # type: ignore[arg-type]
