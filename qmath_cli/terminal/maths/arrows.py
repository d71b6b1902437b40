"""Arrows that stretch under what is written over them."""

from __future__ import annotations

from qmath_cli.mathematics.tree import Role
from qmath_cli.terminal.maths.fragments import Binding, Fragment
from qmath_cli.terminal.text_width import columns

#: What a stretched arrow consists of: its left end, its shaft, its right end.
_PARTS = {
    "→": ("", "─", "→"),
    "←": ("←", "─", ""),
    "↔": ("←", "─", "→"),
    "⇒": ("", "═", "⇒"),
    "⇐": ("⇐", "═", ""),
    "⇔": ("⇐", "═", "⇒"),
    "↦": ("├", "─", "→"),
    "↪": ("╰", "─", "→"),
    "=": ("", "═", ""),
    "⟶": ("", "─", "→"),
    "⟵": ("←", "─", ""),
    "⟹": ("", "═", "⇒"),
    "-->": ("", "-", "->"),
    "==>": ("", "=", "=>"),
    "->": ("", "-", "->"),
    "<-": ("<-", "-", ""),
    "<->": ("<", "-", ">"),
    "=>": ("", "=", "=>"),
    "<=": ("<=", "=", ""),
    "<=>": ("<", "=", ">"),
    "|->": ("|", "-", ">"),
}
STRETCHING = frozenset(_PARTS) - {"=", "<="}


def stretched(sign: str, width: int, *, ascii_only: bool = False) -> str:
    """An arrow of `width` columns at least; one that does not stretch is returned as it is."""
    left, shaft, right = _PARTS.get(sign, (sign, "", ""))
    shaft = "=" if sign == "=" and ascii_only else shaft
    return left + shaft * max(0, width - columns(left + right)) + right


def arrow(sign: str, note: str, ascii_only: bool) -> Fragment:
    """An arrow on one line, with what stands over it in its shaft: `─f→`, `─(n → ∞)→`."""
    left, shaft, right = _PARTS.get(sign, (sign, "", ""))
    shaft = "=" if sign == "=" and ascii_only else shaft
    if not note:
        text = stretched(sign, 2, ascii_only=ascii_only)
    elif note.isalnum():
        text = f"{left or shaft * (1 + ascii_only)}{note}{right or shaft}"
    else:
        text = f"{left or shaft}({note}){right or shaft}"
    return Fragment(text, Role.RELATION, Role.RELATION, Binding.LOOSE)
