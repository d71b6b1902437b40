r"""Rows and cells of a formula: what `\\` and `&` divide."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from qmath_cli.terminal.export.tex.cursor import Cursor

Stop = Callable[[str], bool]


class FormulaReader(Protocol):
    """Reads mathematics: what the readers of environments and of text call."""

    @property
    def cursor(self) -> Cursor:
        """The tokens."""

    def lines(self, stop: Stop, *, as_text: bool = False) -> Lines:
        """Rows and cells up to a token that `stop` accepts, which stays, or to the end."""

    def atom(self) -> str:
        """One symbol, group, script, or command with its arguments."""

    def argument(self) -> str:
        """The argument of a command, in braces."""

    def text_argument(self) -> str:
        """The argument of a text command, in braces."""


class Lines:
    r"""Rows of cells, in the order in which they are read, and the rules between them."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = [[""]]
        self._rules: dict[int, str] = {}

    def add(self, text: str) -> None:
        """Continue the last cell."""
        self.rows[-1][-1] += text

    def cell(self) -> None:
        """Begin a cell."""
        self.rows[-1].append("")

    def row(self) -> None:
        """Begin a row."""
        self.rows.append([""])

    def rule(self, columns: str) -> None:
        """A rule above the last row, which has to be empty yet; under some columns only, as in `1-2`."""
        if self._is_empty(-1):
            partly = re.fullmatch(r"\s*\d+\s*-\s*\d+\s*", columns)
            self._rules[len(self.rows) - 1] = rf"\cline{{{columns}}} " if partly else r"\hline "

    @property
    def columns(self) -> int:
        """The number of cells in the longest row."""
        return max(map(len, self.rows))

    def body(self) -> str:
        """As a part of a formula: one row of one cell as it is, all else aligned."""
        if self.columns == 1 and all(map(self._is_empty, range(1, len(self.rows)))):
            return self.rows[0][0]
        name = "aligned" if self.columns > 1 else "gathered"
        return f"\\begin{{{name}}}\n{self.joined()}\n\\end{{{name}}}"

    def joined(self, between: str = " & ", *, rules: bool = False) -> str:
        r"""The rows as LaTeX, without an empty last one, which would be a line of its own."""
        rows = [between.join(cell.strip() for cell in row) for row in self.rows]
        closing = self._rules.get(len(rows) - 1, "") if len(rows) > 1 and self._is_empty(-1) else None
        if closing is not None:
            rows.pop()
        written = [(self._rules.get(at, "") if rules else "") + self._begun(row) for at, row in enumerate(rows)]
        return " \\\\\n".join([*written, closing] if closing and rules else written)

    def _is_empty(self, at: int) -> bool:
        return len(self.rows[at]) == 1 and not self.rows[at][0].strip()

    @staticmethod
    def _begun(row: str) -> str:
        r"""A row; its first bracket or star would belong to the `\\` before it."""
        return f"{{}}{row}" if row.startswith(("[", "*")) else row
