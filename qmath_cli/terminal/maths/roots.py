"""Roots. In two dimensions a hook is before the radicand, a roof over it, and the index at the roof's corner.

The index is on the roof's row, above whatever stands before the root, so that it is never read as that one's exponent.
On one line an index that would touch what stands before it is put in parentheses with its root.
"""

from __future__ import annotations

from qmath_cli.mathematics.tree import Accent, Fence, Node, Refused, Role, Root, Row, Stack
from qmath_cli.terminal.maths import scripts
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.box import Box
from qmath_cli.terminal.maths.fragments import Fragment
from qmath_cli.terminal.text_width import columns

_SIGNS = {"": "√", "3": "∛", "4": "∜"}


def root(body: Box, degree: str, alphabet: Alphabet) -> Box:
    """A root of a drawn radicand; `degree` is the index on one line, empty for a square root."""
    hook, roof, wall, corner = "\\_| " if alphabet is Alphabet.ASCII else "╲─│┌"
    rows = [f" {corner}{roof * (body.width + 1)}"]
    rows += [f" {wall}{row} " for row in body.rows[:-1]]
    rows += [f"{hook}{wall}{body.rows[-1]} "]
    drawn = Box(tuple(rows), body.base + 1)
    if not degree:
        return drawn
    small = degree if alphabet is Alphabet.ASCII else (scripts.superscript(degree) or degree)
    width = columns(small) - 1  # the last character stands over the hook
    blank = " " * width
    return Box((small + rows[0][1:], *(blank + row for row in rows[1:])), drawn.base)


def on_a_line(radicand: str, degree: str, *, ascii_only: bool) -> Fragment:
    """A root on one line. Raises `Refused` if the index has no small characters."""
    if ascii_only:
        return Fragment(f"root({degree})({radicand})" if degree else f"sqrt({radicand})", Role.ORDINARY, Role.CLOSE)
    sign = _SIGNS.get(degree)
    raised = "" if sign else scripts.superscript(degree)
    if raised is None:
        raise Refused("a degree that cannot be raised")
    simple = radicand.isdigit() or (len(radicand) == 1 and radicand.isalpha())
    before = raised + (sign or "√")
    wrapped = f"{before}({radicand})"
    text = f"{before}{radicand}" if simple else wrapped
    return Fragment(text, Role.ORDINARY, Role.CLOSE, before_factor=wrapped, starts_in_index=bool(raised))


def starts_in_index(node: Node) -> bool:
    """Whether a drawing begins with a root's index, so that nothing may touch it on the left."""
    match node:
        case Root():
            return node.degree is not None
        case Row():
            return bool(node.items) and starts_in_index(node.items[0])
        case Accent():
            return starts_in_index(node.body)
        case Fence():
            return not node.left and starts_in_index(node.body)
        case Stack():
            return starts_in_index(node.base)
        case _:
            return False
