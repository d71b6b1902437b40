r"""A formula on one line, without changing its meaning: `(a + b)/c`, `√(x² - 4)`, `xⁿ⁻¹`, `2^(n/2)`.

What position shows in two dimensions needs parentheses on one line. Every fragment has a `Binding`, and parentheses go
around a fragment whose reading its neighbours would change. Where parentheses cannot keep the meaning (a mixed number
times something, a script on a bare group), the formula is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qmath_cli.mathematics.symbols import delimiter
from qmath_cli.mathematics.tree import (
    Accent,
    Atom,
    Boxed,
    Fence,
    Fraction,
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
from qmath_cli.terminal.maths import inline_tables, roots, scripts
from qmath_cli.terminal.maths.accents import accented
from qmath_cli.terminal.maths.alphabet import Alphabet
from qmath_cli.terminal.maths.arrows import STRETCHING, arrow
from qmath_cli.terminal.maths.fragments import (
    Binding,
    Fragment,
    binding_of,
    flat,
    has_word,
    paired,
    plain,
    text_between,
    words,
)
from qmath_cli.terminal.maths.spacing import gap, unary

_EVALUATIONS = frozenset({"|", "‖", "||"})  # at one side only: the value of all that stands before
_NEVER_SIGNS = frozenset({"mod", "×", "÷"})
_TYPED = frozenset("=<>")  # signs that are typed after one another: >=
_DIFFERENTIAL = re.compile(r"[d∂]\w[²³ⁿ]?")


def line(node: Node, alphabet: Alphabet) -> str:
    """The formula on one line. Raises `Refused`."""
    return LineRenderer(alphabet).join(flat(node)).text.strip()


class LineRenderer:
    """Draws nodes as fragments of a line, in one alphabet."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._ascii = alphabet is Alphabet.ASCII

    # ------------------------------------------------------------ rows

    def join(self, items: Sequence[Node], *, compact: bool = False) -> Fragment:
        """Draw nodes side by side as one fragment; `compact` leaves out blanks around signs, as in scripts."""
        fragments = paired([self.fragment(item) for item in items])
        if len(fragments) <= 1:
            return fragments[0] if fragments else Fragment("", Role.ORDINARY, Role.ORDINARY)
        written = "".join(" " * blank + text for blank, text in self.layout(fragments, compact=compact))
        solid = [one for one in fragments if one.text.strip()] or [Fragment("", Role.ORDINARY, Role.ORDINARY)]
        first, last = solid[0], solid[-1]
        return Fragment(
            written,
            first.left,
            last.right,
            binding_of(fragments),
            ends_in_script=last.ends_in_script,
            starts_in_index=first.starts_in_index,
        )

    def layout(self, fragments: Sequence[Fragment], *, compact: bool = False) -> Iterator[tuple[bool, str]]:
        """For every fragment: whether a blank goes before it, and its text next to its neighbours."""
        before, sign, spaced = None, False, False
        for at, fragment in enumerate(fragments):
            if fragment.left is Role.SPACE and not fragment.text.strip():
                yield False, fragment.text
                spaced = True
                continue
            blank = before is not None and not spaced and self._blank(before, fragment, sign=sign, compact=compact)
            if before is not None and fragment.left is Role.OPEN and not spaced:
                blank |= [one.text for one in fragments[at + 1 : at + 2]] == ["mod"]  # 3 (mod 7)
            text = text_between(fragments, at)
            joined = fragment.starts_in_index and before is not None and not (blank or spaced)
            joined &= before is None or before.right is not Role.OPEN
            yield blank, f"({text})" if joined and not text.startswith("(") else text
            signs = fragment.left is Role.BINARY and fragment.text not in _NEVER_SIGNS
            sign = signs and unary(None if before is None else before.right)
            before, spaced = fragment, False

    def _blank(self, before: Fragment, after: Fragment, *, sign: bool, compact: bool) -> bool:
        """Whether a blank goes between two neighbours; `sign`: the left one is a unary plus or minus."""
        if Role.SPACE in {before.right, after.left} or (before.text in _TYPED and after.text in _TYPED):
            return False
        spelled = self._ascii or not set("^_").isdisjoint(before.text)
        if before.ends_in_script and after.text[:1].isalnum() and (after.number or spelled):
            return True
        mixed = before.number and after.binding is Binding.FRACTION and after.number  # 2 1/3
        limit = before.right is Role.FUNCTION and before.text.endswith(")") and after.left is Role.OPEN  # lim_(n→∞) (…)
        if mixed or limit:
            return True
        if self._ascii and before.text[-1:].isalnum() and after.text[:1].isalnum() and has_word(before, after):
            return True
        if compact and not {Role.FUNCTION, Role.BIG} & {before.right, after.left}:
            return False
        return gap(before.right, after.left, left_is_sign=sign)

    def inner(self, node: Node, *, compact: bool = False) -> Fragment:
        """Draw a node on its own: an argument, the content of a fence."""
        return self.join(flat(node), compact=compact)

    @staticmethod
    def grouped(fragment: Fragment, least: Binding) -> str:
        """A fragment's text, in parentheses if it binds less tightly than `least`."""
        return fragment.text if fragment.binding >= least else f"({fragment.text.strip()})"

    # ------------------------------------------------------------ single nodes

    def fragment(self, node: Node) -> Fragment:
        """Draw one node as a fragment. Raises `Refused`."""
        match node:
            case Atom():
                return self._atom(node)
            case Space():
                return Fragment(" " * node.columns, Role.SPACE, Role.SPACE)
            case Text():
                return words(node.text)
            case Row():
                return self.join(node.items)
            case Fraction() | Root() | Script():
                return self._built(node)
            case _:
                return self._framed(node)

    def _built(self, node: Fraction | Root | Script) -> Fragment:
        match node:
            case Fraction():
                return self._fraction(node)
            case Root():
                return self._root(node)
            case Script():
                return self._script(node)

    def _framed(self, node: Accent | Fence | Stack | Table | Boxed) -> Fragment:
        match node:
            case Accent():
                return accented(node.mark, self.inner(node.body, compact=True), ascii_only=self._ascii)
            case Fence():
                return self._fence(node)
            case Boxed():
                opening, closing = ("[[", "]]") if self._ascii else ("⟦", "⟧")
                return Fragment(f"{opening}{self.inner(node.body).text.strip()}{closing}", Role.ORDINARY, Role.ORDINARY)
            case Stack():
                return self._stack(node)
            case Table():
                return inline_tables.table(node, self.join)

    def _atom(self, atom: Atom) -> Fragment:
        text = atom.ascii if self._ascii else atom.text
        if text is None:
            raise Refused(f"{atom.text} has no ASCII form")
        hold = Binding.SINGLE if atom.role in {Role.ORDINARY, Role.NUMBER} else Binding.LOOSE
        return Fragment(text, atom.role, atom.role, hold, number=atom.role is Role.NUMBER)

    def _fraction(self, node: Fraction) -> Fragment:
        top, bottom = self.inner(node.top), self.inner(node.bottom)
        if not node.bar:
            return Fragment(f"C({top.text}, {bottom.text})", Role.ORDINARY, Role.CLOSE)
        over = self.grouped(top, Binding.PRODUCT)
        under = bottom.text if _DIFFERENTIAL.fullmatch(bottom.text) else self.grouped(bottom, Binding.SINGLE)
        under = f"({under})" if bottom.starts_in_index and not under.startswith("(") else under
        return Fragment(
            f"{over}/{under}",
            Role.ORDINARY,
            Role.ORDINARY,
            Binding.FRACTION,
            number=top.number and bottom.number,
            starts_in_index=top.starts_in_index and not over.startswith("("),
        )

    def _root(self, node: Root) -> Fragment:
        radicand = self.inner(node.radicand).text.strip()
        degree = "" if node.degree is None else self.inner(node.degree, compact=True).text
        return roots.on_a_line(radicand, degree, ascii_only=self._ascii)

    def _fence(self, node: Fence) -> Fragment:
        left, right = (self._atom(delimiter(text)).text if text else "" for text in (node.left, node.right))
        body = self.inner(node.body)
        inside = body.text.strip()
        bar = (left or right) in _EVALUATIONS and not (left and right)
        if bar and body.binding < Binding.PRODUCT:
            inside = f"({inside})"
        opening = Role.OPEN if left or bar else body.left
        closing = Role.CLOSE if right or bar else body.right
        if (left and right) or bar:
            return Fragment(f"{left}{inside}{right}", Role.OPEN, Role.CLOSE)
        return Fragment(f"{left}{inside}{right}", opening, closing, Binding.LOOSE)

    def _stack(self, node: Stack) -> Fragment:
        base = self.fragment(node.base)
        if node.arrow or (base.text in STRETCHING and base.left is Role.RELATION):
            notes = [self.inner(part).text.strip() for part in (node.over, node.under) if part is not None]
            return arrow(base.text, "; ".join(note for note in notes if note), self._ascii)
        if isinstance(node.over, Atom) and node.over.text == "?" and base.text == "=" and not self._ascii:
            return Fragment("≟", Role.RELATION, Role.RELATION, Binding.LOOSE)
        raise Refused("something written above or below")

    # ------------------------------------------------------------ scripts

    def _script(self, node: Script) -> Fragment:
        base = self._base(node)
        text = base.text
        if node.sub is not None:
            text += self._script_text(node.sub, "_")
        if node.sup is not None:
            text += self._script_text(node.sup, "^")
        left = Role.ORDINARY if not base.text else base.left
        right = Role.ORDINARY if base.right in {Role.NUMBER, Role.POSTFIX} else base.right
        if not base.text:
            return Fragment(f" {text}", left, right, ends_in_script=True)
        return Fragment(text, left, right, base.binding, ends_in_script=True)

    def _base(self, node: Script) -> Fragment:
        if isinstance(node.base, Row) and not node.base.items:
            return Fragment("", Role.ORDINARY, Role.ORDINARY)
        fragment = self.fragment(node.base)
        wrapped = Fragment(f"({fragment.text})", Role.OPEN, Role.CLOSE)
        if isinstance(node.base, Root | Fraction) and (not isinstance(node.base, Fraction) or node.base.bar):
            return wrapped
        if isinstance(node.base, Script) and node.base.sup is not None:
            return wrapped
        unit = fragment.text.isalpha() and fragment.text in scripts.UNITS
        if isinstance(node.base, Row) and fragment.binding is not Binding.SINGLE and not unit:
            raise Refused("a script on a bare group")
        return fragment

    def _script_text(self, node: Node, mark: str) -> str:
        """A script in superscript or subscript characters if all of it has them, else after ^ or _."""
        fragment = self.inner(node, compact=True)
        text = fragment.text.strip()
        small = self._small(node, text, up=mark == "^")
        if small is not None:
            return small
        if not text:
            raise Refused("an empty script")
        if self._ascii and mark == "^" and text.startswith("'"):
            rest = text.lstrip("'")
            return f"{text[: len(text) - len(rest)]}^{rest if len(rest) == 1 else f'({rest})'}"
        solid = fragment.binding is Binding.SINGLE and (text.startswith("(") or not fragment.ends_in_script)
        solid &= not fragment.starts_in_index
        whole = len(text) == 1 or solid
        return mark + (text if whole else f"({text})")

    def small(self, node: Node, *, up: bool) -> str | None:
        """A script in superscript or subscript characters, or None. ASCII has only primes and degrees."""
        return self._small(node, self.inner(node, compact=True).text.strip(), up=up)

    def _small(self, node: Node, text: str, *, up: bool) -> str | None:
        if self._ascii:
            if isinstance(node, Atom) and node.text in {"∘", "°"} and up:
                return " deg"
            return text if up and set(text) == {"'"} else None
        if not plain(node):
            return None
        return scripts.superscript(text) if up else scripts.subscript(text)
