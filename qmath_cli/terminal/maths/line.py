r"""A formula on one line, without changing what it says: `(a + b)/c`, `√(x² - 4)`, `xⁿ⁻¹`, `2^(n/2)`.

Two dimensions show what belongs together; one line needs parentheses for it. Every piece carries its `Binding`, and
parentheses go around what would be read differently beside its neighbours. Where no placing of parentheses keeps the
meaning (a mixed number times something, a script on a bare group), the formula is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from unicodedata import combining

from qmath_cli.mathematics.symbols import delimiter
from qmath_cli.mathematics.tree import (
    Accent,
    AccentMark,
    Atom,
    Boxed,
    Fence,
    Fraction,
    Grid,
    Node,
    Refused,
    Role,
    Root,
    Row,
    Script,
    Space,
    Stack,
    Table,
    Text,
)
from qmath_cli.terminal.maths import scripts
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.bits import Binding, Bit, flat, hold_of, in_company, paired, plain, worded, words
from qmath_cli.terminal.maths.spacing import gap, unary

_COMBINING = {
    AccentMark.BAR: "\u0305",
    AccentMark.HAT: "\u0302",
    AccentMark.TILDE: "\u0303",
    AccentMark.VECTOR: "\u20d7",
    AccentMark.DOT: "\u0307",
}
_COMBINING |= {AccentMark.DOUBLE_DOT: "\u0308", AccentMark.UNDERLINE: "\u0332", AccentMark.CANCEL: "\u0336"}
_ROOTS = {"": "√", "3": "∛", "4": "∜"}
_DIFFERENTIAL = re.compile(r"[d∂]\w[²³ⁿ]?")


def line(node: Node, alphabet: Alphabet) -> str:
    """The formula on one line. Raises `Refused`."""
    return Liner(alphabet).join(flat(node)).text.strip()


class Liner:
    """Turns nodes into bits; `alphabet` says in which alphabet."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._ascii = alphabet is Alphabet.ASCII

    # ------------------------------------------------------------ rows

    def join(self, items: Sequence[Node], *, compact: bool = False) -> Bit:
        """Things side by side as one bit; `compact` leaves out the blanks around signs, as scripts do."""
        bits = paired([self.bit(item) for item in items])
        if len(bits) <= 1:
            return bits[0] if bits else Bit("", Role.ORDINARY, Role.ORDINARY)
        written = "".join(" " * blank + text for blank, text in self.laid(bits, compact=compact))
        solid = [bit for bit in bits if bit.text.strip()] or [Bit("", Role.ORDINARY, Role.ORDINARY)]
        return Bit(written, solid[0].left, solid[-1].right, hold_of(bits), raised=solid[-1].raised)

    def laid(self, bits: Sequence[Bit], *, compact: bool = False) -> Iterator[tuple[bool, str]]:
        """For every bit whether a blank goes before it, and its text between its neighbours."""
        before, sign, spaced = None, False, False
        for at, bit in enumerate(bits):
            if bit.left is Role.SPACE and not bit.text.strip():
                yield False, bit.text
                spaced = True
                continue
            blank = before is not None and not spaced and self._blank(before, bit, sign=sign, compact=compact)
            yield blank, in_company(bits, at)
            sign = bit.left is Role.BINARY and unary(None if before is None else before.right)
            before, spaced = bit, False

    def _blank(self, before: Bit, bit: Bit, *, sign: bool, compact: bool) -> bool:
        """Whether a blank goes between two neighbours."""
        if Role.SPACE in {before.right, bit.left}:
            return False
        if before.raised and bit.text[:1].isalnum() and (bit.number or self._ascii or set("^_") & set(before.text)):
            return True
        mixed = before.number and bit.hold is Binding.FRACTION and bit.number  # 2 1/3
        limit = before.right is Role.FUNCTION and before.text.endswith(")") and bit.left is Role.OPEN  # lim_(n→∞) (..)
        if mixed or limit:
            return True
        if self._ascii and before.text[-1:].isalnum() and bit.text[:1].isalnum() and worded(before, bit):
            return True
        if compact and not {Role.FUNCTION, Role.BIG} & {before.right, bit.left}:
            return False
        return gap(before.right, bit.left, left_is_sign=sign)

    def inner(self, node: Node, *, compact: bool = False) -> Bit:
        """A node that stands alone: an argument, the inside of a fence."""
        return self.join(flat(node), compact=compact)

    @staticmethod
    def grouped(bit: Bit, least: Binding) -> str:
        """A bit's text, in parentheses if it holds together less than `least`."""
        return bit.text if bit.hold >= least else f"({bit.text.strip()})"

    # ------------------------------------------------------------ one thing

    def bit(self, node: Node) -> Bit:
        """One node as a bit. Raises `Refused`."""
        match node:
            case Atom():
                return self._atom(node)
            case Space():
                return Bit(" " * node.columns, Role.SPACE, Role.SPACE)
            case Text():
                return words(node.text)
            case Row():
                return self.join(node.items)
            case Fraction() | Root() | Script():
                return self._built(node)
            case _:
                return self._framed(node)

    def _built(self, node: Fraction | Root | Script) -> Bit:
        match node:
            case Fraction():
                return self._fraction(node)
            case Root():
                return self._root(node)
            case Script():
                return self._script(node)

    def _framed(self, node: Accent | Fence | Stack | Table | Boxed) -> Bit:
        match node:
            case Accent():
                return self._accent(node)
            case Fence():
                return self._fence(node)
            case Boxed():
                opening, closing = ("[[", "]]") if self._ascii else ("⟦", "⟧")
                return Bit(f"{opening}{self.inner(node.body).text.strip()}{closing}", Role.ORDINARY, Role.ORDINARY)
            case Stack():
                return self._stack(node)
            case Table():
                return self._table(node)

    def _atom(self, atom: Atom) -> Bit:
        text = atom.ascii if self._ascii else atom.text
        if text is None:
            raise Refused(f"{atom.text} has no ASCII form")
        hold = Binding.SINGLE if atom.role in {Role.ORDINARY, Role.NUMBER} else Binding.LOOSE
        return Bit(text, atom.role, atom.role, hold, number=atom.role is Role.NUMBER)

    def _fraction(self, node: Fraction) -> Bit:
        top, bottom = self.inner(node.top), self.inner(node.bottom)
        if not node.bar:
            return Bit(f"C({top.text}, {bottom.text})", Role.ORDINARY, Role.CLOSE)
        over = self.grouped(top, Binding.PRODUCT)
        under = bottom.text if _DIFFERENTIAL.fullmatch(bottom.text) else self.grouped(bottom, Binding.SINGLE)
        number = top.number and bottom.number
        return Bit(f"{over}/{under}", Role.ORDINARY, Role.ORDINARY, Binding.FRACTION, number=number)

    def _root(self, node: Root) -> Bit:
        radicand = self.inner(node.radicand).text.strip()
        degree = "" if node.degree is None else self.inner(node.degree, compact=True).text
        if self._ascii:
            text = f"sqrt({radicand})" if not degree else f"root({degree})({radicand})"
            return Bit(text, Role.ORDINARY, Role.CLOSE)
        if (sign := _ROOTS.get(degree)) is not None:
            simple = radicand.isdigit() or (len(radicand) == 1 and radicand.isalpha())
            wrapped = f"{sign}({radicand})"
            return Bit(f"{sign}{radicand}" if simple else wrapped, Role.ORDINARY, Role.CLOSE, before_factor=wrapped)
        raised = scripts.raised(degree)
        if raised is None:
            raise Refused("a degree that cannot be raised")
        return Bit(f"({raised}√({radicand}))", Role.ORDINARY, Role.CLOSE)

    def _accent(self, node: Accent) -> Bit:
        body = self.inner(node.body, compact=True)
        text = body.text
        if self._ascii or (node.mark in {AccentMark.ARC, AccentMark.LINE} and len(text) > 0):
            if node.mark is AccentMark.UNDERLINE and not text.strip():
                return Bit("_" * max(4, len(text)), Role.ORDINARY, Role.ORDINARY)
            return Bit(f"{node.mark}({text})", Role.ORDINARY, Role.CLOSE)
        if node.mark is AccentMark.UNDERLINE and not text.strip():
            return Bit("_" * max(4, len(text)), Role.ORDINARY, Role.ORDINARY)
        marked = "".join(char if combining(char) else char + _COMBINING[node.mark] for char in text)
        return Bit(marked, Role.ORDINARY, Role.ORDINARY, number=body.number)

    def _fence(self, node: Fence) -> Bit:
        left, right = (self._atom(delimiter(text)).text if text else "" for text in (node.left, node.right))
        body = self.inner(node.body)
        inside = body.text.strip()
        if not (left and right) and body.hold < Binding.PRODUCT:
            inside = f"({inside})"
        return Bit(f"{left}{inside}{right}", Role.OPEN, Role.CLOSE)

    def _stack(self, node: Stack) -> Bit:
        base = self.bit(node.base)
        if node.arrow and node.over is not None and node.under is None:
            shaft = "--" if self._ascii else "─"
            return Bit(f"{shaft}{self.inner(node.over).text}{base.text}", Role.RELATION, Role.RELATION, Binding.LOOSE)
        if isinstance(node.over, Atom) and node.over.text == "?" and base.text == "=" and not self._ascii:
            return Bit("≟", Role.RELATION, Role.RELATION, Binding.LOOSE)
        raise Refused("something written above or below")

    # ------------------------------------------------------------ scripts

    def _script(self, node: Script) -> Bit:
        base = self._base(node)
        text = base.text
        if node.sub is not None:
            text += self._script_text(node.sub, "_")
        if node.sup is not None:
            text += self._script_text(node.sup, "^")
        left = Role.ORDINARY if not base.text else base.left
        right = Role.ORDINARY if base.right in {Role.NUMBER, Role.POSTFIX} else base.right
        if not base.text:
            return Bit(f" {text}", left, right, raised=True)
        return Bit(text, left, right, base.hold, raised=True)

    def _base(self, node: Script) -> Bit:
        if isinstance(node.base, Row) and not node.base.items:
            return Bit("", Role.ORDINARY, Role.ORDINARY)
        bit = self.bit(node.base)
        wrapped = replace(
            bit, text=f"({bit.text})", left=Role.OPEN, right=Role.CLOSE, hold=Binding.SINGLE, raised=False
        )
        if isinstance(node.base, Root | Fraction) and (not isinstance(node.base, Fraction) or node.base.bar):
            return wrapped
        if isinstance(node.base, Script) and node.base.sup is not None:
            return wrapped
        if isinstance(node.base, Row) and bit.hold is not Binding.SINGLE:
            raise Refused("a script on a bare group")
        return bit

    def _script_text(self, node: Node, mark: str) -> str:
        """A script: in small characters where there are such for all of it, else after ^ or _."""
        bit = self.inner(node, compact=True)
        text = bit.text.strip()
        small = self._small(node, text, up=mark == "^")
        if small is not None:
            return small
        if not text:
            raise Refused("an empty script")
        if self._ascii and mark == "^" and text.startswith("'"):
            rest = text.lstrip("'")
            return f"{text[: len(text) - len(rest)]}^{rest if len(rest) == 1 else f'({rest})'}"
        whole = len(text) == 1 or (bit.hold is Binding.SINGLE and (text.startswith("(") or not bit.raised))
        return mark + (text if whole else f"({text})")

    def small(self, node: Node, *, up: bool) -> str | None:
        """A script in small characters, or None. ASCII has only primes and degrees."""
        return self._small(node, self.inner(node, compact=True).text.strip(), up=up)

    def _small(self, node: Node, text: str, *, up: bool) -> str | None:
        if self._ascii:
            if isinstance(node, Atom) and node.text in {"∘", "°"} and up:
                return " deg"
            return text if up and set(text) == {"'"} else None
        if not plain(node):
            return None
        return scripts.raised(text) if up else scripts.lowered(text)

    # ------------------------------------------------------------ tables

    def _table(self, node: Table) -> Bit:
        if node.rules or "|" in node.columns:
            raise Refused("a table with rules on one line")
        if node.kind in {Grid.ALIGNED, Grid.LINES} and not node.left:
            return self._lines(node)
        cells = "; ".join(", ".join(self._cell(cell) for cell in row) for row in node.rows)
        if node.kind is Grid.CASES:
            right = "" if node.left else "}"
            return Bit(f"{'{' if node.left else ''} {cells} {right or '}'}", Role.OPEN, Role.CLOSE)
        if not (node.left and node.right):
            raise Refused("a bare matrix on one line")
        return Bit(f"{node.left}{cells}{node.right}", Role.OPEN, Role.CLOSE)

    def _cell(self, node: Node) -> str:
        """A cell's text; the comma that it may end in is the one that separates it from the next."""
        return self.inner(node).text.strip().rstrip(",")

    def _lines(self, node: Table) -> Bit:
        """Lines one after the other: a line that goes on with a relation continues, any other is the next statement."""
        written = ""
        for row in node.rows:
            bit = self.join([item for cell in row for item in flat(cell)])
            continues = bit.left in {Role.RELATION, Role.BINARY}
            written += (
                (("" if not written else " " if continues else "; ") + bit.text.strip()) if bit.text.strip() else ""
            )
        return Bit(written, Role.ORDINARY, Role.ORDINARY, Binding.LOOSE)
