"""Tables as aligned columns, which people and tools like `awk` can read, and words with their explanations."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.terminal import text_width
from qmath_cli.terminal.word_wrap import wrapped

_GAP = "  "
_NARROW = 60  # columns, below which no explanation stands beside its word
_BELOW = "    "


def columns(rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> list[str]:
    """Lay out a table.

    Args:
        rows: The cells; every row has the same number.
        right: Indices of the columns that are aligned to the right.

    Returns:
        One line per row, each column as wide as its widest cell.
    """
    if not rows:
        return []
    widths = [max(text_width.columns(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [_GAP.join(_cell(row[i], widths[i], i in right) for i in range(len(row))).rstrip() for row in rows]


def definition(word: str, text: str, words: int, width: int) -> list[str]:
    """A word and its explanation, which is broken between words and stands beside it, or in a narrow window below.

    Args:
        word: Such as an option.
        text: Its explanation; may be empty.
        words: Columns for the words of all definitions; the explanation of a longer one stands below it.
        width: Columns of a line.
    """
    below = width < _NARROW
    indent = _BELOW if below else " " * (words + len(_GAP))
    lines = [indent + line for line in wrapped(text, width - len(indent)).split("\n")] if text else []
    if lines and not below and len(word) <= words:
        return [word.ljust(len(indent)) + lines[0][len(indent) :], *lines[1:]]
    return [word, *lines]


def _cell(text: str, width: int, to_the_right: bool) -> str:
    space = " " * (width - text_width.columns(text))
    return space + text if to_the_right else text + space
