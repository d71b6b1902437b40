"""The commands that take arguments: one function each, the table `CONSTRUCTS` of their names, and `parse`."""

from __future__ import annotations

import re

from qmath_cli.mathematics.environments import environment, fenced_table, lines, substack
from qmath_cli.mathematics.lexer import Token, TokenKind
from qmath_cli.mathematics.parser import Construct, Parser, simplify
from qmath_cli.mathematics.symbols import ALPHABETS, DELIMITERS, MARKS, delimiter, in_alphabet, negated
from qmath_cli.mathematics.tree import (
    Accent,
    AccentMark,
    Atom,
    Boxed,
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

_MATHS_IN_TEXT = re.compile(r"\$([^$]*)\$|\\\((.*?)\\\)")
_TEXT_ESCAPE = re.compile(r"\\([%$#&_{}\s])|~|``|''")
_TEXT_ESCAPES = {"~": " ", "``": "“", "''": "”"}


def parse(source: str) -> Node:
    r"""Parse a formula.

    Args:
        source: LaTeX without its delimiters (`$`, `\(`, `\[`).

    Returns:
        The root of the tree.

    Raises:
        Refused: The source is not understood.
    """
    return _whole(Parser(source, CONSTRUCTS))


def _whole(parser: Parser) -> Node:
    found = lines(parser, lambda token: token.kind is TokenKind.END)
    if parser.peek().kind is not TokenKind.END:
        raise Refused(f"unexpected {parser.peek().text!r}")
    return found


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
    if found is None:
        raise Refused("no sign for this negation")
    return found


# ---------------------------------------------------------------- words


def _text(parser: Parser, _command: str) -> Node:
    return _words(parser, parser.raw_group())


def _words(parser: Parser, source: str) -> Node:
    r"""The content of `\text`: words, and mathematics between `$ $` or `\( \)`."""
    items: list[Node] = []
    position = 0
    for found in _MATHS_IN_TEXT.finditer(source):
        items += _plain(source[position : found.start()])
        items.append(_whole(Parser(found.group(1) or found.group(2) or "", parser.constructs)))
        position = found.end()
    items += _plain(source[position:])
    return simplify(items)


def _plain(source: str) -> list[Node]:
    text = _TEXT_ESCAPE.sub(lambda found: found.group(1) or _TEXT_ESCAPES.get(found.group(), " "), source)
    if "\\" in text.replace("\\\\", "\\") or "{" in text or "}" in text or "$" in source.replace("\\$", ""):
        raise Refused("a command inside text")
    return [Text(" ".join(text.split("\n")))] if text else []


def _upright(parser: Parser, _command: str) -> Node:
    r"""`\mathrm{lcm}`: letters alone are a word, anything else is a formula."""
    parser.skip_spaces()
    if parser.peek().kind is not TokenKind.OPEN:
        return parser.argument()
    start = parser.peek().end
    body = parser.group()
    source = parser.source[start : parser.source.find("}", start)]
    return Text(source.replace("~", " ")) if re.fullmatch(r"[A-Za-z~ ]+", source) else body


def _operator(parser: Parser, _command: str) -> Node:
    if parser.at_character("*"):
        parser.take()
    name = parser.raw_group().replace("\\,", " ").strip()
    if not re.fullmatch(r"[A-Za-z ]+", name):
        raise Refused("an operator that is not a word")
    return Atom(name, Role.FUNCTION, name, limits=name in {"argmax", "argmin", "arg max", "arg min"})


def _alphabet(parser: Parser, command: str) -> Node:
    body = parser.argument()
    return simplify(_in_alphabet(command, item) for item in (body.items if isinstance(body, Row) else (body,)))


def _in_alphabet(command: str, node: Node) -> Node:
    if isinstance(node, Atom) and node.role in {Role.ORDINARY, Role.NUMBER}:
        letters = [in_alphabet(command, char) for char in node.text]
        if all(letters):
            return simplify(letter for letter in letters if letter)
    if isinstance(node, Atom) and node.role not in {Role.ORDINARY, Role.NUMBER}:
        return node
    raise Refused(f"\\{command} of something that has no such form")


# ---------------------------------------------------------------- fences


def _read_delimiter(parser: Parser) -> str:
    r"""The delimiter after `\left`, `\right`, `\middle` or a size command, as a character; empty for a dot."""
    parser.skip_spaces()
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
    if isinstance(mark, Atom) and mark.text == "⌢" and command == "overset":
        return Accent(AccentMark.ARC, base)
    return Stack(base, under=mark) if command == "underset" else Stack(base, over=mark)


def _brace(parser: Parser, command: str) -> Node:
    body = parser.argument()
    note = None
    parser.skip_spaces()
    if parser.at_character("^" if command == "overbrace" else "_"):
        parser.take()
        note = parser.argument()
    return Stack(body, over=note, brace=True) if command == "overbrace" else Stack(body, under=note, brace=True)


def _arrow(parser: Parser, command: str) -> Node:
    under = parser.optional()
    shaft = {"xrightarrow": "→", "xleftarrow": "←", "xRightarrow": "⇒", "xlongequal": "="}[command]
    ascii_form = {"→": "->", "←": "<-", "⇒": "=>", "=": "="}[shaft]
    return Stack(Atom(shaft, Role.RELATION, ascii_form), over=parser.argument(), under=under, arrow=True)


# ---------------------------------------------------------------- modulus, spaces, instructions without a sign


def _modulus(parser: Parser, command: str) -> Node:
    body = parser.argument()
    opening, closing = Atom("(", Role.OPEN, "("), Atom(")", Role.CLOSE, ")")
    word: tuple[Node, ...] = (Text("mod"), Space()) if command == "pmod" else ()
    return Row((Space(), opening, *word, body, closing))


def _space(_parser: Parser, command: str) -> Node:
    return Space({"quad": 2, "qquad": 4}.get(command, 1))


def _distance(parser: Parser, command: str) -> Node:
    if parser.at_character("*"):
        parser.take()
    if command == "phantom":
        parser.group()
        return Space()
    length = re.match(r"\s*(\d*\.?\d+)\s*(em|cm|pt|mm|in|ex)", parser.raw_group())
    scale = {"em": 2.0, "cm": 5.0, "pt": 0.2, "mm": 0.5, "in": 12.0, "ex": 1.0}
    return Space(min(40, max(1, round(float(length[1]) * scale[length[2]])))) if length else Space()


def _nothing(_parser: Parser, _command: str) -> None:
    return None


def _nothing_with_argument(parser: Parser, _command: str) -> None:
    parser.raw_group()


def _body(parser: Parser, _command: str) -> Node:
    return parser.argument()


def _coloured(parser: Parser, _command: str) -> Node:
    parser.raw_group()
    return parser.argument()


def _tag(parser: Parser, _command: str) -> Node:
    return Row((Space(4), Text(f"({parser.raw_group()})")))


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
    ("text textbf textit textrm textsf texttt textnormal mbox hbox emph textup", _text),
    ("mathrm mathit mathsf mathtt mathnormal rm", _upright),
    ("operatorname", _operator),
    (" ".join(ALPHABETS), _alphabet),
    ("left", _left),
    ("big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm Biggm", _sized),
    ("overset underset stackrel", _overset),
    ("overbrace underbrace", _brace),
    ("xrightarrow xleftarrow xRightarrow xlongequal", _arrow),
    ("begin", environment),
    ("substack", substack),
    ("pmod pod", _modulus),
    (", : ; > quad qquad enspace thinspace medspace thickspace space hfill", _space),
    ("hspace hskip phantom hphantom", _distance),
    ("! displaystyle textstyle scriptstyle limits nolimits nonumber notag strut mathstrut negthinspace", _nothing),
    ("label vspace vphantom", _nothing_with_argument),
    ("mathop mathbin mathrel mathord mathopen mathclose smash ensuremath", _body),
    ("textcolor", _coloured),
    ("color", _nothing_with_argument),
    ("tag", _tag),
    ("{ }", _brace_character),
    ("| lvert rvert vert Vert lVert rVert langle rangle lfloor rfloor lceil rceil lbrace rbrace", _delimiter_command),
)
CONSTRUCTS: dict[str, Construct] = {name: construct for names, construct in _COMMANDS for name in names.split()}
CONSTRUCTS[" "] = CONSTRUCTS["\n"] = CONSTRUCTS["\t"] = _space
