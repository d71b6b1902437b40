r"""Tokens of what people type: runs of letters as names and words, numbers with exponents, `**`, Chinese words.

`\frac`, braces and signs pass unchanged. Promises: every character of the source belongs to one token or to the
command that it is read as; tokens keep the ranges of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qmath_cli.mathematics.lexer import Token, TokenKind, tokens
from qmath_cli.mathematics.typed.vocabulary import COMMANDS, ONLY_CALLED, is_word, parts

_HAN = r"\u3400-\u9fff\uf900-\ufaff℃℉"
_PIECE = re.compile(
    rf"""(?P<rate>(?<=[\d)}}\s])(?:(?:km|cm|mm|mi|kg|mL|ft)/(?:h|hr|s|min|km|m|L|kg)|(?<=\s)[mgLWJNV]/(?:s|min|h|m|L|kg|K|C))
          (?:\^?\{{?[23]\}}?)?(?![A-Za-z\d/])
          |(?:(?<=\d)|(?<=\d\s))(?:cm|km|mm|dm|ft|yd|(?<=\s)m)[23](?![\w^]))
      | (?P<micro>μ(?:m|g|s|L|l|A|V|F|W|C|mol)(?![A-Za-z]))
      | (?P<logarithm>(?<![A-Za-z\\])log_?(?:2|10)(?=\s*\())
      | (?P<exponent>(?<![A-Za-z\d.])(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+(?![\d.A-Za-z]))
      | (?P<number>(?<![A-Za-z\d.\\])\d+\.(?![\d.]))(?=\s*[-+*/^)\\])
      | (?P<run>(?<!\\)(?<![A-Za-z])(?<!\\[A-Za-z])[A-Za-z]{{2,}}(?:'(?=s\b))?)
      | (?P<han>[{_HAN}]+)
      | (?P<sign><=|>=|!=|=>|\*\*|->|==)
      | (?P<command>\\(?:[A-Za-z]+|.))""",
    re.VERBOSE | re.DOTALL,
)
_JOINT = re.compile(r"(?<=.)(?:和|与|或者|或|及|且)$")
_SIGNS = {"<=": "le", ">=": "ge", "!=": "ne", "=>": "Rightarrow", "->": "to"}


def typed_tokens(source: str, *, upright: bool = False) -> list[Token]:
    r"""Split `source` into tokens.

    Args:
        source: LaTeX or typed text, without Unicode mathematics (see `signs.spelled`).
        upright: the source is the content of `\text` or the like: letters without a meaning as a name are words.

    Returns:
        The tokens; the last one is of kind END.
    """
    found: list[Token] = []
    position = 0
    for piece in _PIECE.finditer(source):
        found += _shifted(source[position : piece.start()], position)
        found += _read(piece, upright=upright)
        position = piece.end()
    found += _shifted(source[position:], position)
    return [*found, Token(TokenKind.END, "", len(source), len(source))]


def _shifted(source: str, offset: int) -> Iterator[Token]:
    for token in tokens(source)[:-1]:
        yield Token(token.kind, token.text, token.start + offset, token.end + offset)


def _read(piece: re.Match[str], *, upright: bool) -> Iterator[Token]:
    start, end, text = piece.start(), piece.end(), piece[0]
    if piece["rate"] or piece["micro"]:
        yield Token(TokenKind.WORD, text, start, end)
    elif piece["logarithm"]:
        base = text.removeprefix("log").removeprefix("_")
        yield Token(TokenKind.COMMAND, "log", start, start + 3)
        yield Token(TokenKind.CHARACTER, "_", start + 3, end - len(base))
        yield Token(TokenKind.NUMBER, base, end - len(base), end)
    elif piece["command"]:
        yield Token(TokenKind.COMMAND, text[1:], start, end)
    elif piece["exponent"] or piece["number"]:
        yield Token(TokenKind.NUMBER, text, start, end)
    elif piece["han"]:
        yield from _han(text, start, piece.string[end:])
    elif piece["sign"]:
        yield _sign(text, start, end)
    else:
        for part in parts(text):
            yield from _run(part, start, piece.string, upright=upright)
            start += len(part)


def _han(text: str, start: int, after: str) -> Iterator[Token]:
    """A run of Chinese characters; a joint at its end, before something else, is a word of its own."""
    joint = _JOINT.search(text)
    cut = joint.start() if joint and after.strip() else len(text)
    if cut:
        yield Token(TokenKind.WORD, text[:cut], start, start + cut)
    if cut < len(text):
        yield Token(TokenKind.WORD, text[cut:], start + cut, start + len(text))


def _sign(text: str, start: int, end: int) -> Token:
    if text in _SIGNS:
        return Token(TokenKind.COMMAND, _SIGNS[text], start, end)
    return Token(TokenKind.CHARACTER, "^" if text == "**" else "=", start, end)


def _run(run: str, start: int, source: str, *, upright: bool) -> Iterator[Token]:
    """The tokens of a run of letters: a command, a word, or its letters."""
    end = start + len(run)
    before, after = source[:start], source[end:]
    call = after.lstrip()[:1] in {"(", "{", "_", "^", "["}
    if run in COMMANDS and (call or run not in ONLY_CALLED):
        yield Token(TokenKind.COMMAND, COMMANDS[run], start, end)
    elif run in ONLY_CALLED or is_word(run, before, after, upright=upright):
        yield Token(TokenKind.WORD, run, start, end)
    else:
        for offset, letter in enumerate(run):
            yield Token(TokenKind.CHARACTER, letter, start + offset, start + offset + 1)
