r"""Constructs of rows and cells: environments, `\substack`, formulas of several lines."""

from __future__ import annotations

import re
from collections.abc import Callable

from qmath_cli.mathematics.lexer import Token, TokenKind
from qmath_cli.mathematics.parser import Parser, Stop
from qmath_cli.mathematics.tree import Fence, Grid, Node, Refused, Row, Table

_FENCES = {"": ("", ""), "p": ("(", ")"), "b": ("[", "]"), "B": ("{", "}"), "v": ("|", "|"), "V": ("‖", "‖")}
_ALIGNED = "align aligned alignat alignedat split eqnarray flalign"
_LINES = "equation gather gathered multline displaymath math subarray"
_KINDS: dict[str, tuple[Grid, str, str]] = {
    **dict.fromkeys(_ALIGNED.split(), (Grid.ALIGNED, "", "")),
    **dict.fromkeys(_LINES.split(), (Grid.LINES, "", "")),
    **dict.fromkeys(("array", "darray", "tabular"), (Grid.ARRAY, "", "")),
    **dict.fromkeys(("cases", "dcases"), (Grid.CASES, "{", "")),
    **dict.fromkeys(("rcases", "drcases"), (Grid.CASES, "", "}")),
}
_COMMANDS = {"eqalign": "aligned", "cases": "cases", "matrix": "matrix"}  # of plain TeX; the others are lines


_RULES = ("cline", "midrule", "toprule", "bottomrule", "hdashline", "cmidrule")

Cell = Callable[[Parser, Stop], Node]
Rows = tuple[tuple[Node, ...], ...]


def environment(parser: Parser, _command: str) -> Node:
    r"""`\begin{name} ... \end{name}`."""
    name = parser.raw_group().strip().removesuffix("*")
    kind, left, right = _kind(name)
    _position(parser)
    columns = parser.raw_group() if name in {"array", "tabular", "subarray", "darray"} else ""
    if name in {"alignat", "alignedat"}:
        parser.raw_group()
    rows, rules = _rows(parser, _at_end, _text_cell if name == "tabular" else _cell)
    closing = parser.take()
    if closing.text != "end" or parser.raw_group().strip().removesuffix("*") != name:
        raise Refused(f"{name} is not closed")
    return _table(kind, rows, rules, left, right, "rcl" if name == "eqnarray" else _columns(columns))


def rows_in_braces(parser: Parser, command: str) -> Node:
    r"""`\substack{a \\ b}`, `\displaylines{...}`, and the tables of plain TeX: `\matrix{1 & 2 \cr 3 & 4}`."""
    parser.skip_spaces()
    if parser.take().kind is not TokenKind.OPEN:
        raise Refused("a brace is missing")
    rows, rules = _rows(parser, lambda token: token.kind is TokenKind.CLOSE)
    if parser.take().kind is not TokenKind.CLOSE:
        raise Refused("a brace is not closed")
    known = command in _COMMANDS or command.endswith("matrix")
    kind, left, right = _kind(_COMMANDS.get(command, command)) if known else (Grid.LINES, "", "")
    return _table(kind, rows, rules, left, right)


def _table(kind: Grid, rows: Rows, rules: frozenset[int], left: str = "", right: str = "", columns: str = "") -> Node:
    """A table; lines with several columns are aligned, so that no two columns touch."""
    if kind is Grid.LINES and len(rows) == 1 and len(rows[0]) == 1:
        return rows[0][0]
    if kind is Grid.LINES and any(len(row) > 1 for row in rows):
        kind = Grid.ALIGNED
    return Table(kind, rows, left, right, columns, rules)


def _position(parser: Parser) -> None:
    """Skip `[t]`, `[b]`, `[c]`, or the alignment `[r]` of a matrix. Any other bracket belongs to the first cell."""
    parser.skip_spaces()
    if re.match(r"\[\s*[tbclr]\s*\]", parser.source[parser.peek().start :]):
        parser.optional()


def lines(parser: Parser, stop: Stop) -> Node:
    r"""A formula, or several separated by `\\`; `&` aligns them."""
    rows, rules = _rows(parser, stop)
    return _table(Grid.LINES, rows, rules)


def _kind(name: str) -> tuple[Grid, str, str]:
    """The kind of an environment and its delimiters. Raises `Refused`."""
    if name.endswith("matrix"):
        fence = name.removesuffix("matrix").removesuffix("small")  # the small ones are of mathtools
        if fence in _FENCES:
            return Grid.MATRIX, *_FENCES[fence]
    if name in _KINDS:
        return _KINDS[name]
    raise Refused(f"unknown environment {name}")


def _columns(spec: str) -> str:
    r"""Letters and rules of a column specification; `*{3}{c}` is three columns, `@{..}` is none, `p{..}` is left."""
    spec = re.sub(r"\*\{(\d\d?)\}\{([^{}]*)\}", lambda found: int(found[1]) * found[2], spec.replace(" ", ""))
    spec = re.sub(r"[@!<>]\{[^{}]*\}", "", spec)
    spec = re.sub(r"[pmbX](\{[^{}]*\})?", "l", spec).replace(":", "|").replace("||", "|")
    if set(spec) - set("lcr|"):
        raise Refused(f"column specification {spec}")
    return spec


def _at_end(token: Token) -> bool:
    return token.kind is TokenKind.COMMAND and token.text == "end"


def _cell(parser: Parser, stop: Stop) -> Node:
    return parser.row(stop)


def _text_cell(parser: Parser, stop: Stop) -> Node:
    """A cell that is upright text, with mathematics between dollars."""
    start, depth = parser.peek().start, 0
    while parser.peek().kind is not TokenKind.END and (depth or not stop(parser.peek())):
        kind = parser.take().kind
        depth += (kind is TokenKind.OPEN) - (kind is TokenKind.CLOSE)
    inner = Parser(f"{{{parser.source[start : parser.peek().start].strip()}}}", parser.constructs)
    return parser.constructs["text"](inner, "text") or Row()


def _rows(parser: Parser, stop: Stop, cell: Cell = _cell) -> tuple[Rows, frozenset[int]]:
    """The rows up to a token that `stop` accepts, and the indices of the rows with a rule above."""
    rows: list[tuple[Node, ...]] = []
    rules: set[int] = set()
    while True:
        _take_rules(parser, len(rows), rules)
        if stop(parser.peek()) and rows:
            break
        rows.append(_cells(parser, stop, cell))
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
    while parser.take_prefix("hline") or parser.at_command(*_RULES):
        if parser.at_command(*_RULES) and parser.take().text in {"cline", "cmidrule"}:
            parser.raw_group()
        rules.add(row)
        parser.skip_spaces()


def _cells(parser: Parser, stop: Stop, cell: Cell) -> tuple[Node, ...]:
    cells = []
    while True:
        cells.append(cell(parser, lambda token: stop(token) or _ends_cell(token)))
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
