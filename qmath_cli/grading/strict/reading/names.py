r"""Names: what may stand at the left of `=` so that the right side is the answer.

`x`, `x_1`, `AB`, `f(x)`, `f^{-1}(x)`, `P(A)`, `\sin A`, `\tan 2\alpha`, `|z|`, `\angle ABC`, `\vec a\cdot\vec b`,
`\frac{dy}{dx}`, `AB:BC`, words. A sum, a power, a product of small letters or a number is no name: `x+2=5` is an
equation, and not the value 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmath_cli.mathematics.meaning.expressions import expression
from qmath_cli.mathematics.meaning.rows import flat, is_blank, is_sign, name_of_or_none, split
from qmath_cli.mathematics.meaning.terms import NotUnderstood, Term
from qmath_cli.mathematics.tree import Accent, AccentMark, Atom, Fence, Fraction, Node, Role, Row, Script, Space, Text

_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "cot", "sec", "csc"})
_CONSTANTS = frozenset("πei")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as a text, as a term where it has one, and the parameter of a function."""

    text: str
    term: Term | None = None
    parameter: str = ""


def name(items: list[Node]) -> Name | None:
    """The name that a row is; None for anything else."""
    items = [item for item in items if not is_blank(item) and not isinstance(item, Space)]
    if not items:
        return None
    if len(items) == 1 and _is_single(items[0]):
        return Name(_written(items[0]), _term(items))
    for test in (_function, _sets, _capitals, _trigonometric, _dot_product, _ratio, _words):
        found = test(items)
        if found is not None:
            return found
    return None


def _written(item: Node) -> str:
    if isinstance(item, Fraction):
        return f"{name_of_or_none(item.top)}/{name_of_or_none(item.bottom)}"
    return name_of_or_none(item) or ""


def _is_single(item: Node) -> bool:
    """Whether one node is a name."""
    if isinstance(item, Atom):
        return item.role in {Role.ORDINARY, Role.FUNCTION} and item.text[:1].isalpha() and item.text not in _CONSTANTS
    if isinstance(item, Script):
        sup = name_of_or_none(item.sup) if item.sup is not None else ""
        return _is_single(item.base) and item.base is not None and (sup == "" or _is_mark(sup))
    if isinstance(item, Accent):
        return item.mark is not AccentMark.CANCEL and name_of_or_none(item.body) is not None
    if isinstance(item, Fraction):
        parts = [name_of_or_none(one) or "" for one in (item.top, item.bottom)]
        return item.bar and all(part[:1] in {"d", "∂"} and len(part) > 1 for part in parts)
    if isinstance(item, Fence) and item.left in {"|", "‖"}:
        inner = flat(item.body)
        return len(inner) > 0 and name(inner) is not None
    return isinstance(item, Text) and len(item.text.strip()) >= 1 and item.text.strip() not in {"e", "i"}


def _is_mark(sup: str | None) -> bool:
    return sup is not None and (set(sup) == {"′"} or sup in {"*", "+", "-", "-1", "T"})


def _term(items: list[Node]) -> Term | None:
    try:
        return expression(items)
    except NotUnderstood:
        return None


def _function(items: list[Node]) -> Name | None:
    r"""`f(x)`, `f^{-1}(x)`, `P(A)`, `E(X)`, `d(x, y)`."""
    if len(items) != 2 or not isinstance(items[1], Fence) or items[1].left != "(":
        return None
    head, inner = items[0], flat(items[1].body)
    base = head.base if isinstance(head, Script) else head
    is_head = isinstance(base, Atom) and base.role in {Role.ORDINARY, Role.FUNCTION} and base.text[:1].isalpha()
    if not is_head and not isinstance(base, Text):
        return None
    arguments, _ = split(inner, lambda node: is_sign(node, ",", "∣"))
    if not all(len(one) == 1 or _is_simple(one) for one in arguments):
        return None
    parameter = name_of_or_none(arguments[0][0]) if len(arguments) == len(arguments[0]) == 1 else None
    is_letter = parameter is not None and parameter.isalpha()
    head_name = name_of_or_none(head) or ""
    text = f"{head_name}({', '.join(name_of_or_none(Row(tuple(one))) or '?' for one in arguments)})"
    return Name(text, _term(items), parameter if is_letter and parameter is not None else "")


def _is_simple(items: list[Node]) -> bool:
    written = name_of_or_none(Row(tuple(items)))
    return written is not None and len(written) <= 8


def _capitals(items: list[Node]) -> Name | None:
    r"""`AB`, `ABC`, `\angle ABC`, `\triangle ABC`, `m\angle A`."""
    start = 1 if is_sign(items[0], "∠", "△", "∡", "⊙", "□") else 0
    if len(items) > 2 and is_sign(items[0], "m") and is_sign(items[1], "∠"):
        start = 2
    rest = items[start:]
    letters = [one.base if isinstance(one, Script) and one.sup is None else one for one in rest]
    small = start > 0 and all(isinstance(one, Atom) and (one.text.isalpha() or one.text.isdecimal()) for one in letters)
    if not small and not all(isinstance(one, Atom) and one.text.isalpha() and one.text.isupper() for one in letters):
        return None
    return Name(name_of_or_none(Row(tuple(items))) or "", _term(items)) if rest else None


def _trigonometric(items: list[Node]) -> Name | None:
    r"""`\sin A`, `\tan 2\alpha`, `\cos(A+B)`: one function of an angle, and nothing else."""
    head, rest = items[0], items[1:]
    base = head.base if isinstance(head, Script) else head
    if not isinstance(base, Atom) or base.text not in _TRIGONOMETRIC or not rest:
        return None
    if isinstance(head, Script) and head.sup is not None:
        return None
    whole = len(rest) == 1 and isinstance(rest[0], Fence)
    product = all(isinstance(one, (Atom, Script)) and not is_sign(one, "+", "-") for one in rest)
    term = _term(items)
    return Name(f"{base.text} {name_of_or_none(Row(tuple(rest)))}", term) if whole or product else None


def _dot_product(items: list[Node]) -> Name | None:
    r"""`\vec a\cdot\vec b`, `\overrightarrow{AB}\cdot\overrightarrow{AC}`."""
    parts, signs = split(items, lambda node: is_sign(node, "⋅", "×", "·"))
    vectors = all(len(one) == 1 and isinstance(one[0], Accent) for one in parts)
    return Name(name_of_or_none(Row(tuple(items))) or "", _term(items)) if signs and vectors else None


def _sets(items: list[Node]) -> Name | None:
    r"""`A \cap B`, `A \cup B`, `A \setminus B`."""
    parts, signs = split(items, lambda node: is_sign(node, "∩", "∪", "∖"))
    if is_sign(items[0].base if isinstance(items[0], Script) else items[0], "∁") and len(items) == 2:
        return Name(name_of_or_none(Row(tuple(items))) or "")
    if not signs or not all(len(part) == 1 and name(part) is not None for part in parts):
        return None
    return Name(name_of_or_none(Row(tuple(items))) or "")


def _ratio(items: list[Node]) -> Name | None:
    parts, signs = split(items, lambda node: is_sign(node, ":"))
    if not signs or not all(name(part) is not None for part in parts):
        return None
    return Name(name_of_or_none(Row(tuple(items))) or "")


def _words(items: list[Node]) -> Name | None:
    """Words, and words before a name: `the area of ABC`."""
    if not isinstance(items[0], Text) or not items[0].text.strip():
        return None
    if items[0].text.strip() in {"e", "i"}:
        return None
    written = name_of_or_none(Row(tuple(items)))
    return Name(written) if written is not None else None
