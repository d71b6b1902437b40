r"""Tokens of what people type: runs of letters as names and words, numbers with exponents, `**`, Chinese words.

`\frac`, braces and signs pass unchanged. Promises: every character of the source belongs to one token or to the
command that it is read as; tokens keep the ranges of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qmath_cli.mathematics.lexer import Token, TokenKind, tokens
from qmath_cli.mathematics.typed.vocabulary import COMMANDS, is_word, parts

_HAN = r"\u3400-\u9fff\uf900-\ufaff℃℉"
_PIECE = re.compile(
    rf"""(?P<exponent>(?<![A-Za-z\d.])(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+(?![\d.A-Za-z]))
      | (?P<number>(?<![A-Za-z\d.\\])\d+\.(?![\d.]))(?=\s*[-+*/^)\\])
      | (?P<run>(?<!\\)(?<![A-Za-z])(?<!\\[A-Za-z])[A-Za-z]{{2,}}(?:'(?=s\b))?)
      | (?P<han>[{_HAN}]+)
      | (?P<sign><=|>=|!=|=>|\*\*|->|==)
      | (?P<command>\\(?:[A-Za-z]+|.))""",
    re.VERBOSE | re.DOTALL,
)
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
    if piece["command"]:
        yield Token(TokenKind.COMMAND, text[1:], start, end)
    elif piece["exponent"] or piece["number"]:
        yield Token(TokenKind.NUMBER, text, start, end)
    elif piece["han"]:
        yield Token(TokenKind.WORD, text, start, end)
    elif piece["sign"]:
        yield _sign(text, start, end)
    else:
        for part in parts(text):
            yield from _run(part, start, upright=upright)
            start += len(part)


def _sign(text: str, start: int, end: int) -> Token:
    if text in _SIGNS:
        return Token(TokenKind.COMMAND, _SIGNS[text], start, end)
    return Token(TokenKind.CHARACTER, "^" if text == "**" else "=", start, end)


def _run(run: str, start: int, *, upright: bool) -> Iterator[Token]:
    """The tokens of a run of letters: a command, a word, or its letters."""
    if run in COMMANDS:
        yield Token(TokenKind.COMMAND, COMMANDS[run], start, start + len(run))
    elif upright or is_word(run):
        yield Token(TokenKind.WORD, run, start, start + len(run))
    else:
        for offset, letter in enumerate(run):
            yield Token(TokenKind.CHARACTER, letter, start + offset, start + offset + 1)
