"""The tables of commands: every name has one meaning."""

from __future__ import annotations

from collections import Counter

from qmath_cli.mathematics.constructs import _COMMANDS, CONSTRUCTS
from qmath_cli.mathematics.symbols import SYMBOLS


def test_no_command_is_both_a_construct_and_a_symbol() -> None:
    """The parser looks among the constructs first, so a symbol of the same name would never be drawn."""
    assert set(CONSTRUCTS) & set(SYMBOLS) == set()


def test_no_command_is_listed_twice() -> None:
    """A second entry would replace the first without notice."""
    names = Counter(name for names, _ in _COMMANDS for name in names.split())
    assert [name for name, count in names.items() if count > 1] == []
