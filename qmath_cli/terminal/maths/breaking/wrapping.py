"""Breaking a formula that is drawn on one line: before relations, then before operators, the outermost first."""

from __future__ import annotations

import re

from qmath_cli.mathematics.symbols import SYMBOLS
from qmath_cli.mathematics.tree import Role
from qmath_cli.terminal.text_width import columns

_RELATIONS = (
    frozenset(
        {form for atom in SYMBOLS.values() if atom.role is Role.RELATION for form in (atom.text, atom.ascii) if form}
    )
    | frozenset("=<>")
    | {":=", "≟"}
)
_SUMS = frozenset({"+", "-", "±", "∓", "+-", "-+", "∪", "∩", "∨", "∧", "∖", "⊕", "or", "and", "union", "intersect"})
_PRODUCTS = frozenset({"×", "⋅", "*", "÷", "/", "mod", "·"})
_SIGNS = _RELATIONS | _SUMS | _PRODUCTS
_OPENING, _CLOSING = frozenset("([{⟨⌊⌈⟦"), frozenset(")]}⟩⌋⌉⟧")
_PER_DEPTH = 8  # a better break inside a bracket is worse than any outside
_BAD = 7  # after a sign: what it belongs to would be on the next line
_BLANK = re.compile(" +")


def wrapped(text: str, width: int, indent: int = 4) -> list[str]:
    """Divide a line.

    Args:
        text: The formula on one line.
        width: Columns of a line; nothing is wider.
        indent: Blanks before every line but the first.

    Returns:
        The lines, the blanks between them left out.
    """
    lines: list[str] = []
    rest = text.strip()
    while columns(rest) > width - (indent if lines else 0):
        room = width - (indent if lines else 0)
        end = _best_break(rest, room) or _cut(rest, room)
        lines.append(" " * (indent if lines else 0) + rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, " " * (indent if lines else 0) + rest]


def _best_break(text: str, room: int) -> int:
    """The index of the best blank to break at, the last of equal ones; 0 if a word has to be cut."""
    found: list[tuple[int, int]] = []
    depth, scanned = 0, 0
    for blank in _BLANK.finditer(text):
        if columns(text[: blank.start()]) > room:
            break
        piece = text[scanned : blank.start()]
        depth = max(0, depth + sum((char in _OPENING) - (char in _CLOSING) for char in piece))
        scanned = blank.start()
        found.append((depth * _PER_DEPTH + _cost(text, blank), blank.start()))
    if not found:
        return 0
    enough = [each for each in found if columns(text[: each[1]]) * 4 >= room] or found
    cost, end = min(enough, key=lambda each: (each[0], -each[1]))
    next_word = text[end:].split(maxsplit=1)[0]
    return 0 if cost % _PER_DEPTH == _BAD and columns(next_word) > room else end


def _cost(text: str, blank: re.Match[str]) -> int:
    """How bad a break at a blank is."""
    before = text[blank.start() - 1]
    after = text[blank.end() :].partition(" ")[0]
    if before in ";；" or len(blank.group()) > 1:
        return 0
    if after in _RELATIONS:
        return 1
    if before in ",，、":
        return 2
    if after in _SUMS:
        return 3
    if after in _PRODUCTS:
        return 4
    return _BAD if text[: blank.start()].rpartition(" ")[2] in _SIGNS else 5


def _cut(text: str, room: int) -> int:
    """Where to cut text without a blank: as late as it fits, if possible beside a bracket or a sign."""
    end = max(1, len(text))
    while end > 1 and columns(text[:end]) > room:
        end -= 1
    while end < len(text) and end > 1 and columns(text[end]) == 0:  # a combining mark stays with its letter
        end -= 1
    for at in range(end, max(1, end * 2 // 3), -1):
        if text[at - 1 : at] in {",", ")"} or text[at : at + 1] in {"(", "+", "-", "="}:
            return at
    return end
