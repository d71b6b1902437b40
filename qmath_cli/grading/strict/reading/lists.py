r"""Lists: answers between commas, `and`, `or`, and what they are together.

Statements about one variable joined by `or` are alternatives, others hold together; values are a list without order.
What restricts a letter of the parts before it (`k\in\mathbb{Z}`, `x>0`) is a side condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.grading.strict.kinds import (
    Both,
    Conditioned,
    Congruence,
    Either,
    Items,
    Member,
    Named,
    Relation,
    Shape,
    Value,
    Words,
)
from qmath_cli.grading.strict.reading import introductions
from qmath_cli.grading.strict.reading import quantities as amounts
from qmath_cli.grading.strict.reading.letters_in import names_in
from qmath_cli.grading.strict.reading.numbered import without_numbers
from qmath_cli.grading.strict.units import NONE
from qmath_cli.mathematics.meaning.rows import is_sign, split, trimmed
from qmath_cli.mathematics.tree import Atom, Node, Role, Space, Table, Text

Read = Callable[[list[Node]], Shape]

_AND = frozenset({"and", "和", "与", "且", "及", "以及", "并且", "同时", "&"})
_OR = frozenset({"or", "或", "或者", "and/or", "或是"})
_INEQUALITIES = frozenset({"<", "<=", ">", ">=", "!="})
_WIDE = 2  # columns of a blank that separates, as `\quad` does


def listed(items: list[Node], read: Read) -> Shape | None:
    """What the parts between separators are together; None where there is no separator."""
    parts, separators = split(items, _separates)
    parts = without_numbers([trimmed(part) for part in parts if trimmed(part)])
    if not separators or not parts or all(_is_text(item) for part in parts for item in part):
        return None
    if len(parts) == 1:
        return read(parts[0])
    alternatives = _alternatives(items, read)
    if alternatives is not None:
        return alternatives
    shapes = _labelled(parts, read)
    either = any(_is_or(one) for one in separators)
    if all(is_sign(one, "∧", "∨") for one in separators) and not any(is_statement(one) for one in shapes):
        return Either(tuple(shapes)) if either else Both(tuple(shapes))
    return together(shapes, either=either)


def together(shapes: list[Shape], *, either: bool) -> Shape:
    """Several shapes as one."""
    main, conditions = ([], []) if either else _split_off(shapes)
    if conditions:
        return Conditioned(main[0] if len(main) == 1 else together(main, either=either), tuple(conditions))
    shapes = _flattened(shapes)
    if all(is_inequality(one) for one in shapes):
        excluded = all(isinstance(one, Relation) and one.signs == ("!=",) for one in shapes)
        return Either(tuple(shapes)) if either and not excluded else Both(tuple(shapes))
    return (
        _exclusions(shapes)
        or _values_of_names(shapes, either=either)
        or _statements(shapes, either=either)
        or _plain(shapes)
    )


def is_statement(shape: Shape) -> bool:
    """Whether a shape says something, as an equation does, and does not stand for a value."""
    if isinstance(shape, Conditioned):
        return is_statement(shape.shape)
    return isinstance(shape, (Relation, Named, Member, Both, Either, Congruence))


def is_inequality(shape: Shape) -> bool:
    """Whether a shape is an inequality, or several."""
    if isinstance(shape, (Both, Either)):
        return all(is_inequality(one) for one in shape.parts)
    return isinstance(shape, Relation) and set(shape.signs) <= _INEQUALITIES


# ---------------------------------------------------------------- labels and alternatives


def _labelled(parts: list[list[Node]], read: Read) -> list[Shape]:
    """The shapes of the parts; values with different words in front keep them as their names."""
    labels = [_label(part) for part in parts]
    if not all(labels) or len(set(labels)) < len(parts):
        return [read(part) for part in parts]
    found: list[Shape] = []
    for part, name in zip(parts, labels, strict=True):
        shape = read(part[2:] if len(part) > 2 and is_sign(part[1], ":") else part)
        found.append(shape if is_statement(shape) else Named(name, shape))
    return found


def _label(part: list[Node]) -> str:
    """The words in front of a part, or behind it where it counts things; empty without any."""
    if len(part) > 2 and isinstance(part[0], Text) and is_sign(part[1], ":"):
        return introductions.label(part[0].text)
    if isinstance(part[0], Text) and any(not isinstance(item, (Text, Space)) for item in part):
        return introductions.label(part[0].text)
    return ""


def _alternatives(items: list[Node], read: Read) -> Shape | None:
    """`x=2, y=3` or `x=3, y=2`: several values of the same names; None for anything else."""
    parts, joints = split(items, _is_or)
    tables = all(len(trimmed(part)) == 1 and isinstance(trimmed(part)[0], Table) for part in parts)
    if not joints or not (tables or all(any(is_sign(item, ",") for item in part) for part in parts)):
        return None
    shapes = [read(trimmed(part)) for part in parts]
    if not all(isinstance(one, Both) and all(isinstance(part, Named) for part in one.parts) for one in shapes):
        return None
    return Items(tuple(shapes))


# ---------------------------------------------------------------- separators


def _separates(node: Node) -> bool:
    if isinstance(node, Text):
        return node.text.strip().casefold() in _AND | _OR
    return is_sign(node, ",", "∧", "∨") or (isinstance(node, Space) and node.columns >= _WIDE)


def _is_or(node: Node) -> bool:
    return is_sign(node, "∨") or (isinstance(node, Text) and node.text.strip().casefold() in _OR)


def _is_text(node: Node) -> bool:
    return isinstance(node, (Text, Space)) or (isinstance(node, Atom) and node.role is Role.PUNCTUATION)


# ---------------------------------------------------------------- what parts are together


def _split_off(shapes: list[Shape]) -> tuple[list[Shape], list[Shape]]:
    """The parts that answer, and the side conditions on their letters."""
    main = shapes[:1]
    conditions: list[Shape] = []
    for one in shapes[1:]:
        known = frozenset[str]().union(*(names_in(part) for part in main))
        (conditions if _restricts(one, known, main) else main).append(one)
    return main, conditions


def _restricts(shape: Shape, known: frozenset[str], main: Sequence[Shape]) -> bool:
    if isinstance(shape, Words):
        return bool(known) and any(
            word in shape.text for word in ("整数", "常数", "实数", "integer", "constant", "real")
        )
    if isinstance(shape, Both):
        return all(_restricts(one, known, main) for one in shape.parts)
    if isinstance(shape, Member):
        return bool(names_in(shape.subject) & known)
    if all(is_inequality(one) for one in main):
        return False
    return is_inequality(shape) and bool(names_in(shape) & known) and not any(isinstance(one, Items) for one in main)


def _flattened(shapes: list[Shape]) -> list[Shape]:
    """The shapes, with the values of `±` and of `a = b = 2` one by one."""
    found: list[Shape] = []
    for one in shapes:
        if isinstance(one, Items) and not one.braces:
            found += one.items
        elif isinstance(one, Both) and all(isinstance(part, Named) for part in one.parts):
            found += one.parts
        else:
            found.append(one)
    return found


def _exclusions(shapes: list[Shape]) -> Shape | None:
    r"""`x\ne1, -1`: the second value is excluded too."""
    first = shapes[0]
    if (
        not isinstance(first, Relation)
        or first.signs != ("!=",)
        or not all(isinstance(one, Value) for one in shapes[1:])
    ):
        return None
    others = [Relation((first.terms[0], one.term), ("!=",)) for one in shapes[1:] if isinstance(one, Value)]
    return Both((first, *others))


def _values_of_names(shapes: list[Shape], *, either: bool) -> Shape | None:
    """`x = 2, 3` and `x_1 = 2, x_2 = 3` are lists; names with other letters keep them."""
    first = shapes[0]
    if not isinstance(first, Named):
        return None
    if not any(is_statement(one) for one in shapes[1:]):
        return Items((first.value, *shapes[1:]))
    if not all(isinstance(one, Named) for one in shapes):
        return None
    named = [one for one in shapes if isinstance(one, Named)]
    letters = {one.name.partition("_")[0] for one in named}
    if len(letters) == 1 and not any(one.parameter for one in named):
        return Items(tuple(_flattened([one.value for one in named])))
    return Either(tuple(shapes)) if either else Both(tuple(shapes))


def _statements(shapes: list[Shape], *, either: bool) -> Shape | None:
    if not all(is_statement(one) for one in shapes):
        return None
    return Either(tuple(shapes)) if either else Both(tuple(shapes))


def _plain(shapes: list[Shape]) -> Shape:
    """A list; a unit at its end applies to all values. Quantities in ever smaller units are one (`1 h, 30 min`)."""
    last = shapes[-1]
    quantities = [(one.term, one.unit) for one in shapes if isinstance(one, Value) and one.unit.is_known]
    if len(quantities) == len(shapes) and (whole := amounts.added(quantities)) is not None:
        return whole
    if isinstance(last, Value) and last.unit != NONE:
        shapes = [
            Value(one.term, last.unit, one.rough) if isinstance(one, Value) and one.unit == NONE else one
            for one in shapes
        ]
    return Items(tuple(shapes))
