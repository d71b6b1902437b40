r"""Constructs of rows and cells: environments, `\substack`, formulas of several lines."""

from __future__ import annotations

from qmath_cli.mathematics.lexer import Token, TokenKind
from qmath_cli.mathematics.parser import Parser, Stop
from qmath_cli.mathematics.tree import Fence, Grid, Node, Refused, Row, Table

_FENCES = {"": ("", ""), "p": ("(", ")"), "b": ("[", "]"), "B": ("{", "}"), "v": ("|", "|"), "V": ("‖", "‖")}
_ALIGNED = {"align", "aligned", "alignat", "alignedat", "split", "eqnarray", "flalign"}
_LINES = {"equation", "gather", "gathered", "multline", "displaymath", "math", "subarray", "smallmatrix"}


def environment(parser: Parser, _command: str) -> Node:
    r"""`\begin{name} ... \end{name}`."""
    name = parser.raw_group().strip().removesuffix("*")
    kind, left, right = _kind(name)
    columns = parser.raw_group() if name in {"array", "tabular", "subarray"} else ""
    if name in {"alignat", "alignedat"}:
        parser.raw_group()
    if name in {"aligned", "array", "split", "gathered"}:
        parser.optional()
    rows, rules = _rows(parser, _at_end)
    closing = parser.take()
    if closing.text != "end" or parser.raw_group().strip().removesuffix("*") != name:
        raise Refused(f"{name} is not closed")
    if kind is Grid.LINES and len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    return Table(kind, rows, left, right, _columns(columns), rules)


def substack(parser: Parser, _command: str) -> Node:
    r"""`\substack{a \\ b}`."""
    parser.skip_spaces()
    if parser.take().kind is not TokenKind.OPEN:
        raise Refused("a brace is missing")
    rows, rules = _rows(parser, lambda token: token.kind is TokenKind.CLOSE)
    parser.take()
    return Table(Grid.LINES, rows, rules=rules)


def lines(parser: Parser, stop: Stop) -> Node:
    r"""A formula, or several separated by `\\`; `&` aligns them."""
    rows, rules = _rows(parser, stop)
    if len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    kind = Grid.ALIGNED if any(len(row) > 1 for row in rows) else Grid.LINES
    return Table(kind, rows, rules=rules)


def _kind(name: str) -> tuple[Grid, str, str]:
    if name.endswith("matrix") and name.removesuffix("matrix") in _FENCES:
        return Grid.MATRIX, *_FENCES[name.removesuffix("matrix")]
    if name in {"cases", "dcases"}:
        return Grid.CASES, "{", ""
    if name == "rcases":
        return Grid.CASES, "", "}"
    if name in {"array", "tabular"}:
        return Grid.ARRAY, "", ""
    if name in _ALIGNED:
        return Grid.ALIGNED, "", ""
    if name in _LINES:
        return Grid.LINES, "", ""
    raise Refused(f"unknown environment {name}")


def _columns(spec: str) -> str:
    spec = spec.replace(" ", "")
    if set(spec) - set("lcr|"):
        raise Refused(f"column specification {spec}")
    return spec


def _at_end(token: Token) -> bool:
    return token.kind is TokenKind.COMMAND and token.text == "end"


def _rows(parser: Parser, stop: Stop) -> tuple[tuple[tuple[Node, ...], ...], frozenset[int]]:
    """The rows up to a token that `stop` accepts, and the indices of the rows with a rule above."""
    rows: list[tuple[Node, ...]] = []
    rules: set[int] = set()
    while True:
        _take_rules(parser, len(rows), rules)
        if stop(parser.peek()) and rows:
            break
        rows.append(_cells(parser, stop))
        if not parser.at_command("\\", "cr", "newline"):
            break
        parser.take()
        if parser.at_character("*"):
            parser.take()
        if parser.at_character("["):
            _row_gap(parser)
    if len(rows) > 1 and _empty(rows[-1]):
        rows.pop()
    return tuple(rows), frozenset(rules)


def _row_gap(parser: Parser) -> None:
    r"""Skip the distance in `\\[2pt]`. In `\\[1,2]` the bracket belongs to the next row and stays."""
    ahead = parser.source[parser.peek().end :]
    length = ahead.partition("]")[0]
    if length.strip().endswith(("pt", "em", "ex", "mm", "cm", "in")) and len(length) < 10:
        parser.optional()


def _take_rules(parser: Parser, row: int, rules: set[int]) -> None:
    parser.skip_spaces()
    while parser.at_command("hline", "cline", "midrule", "toprule", "bottomrule"):
        if parser.take().text == "cline":
            parser.raw_group()
        rules.add(row)
        parser.skip_spaces()


def _cells(parser: Parser, stop: Stop) -> tuple[Node, ...]:
    cells = []
    while True:
        cells.append(parser.row(lambda token: stop(token) or _ends_cell(token)))
        if not parser.at_character("&"):
            return tuple(cells)
        parser.take()


def _ends_cell(token: Token) -> bool:
    if token.kind is TokenKind.COMMAND:
        return token.text in {"\\", "cr", "newline"}
    return token.kind is TokenKind.CHARACTER and token.text == "&"


def _empty(row: tuple[Node, ...]) -> bool:
    return all(isinstance(cell, Row) and not cell.items for cell in row)


def fenced_table(left: str, body: Node, right: str) -> Node:
    """A fence; directly around a table without delimiters it becomes the table's delimiters."""
    if isinstance(body, Table) and not body.left and not body.right:
        return Table(body.kind, body.rows, left, right, body.columns, body.rules)
    return Fence(left, body, right)
