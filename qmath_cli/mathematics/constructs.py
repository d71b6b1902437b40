"""The commands that take arguments: one function each, the table `CONSTRUCTS` of their names, and `parse`."""

from __future__ import annotations

from qmath_cli.mathematics.blanks import distance, rule, space
from qmath_cli.mathematics.environments import environment, fenced_table, rows_in_braces
from qmath_cli.mathematics.lexer import Token, TokenKind
from qmath_cli.mathematics.parser import Construct, Parser
from qmath_cli.mathematics.styles import alphabet, switch, upright, upright_switch
from qmath_cli.mathematics.symbols import ALPHABETS, DELIMITERS, MARKS, SYMBOLS, delimiter, negated
from qmath_cli.mathematics.tree import (
    Accent,
    AccentMark,
    Atom,
    Boxed,
    Fence,
    Fraction,
    Node,
    Refused,
    Role,
    Root,
    Row,
    Space,
    Stack,
    Text,
)
from qmath_cli.mathematics.words import circled, operator, text, whole


def parse(source: str) -> Node:
    r"""Parse a formula.

    Args:
        source: LaTeX without its delimiters (`$`, `\(`, `\[`).

    Returns:
        The root of the tree.

    Raises:
        Refused: The source is not understood.
    """
    return whole(Parser(source, CONSTRUCTS))


# ---------------------------------------------------------------- fractions, roots, boxes


def _fraction(parser: Parser, command: str) -> Node:
    if command == "cfrac":
        parser.optional()
    return Fraction(parser.argument(), parser.argument(), bar=not command.endswith("binom"))


def _root(parser: Parser, _command: str) -> Node:
    degree = parser.optional()
    return Root(parser.argument(), degree)


def _boxed(parser: Parser, _command: str) -> Node:
    return Boxed(parser.argument())


def _accent(parser: Parser, command: str) -> Node:
    return Accent(MARKS[command], parser.argument())


def _not(parser: Parser, _command: str) -> Node:
    parser.skip_spaces()
    struck = parser.argument()
    found = negated(struck) if isinstance(struck, Atom) else None
    if found is None and isinstance(struck, Atom) and len(struck.text) == 1 and struck.role is Role.RELATION:
        return Atom(f"{struck.text}\u0338", Role.RELATION, f"not-{struck.ascii}" if struck.ascii else None)
    if found is None:
        raise Refused("no sign for this negation")
    return found


# ---------------------------------------------------------------- fences


def _read_delimiter(parser: Parser) -> str:
    r"""The delimiter after `\left`, `\right`, `\middle` or a size command, as a character; empty for a dot."""
    parser.skip_spaces()
    if parser.take_point():
        return ""
    token = parser.take()
    name = f"\\{token.text}" if token.kind is TokenKind.COMMAND else token.text
    if name not in DELIMITERS:
        raise Refused(f"no delimiter: {name}")
    return DELIMITERS[name]


def _left(parser: Parser, _command: str) -> Node:
    left = _read_delimiter(parser)
    body = parser.row(_ends_fence)
    while parser.at_command("middle"):
        parser.take()
        middle = delimiter(_read_delimiter(parser))
        body = Row((body, middle, parser.row(_ends_fence)))
    if parser.take().text != "right":
        raise Refused("\\left without \\right")
    return fenced_table(left, body, _read_delimiter(parser))


def _ends_fence(token: Token) -> bool:
    return token.kind is TokenKind.COMMAND and token.text in {"right", "middle"}


def _sized(parser: Parser, _command: str) -> Node:
    return delimiter(_read_delimiter(parser))


# ---------------------------------------------------------------- over and under


def _overset(parser: Parser, command: str) -> Node:
    mark, base = parser.argument(), parser.argument()
    if isinstance(mark, Atom) and mark.text == "⌢" and command != "underset":
        return Accent(AccentMark.ARC, base)
    return Stack(base, under=mark) if command == "underset" else Stack(base, over=mark)


def _brace(parser: Parser, command: str) -> Node:
    body, above = parser.argument(), command.startswith("over")
    note = None
    parser.skip_spaces()
    if parser.at_character("^" if above else "_"):
        parser.take()
        note = parser.argument()
    return Stack(body, over=note, brace=True) if above else Stack(body, under=note, brace=True)


_ARROWS = {
    "xrightarrow": ("→", "->"),
    "xleftarrow": ("←", "<-"),
    "xleftrightarrow": ("↔", "<->"),
    "xRightarrow": ("⇒", "=>"),
    "xLeftarrow": ("⇐", "<="),
    "xLeftrightarrow": ("⇔", "<=>"),
    "xmapsto": ("↦", "|->"),
    "xhookrightarrow": ("↪", None),
    "xrightleftharpoons": ("⇌", None),
    "xlongequal": ("=", "="),
    "xequal": ("=", "="),
}


def _arrow(parser: Parser, command: str) -> Node:
    under = parser.optional()
    shaft, ascii_form = _ARROWS[command]
    return Stack(Atom(shaft, Role.RELATION, ascii_form), over=parser.argument(), under=under, arrow=True)


_PAIRS = {"abs": ("|", "|"), "norm": ("‖", "‖"), "ceil": ("⌈", "⌉"), "floor": ("⌊", "⌋"), "set": ("{", "}")}


def _paired(parser: Parser, command: str) -> Node:
    r"""`\abs{x}` of the packages physics and commath; `\abs*` and `\abs(x)` are not read."""
    left, right = _PAIRS[command]
    return Fence(left, parser.group(), right)


# ---------------------------------------------------------------- modulus, instructions without a sign


def _modulus(parser: Parser, command: str) -> Node:
    body = parser.argument()
    opening, closing = Atom("(", Role.OPEN, "("), Atom(")", Role.CLOSE, ")")
    word: tuple[Node, ...] = (Text("mod"), Space()) if command == "pmod" else ()
    return Row((Space(), opening, *word, body, closing))


def _nothing(_parser: Parser, _command: str) -> None:
    return None


def _nothing_with_argument(parser: Parser, _command: str) -> None:
    parser.raw_group()


def _body(parser: Parser, _command: str) -> Node:
    return parser.argument()


def _dots_for(parser: Parser, _command: str) -> Node:
    parser.raw_group()
    return SYMBOLS["dots"]


def _coloured(parser: Parser, _command: str) -> Node:
    parser.raw_group()
    return parser.argument()


def _tag(parser: Parser, _command: str) -> Node:
    if parser.at_character("*"):
        parser.take()
        return Row((Space(4), Text(parser.raw_group())))
    return Row((Space(4), Text(f"({parser.raw_group()})")))


def _reference(parser: Parser, command: str) -> Node:
    return Text(f"({parser.raw_group()})" if command == "eqref" else parser.raw_group())


def _brace_character(_parser: Parser, command: str) -> Node:
    return Atom(command, Role.OPEN if command == "{" else Role.CLOSE, command)


def _delimiter_command(_parser: Parser, command: str) -> Node:
    return delimiter(DELIMITERS[f"\\{command}"])


_COMMANDS: tuple[tuple[str, Construct], ...] = (
    ("frac dfrac tfrac cfrac binom dbinom tbinom", _fraction),
    ("sqrt", _root),
    ("boxed fbox framebox", _boxed),
    (" ".join(name for name in MARKS if name != "not"), _accent),
    ("not", _not),
    ("text textbf textit textrm textsf texttt textnormal textsc mbox hbox emph textup", text),
    ("mathrm mathit mathsf mathtt mathnormal mathup symup", upright),
    ("rm", upright_switch),
    ("bf bfseries boldmath cal mit", switch),
    ("operatorname", operator),
    ("textcircled", circled),
    (" ".join(ALPHABETS), alphabet),
    ("left", _left),
    ("big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm Biggm", _sized),
    ("overset underset stackrel", _overset),
    ("overbrace underbrace overbracket underbracket", _brace),
    (" ".join(_ARROWS), _arrow),
    (" ".join(_PAIRS), _paired),
    ("begin", environment),
    ("substack displaylines shortstack eqalign cases matrix pmatrix bmatrix vmatrix", rows_in_braces),
    ("pmod pod", _modulus),
    (", : ; > quad qquad enspace thinspace medspace thickspace space hfill", space),
    ("hspace hskip kern mkern mskip phantom hphantom", distance),
    ("rule", rule),
    ("hdotsfor", _dots_for),
    ("! displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits nonumber notag strut mathstrut", _nothing),
    ("negthinspace negmedspace negthickspace null relax allowbreak nobreak noindent protect hfil hss", _nothing),
    ("tiny scriptsize footnotesize small normalsize large Large LARGE huge Huge it sf tt sl em unboldmath", _nothing),
    ("label vspace vphantom", _nothing_with_argument),
    ("mathop mathbin mathrel mathord mathopen mathclose smash ensuremath", _body),
    ("textcolor", _coloured),
    ("color", _nothing_with_argument),
    ("tag", _tag),
    ("eqref ref", _reference),
    ("{ }", _brace_character),
    ("| lvert rvert vert Vert lVert rVert langle rangle lfloor rfloor lceil rceil lbrace rbrace", _delimiter_command),
)
CONSTRUCTS: dict[str, Construct] = {name: construct for names, construct in _COMMANDS for name in names.split()}
CONSTRUCTS[" "] = CONSTRUCTS["\n"] = CONSTRUCTS["\t"] = space
