"""Rows of a tree: flat, with brackets and bars paired, and split at signs.

The drawing tree keeps `(`, `[` and `|` as signs in a row. Here they become fences, so that no comma or sign inside
brackets is taken for one outside. `[1,2)` is a pair; a bar opens where an operand may begin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.mathematics.meaning.terms import NotUnderstood
from qmath_cli.mathematics.tree import Accent, AccentMark, Atom, Boxed, Fence, Node, Role, Row, Script, Space, Text

_PAIRS = {"(": ")]", "[": ")]", "{": "}", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉", "|": "|", "‖": "‖"}
_BEFORE_OPERAND = {Role.BINARY, Role.RELATION, Role.OPEN, Role.PUNCTUATION, Role.SLASH, Role.BIG, Role.FUNCTION}


def flat(node: Node) -> list[Node]:
    """The items of a node: rows in rows joined, boxes and underlines removed, brackets paired.

    Raises:
        NotUnderstood: A bracket is not closed.
    """
    return _paired(_joined(node))


def is_sign(node: Node, *signs: str) -> bool:
    """Whether a node is one of these signs."""
    return isinstance(node, Atom) and node.text in signs


def is_relation(node: Node) -> bool:
    """Whether a node is a relation sign."""
    return isinstance(node, Atom) and node.role is Role.RELATION


def split(items: Sequence[Node], separates: Callable[[Node], bool]) -> tuple[list[list[Node]], list[Node]]:
    """The parts between the separators, and the separators."""
    parts: list[list[Node]] = [[]]
    separators: list[Node] = []
    for item in items:
        if separates(item):
            separators.append(item)
            parts.append([])
        else:
            parts[-1].append(item)
    return parts, separators


def trimmed(items: Sequence[Node]) -> list[Node]:
    """The items without blanks at both ends."""
    found = list(items)
    while found and is_blank(found[0]):
        found.pop(0)
    while found and is_blank(found[-1]):
        found.pop()
    return found


def is_blank(node: Node) -> bool:
    """Whether a node is white space, or nothing."""
    if isinstance(node, Text):
        return not node.text.strip()
    return isinstance(node, Space) or (isinstance(node, Row) and not node.items)


def name_of(node: Node) -> str:
    """What is written, as the name of an index or a mark: `max`, `n+1`, `AB`."""
    match node:
        case Atom(text=text) | Text(text=text):
            return text.strip()
        case Row(items=items):
            return "".join(name_of(item) for item in items)
        case Script(base=base, sub=sub, sup=sup):
            lower = f"_{name_of(sub)}" if sub is not None else ""
            return name_of(base) + lower + (f"^{name_of(sup)}" if sup is not None else "")
        case Fence(left=left, body=body, right=right):
            return left + name_of(body) + right
        case Accent(mark=mark, body=body):
            return f"{mark.value} {name_of(body)}"
        case Space():
            return ""
    raise NotUnderstood("a name that is a formula")


def name_of_or_none(node: Node) -> str | None:
    """What is written in a node of letters; None for a formula."""
    try:
        return name_of(node)
    except NotUnderstood:
        return None


def _joined(node: Node) -> list[Node]:
    match node:
        case Row(items=items):
            return [found for item in items for found in _joined(item)]
        case Boxed(body=body) | Accent(mark=AccentMark.UNDERLINE, body=body):
            return _joined(body)
        case Fence(left="", body=body, right=""):
            return _joined(body)
    return [node]


def _paired(items: list[Node]) -> list[Node]:
    """The items with brackets and bars as fences."""
    open_brackets: list[tuple[str, list[Node]]] = []
    row: list[Node] = []
    for item in items:
        sign = item.base if isinstance(item, Script) else item
        if _opens(sign, row, [left for left, _ in open_brackets]) and isinstance(sign, Atom) and sign is item:
            open_brackets.append((sign.text, row))
            row = []
        elif isinstance(sign, Atom) and _closes_one(sign, [left for left, _ in open_brackets]):
            row = _bars_to_signs(open_brackets, row, sign)
            left, before = open_brackets.pop()
            fence = Fence(left, Row(tuple(row)), sign.text)
            row = [*before, Script(fence, item.sub, item.sup) if isinstance(item, Script) else fence]
        elif isinstance(sign, Atom) and sign.role is Role.CLOSE:
            raise NotUnderstood(f"a closing {sign.text} without an opening one")
        else:
            row.append(item)
    return _unclosed(open_brackets, row)


def _closes_one(sign: Atom, open_now: list[str]) -> bool:
    """Whether a sign closes the innermost bracket, or the innermost but for bars that are signs of their own."""
    if open_now and _closes(sign, open_now[-1]):
        return True
    outer = [left for left in open_now if left not in "|‖"]
    return sign.role is Role.CLOSE and bool(outer) and _closes(sign, outer[-1])


def _bars_to_signs(open_brackets: list[tuple[str, list[Node]]], row: list[Node], sign: Atom) -> list[Node]:
    """The row with the bars that were opened inside the bracket that `sign` closes, as signs."""
    while not _closes(sign, open_brackets[-1][0]):
        _, before = open_brackets.pop()
        row = [*before, Atom("∣", Role.RELATION, "|"), *row]
    return row


def _unclosed(open_brackets: list[tuple[str, list[Node]]], row: list[Node]) -> list[Node]:
    """A bar that is not closed is a sign of its own (such that, divides); an open bracket is an error."""
    while open_brackets:
        left, before = open_brackets.pop()
        if left not in "|‖":
            raise NotUnderstood(f"an opening {left} that is not closed")
        row = [*before, Atom("∣", Role.RELATION, "|"), *row]
    return row


def _opens(sign: Node, row: list[Node], open_now: list[str]) -> bool:
    if not isinstance(sign, Atom):
        return False
    if sign.role is Role.OPEN:
        return True
    if sign.text not in "|‖" or sign.role is not Role.BAR:
        return False
    before = next((item for item in reversed(row) if not is_blank(item)), None)
    wants_operand = before is None or (isinstance(before, Atom) and before.role in _BEFORE_OPERAND)
    return wants_operand or not (open_now and open_now[-1] == sign.text)


def _closes(sign: Atom, left: str) -> bool:
    return sign.text in _PAIRS.get(left, "") and sign.role in {Role.CLOSE, Role.BAR}
