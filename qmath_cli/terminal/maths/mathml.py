"""A formula as presentation MathML (the subset MathML Core), which browsers draw without scripts."""

from __future__ import annotations

from html import escape

from qmath_cli.mathematics.constructs import parse
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
from qmath_cli.terminal.maths.fragments import flat
from qmath_cli.terminal.maths.heights import has_limits

_OVER = {
    AccentMark.BAR: "‾",
    AccentMark.HAT: "^",
    AccentMark.TILDE: "~",
    AccentMark.VECTOR: "→",
    AccentMark.DOT: "˙",
    AccentMark.DOUBLE_DOT: "¨",
}
_OVER |= {AccentMark.LINE: "↔", AccentMark.ARC: "⏜", AccentMark.TRIPLE_DOT: "⃛", AccentMark.LEFT_VECTOR: "←"}
_OVER |= {
    AccentMark.CHECK: "ˇ",
    AccentMark.BREVE: "˘",
    AccentMark.ACUTE: "´",
    AccentMark.GRAVE: "`",
    AccentMark.RING: "˚",
}
_ALIGN = {"l": "left", "c": "center", "r": "right"}


def mathml(latex: str, *, display: bool = False) -> str | None:
    """Convert a formula to MathML.

    Args:
        latex: The formula without its delimiters.
        display: Whether the formula is a block of its own.

    Returns:
        A `<math>` element; None if the formula is not understood.
    """
    try:
        body = _group(parse(latex))
    except Refused:
        return None
    kind = ' display="block"' if display else ""
    return f"<math{kind}>{body}</math>"


def _group(node: Node) -> str:
    """A node as exactly one element."""
    items = flat(node)
    inner = "".join(_one(item) for item in items)
    return inner if len(items) == 1 else f"<mrow>{inner}</mrow>"


def _one(node: Node) -> str:
    match node:
        case Atom():
            return _atom(node)
        case Space():
            return f'<mspace width="{node.columns * 0.5:g}em"/>'
        case Text():
            return f"<mtext>{escape(node.text).replace(' ', chr(0xA0))}</mtext>"
        case Row():
            return _group(node)
        case _:
            return _built(node)


def _atom(atom: Atom) -> str:
    text = escape(atom.text)
    if atom.role is Role.NUMBER:
        return f"<mn>{text}</mn>"
    if atom.role is Role.ORDINARY:
        return f"<mi>{text}</mi>"
    if atom.role is Role.FUNCTION:
        return f"<mrow><mi>{text}</mi><mo>&#x2061;</mo></mrow>"  # U+2061: function application
    fence = ' stretchy="false"' if atom.role in {Role.OPEN, Role.CLOSE, Role.BAR} else ""
    return f"<mo{fence}>{text.replace('-', '−')}</mo>"


def _built(node: Fraction | Root | Script | Accent | Fence | Stack | Table | Boxed) -> str:
    match node:
        case Fraction():
            return _fraction(node)
        case Root():
            return _root(node)
        case Script():
            return _script(node)
        case Table():
            return _table(node)
        case _:
            return _framed(node)


def _fraction(node: Fraction) -> str:
    if node.bar:
        return f"<mfrac>{_group(node.top)}{_group(node.bottom)}</mfrac>"
    inner = f'<mfrac linethickness="0">{_group(node.top)}{_group(node.bottom)}</mfrac>'
    return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"


def _root(node: Root) -> str:
    if node.degree is None:
        return f"<msqrt>{_group(node.radicand)}</msqrt>"
    return f"<mroot>{_group(node.radicand)}{_group(node.degree)}</mroot>"


def _script(node: Script) -> str:
    over, under = ("mover", "munder") if has_limits(node.base) else ("msup", "msub")
    function = isinstance(node.base, Atom) and node.base.role is Role.FUNCTION
    base = f"<mi>{escape(node.base.text)}</mi>" if isinstance(node.base, Atom) and function else _group(node.base)
    if node.sub is not None and node.sup is not None:
        both = "munderover" if has_limits(node.base) else "msubsup"
        return f"<{both}>{base}{_group(node.sub)}{_group(node.sup)}</{both}>"
    if node.sub is not None:
        return f"<{under}>{base}{_group(node.sub)}</{under}>"
    return f"<{over}>{base}{_group(node.sup or Row())}</{over}>"


def _framed(node: Accent | Fence | Stack | Boxed) -> str:
    match node:
        case Accent():
            return _accent(node)
        case Fence():
            return f"<mrow>{_delimiter(node.left)}{_group(node.body)}{_delimiter(node.right)}</mrow>"
        case Boxed():
            css = "border:1px solid;padding:0.15em 0.3em"
            return f'<mrow class="boxed" style="{css}">{_group(node.body)}</mrow>'
        case Stack():
            return _stack(node)


def _accent(node: Accent) -> str:
    body = _group(node.body)
    if node.mark is AccentMark.UNDERLINE:
        return f'<munder accentunder="true">{body}<mo stretchy="true">_</mo></munder>'
    if node.mark is AccentMark.CANCEL:
        return f'<mrow style="text-decoration:line-through">{body}</mrow>'
    return f'<mover accent="true">{body}<mo stretchy="true">{_OVER[node.mark]}</mo></mover>'


def _stack(node: Stack) -> str:
    base = _group(node.base)
    if node.brace:
        brace = "⏞" if node.under is None else "⏟"
        tag = "mover" if node.under is None else "munder"
        base = f'<{tag}>{base}<mo stretchy="true">{brace}</mo></{tag}>'
    elif node.arrow:
        base = base.replace("<mo>", '<mo stretchy="true">')
    if node.over is not None:
        base = f"<mover>{base}{_group(node.over)}</mover>"
    return f"<munder>{base}{_group(node.under)}</munder>" if node.under is not None else base


def _delimiter(char: str) -> str:
    return f'<mo fence="true" stretchy="true">{escape(char)}</mo>' if char else ""


def _table(node: Table) -> str:
    letters = node.columns.replace("|", "")
    rows = []
    for at, row in enumerate(node.rows):
        rule = "border-top:1px solid;" if at in node.rules else ""
        rule += "border-bottom:1px solid;" if at == len(node.rows) - 1 and len(node.rows) in node.rules else ""
        cells = [_cell(cell, _alignment(node.kind, letters, column), rule) for column, cell in enumerate(row)]
        rows.append(f"<mtr>{''.join(cells)}</mtr>")
    body = f"<mtable>{''.join(rows)}</mtable>"
    if node.left or node.right:
        return f"<mrow>{_delimiter(node.left)}{body}{_delimiter(node.right)}</mrow>"
    return body


def _cell(cell: Node, align: str, rule: str) -> str:
    css = rule + (f"text-align:{align}" if align != "center" else "")
    return f"<mtd{f' style={chr(34)}{css}{chr(34)}' if css else ''}>{_group(cell)}</mtd>"


def _alignment(kind: Grid, letters: str, column: int) -> str:
    if kind is Grid.ALIGNED and not letters:
        return "left" if column % 2 else "right"
    if kind is Grid.CASES:
        return "left"
    return _ALIGN[letters[column]] if column < len(letters) else "center"
