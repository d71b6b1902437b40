"""The lexer: LaTeX to tokens. Every character of the source belongs to exactly one token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_TOKEN = re.compile(
    r"""(?P<command>\\(?:[A-Za-z]+|.))
      | (?P<number>\d+(?:\.\d+)?|\.\d+)
      | (?P<space>[\s~]+)
      | (?P<open>\{) | (?P<close>\})
      | (?P<character>.)""",
    re.VERBOSE | re.DOTALL,
)


class TokenKind(StrEnum):
    """What a token is."""

    COMMAND = "command"  # text without its backslash
    NUMBER = "number"
    SPACE = "space"
    OPEN = "open"
    CLOSE = "close"
    CHARACTER = "character"
    WORD = "word"  # only in what people type (`typed`): an upright word
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and the half-open range of the source that it covers."""

    kind: TokenKind
    text: str
    start: int
    end: int


def tokens(source: str) -> list[Token]:
    """Split `source` into tokens; an empty token of kind END is the last one."""
    found = []
    for match in _TOKEN.finditer(source):
        kind = TokenKind(match.lastgroup or "")
        text = match.group()
        found.append(Token(kind, text[1:] if kind is TokenKind.COMMAND else text, match.start(), match.end()))
    return [*found, Token(TokenKind.END, "", len(source), len(source))]
