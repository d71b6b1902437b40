"""What `/help` shows: all commands by group, few enough lines for a window of 24 rows, or some with what they do.

It only makes lines of text; the table of commands is in `slash`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qmath_cli.terminal.tables import definition
from qmath_cli.terminal.word_wrap import wrapped

GROUPS: Mapping[str, tuple[str, ...]] = {
    "solving": ("retry", "continue", "follow", "reveal", "hint", "clear"),
    "looking": ("code", "run", "check", "score", "votes", "raw", "stats", "context"),
    "keeping": ("copy", "export", "history", "save", "load"),
    "settings": ("model", "mode", "language", "k", "seed", "set", "show"),
    "session": ("help", "quit"),
}
KEYS = (
    "/help WORD: what a command does, those of a group, or all that mention a word.",
    "Enter sends. Several lines: Alt-Enter, a backslash at the end, triple quotes.",
    "Ctrl-C interrupts. At an empty prompt, Ctrl-D or two Ctrl-C quit.",
)
_INDENT = max(map(len, GROUPS)) + 2


def overview(usages: Mapping[str, str], width: int) -> list[str]:
    """The groups with the usages of their commands, and the keys.

    Args:
        usages: The usage of each command by its name.
        width: Columns of a line; a usage is not broken.
    """
    lines = []
    for group, names in GROUPS.items():
        rows = [""]
        for usage in (usages[name] for name in names):
            if rows[-1] and _INDENT + len(rows[-1]) + 2 + len(usage) > width:
                rows.append("")
            rows[-1] += f"  {usage}" if rows[-1] else usage
        lines += [(group if row == rows[0] else "").ljust(_INDENT) + row for row in rows]
    return [*lines, "", *(line for key in KEYS for line in wrapped(key, width).split("\n"))]


def found(word: str, described: Mapping[str, tuple[str, str]]) -> list[str]:
    """The names of the commands that have to do with a word: the one of that name, a group, or all that mention it.

    Args:
        word: What was asked for.
        described: Usage and help of each command by its name.
    """
    if word in described:
        return [word]
    if word.lower() in GROUPS:
        return list(GROUPS[word.lower()])
    return [name for name, texts in described.items() if any(word.lower() in text.lower() for text in texts)]


def explained(entries: Iterable[tuple[str, str]], width: int) -> list[str]:
    """Each usage with its help beside it, or in a narrow window below; no line is wider than `width`."""
    kept = list(entries)
    usages = max((len(usage) for usage, _ in kept), default=0)
    return [line for usage, text in kept for line in definition(usage, text, usages, width)]
