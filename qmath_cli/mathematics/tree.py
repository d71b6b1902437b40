"""The tree of a formula: what was written, with no opinion on how it looks.

All nodes are frozen; a `Row` is the only sequence. Roles are TeX's atom types (The TeXbook, chapter 17), with numbers,
functions and postfix signs told apart because a single line of text needs the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refused(Exception):
    """The formula cannot be drawn without changing what it says; the text says why."""


class Role(StrEnum):
    """What a sign does in a formula."""

    ORDINARY = "ordinary"
    NUMBER = "number"
    FUNCTION = "function"  # sin, lim
    BIG = "big"  # a sum sign and its like
    BINARY = "binary"
    RELATION = "relation"
    PUNCTUATION = "punctuation"
    OPEN = "open"
    CLOSE = "close"
    BAR = "bar"  # |, which may open, close or stand between
    SLASH = "slash"
    POSTFIX = "postfix"  # factorial, percent, prime, degree
    SPACE = "space"


class AccentMark(StrEnum):
    """What stands over (or under, or across) an expression; the value is its name in ASCII."""

    BAR = "bar"
    HAT = "hat"
    TILDE = "tilde"
    VECTOR = "vec"
    DOT = "dot"
    DOUBLE_DOT = "ddot"
    LINE = "line"  # a two-headed arrow
    ARC = "arc"
    UNDERLINE = "underline"
    CANCEL = "cancel"


class Grid(StrEnum):
    """What a table is for: decides alignment and gaps."""

    MATRIX = "matrix"
    ARRAY = "array"
    CASES = "cases"
    ALIGNED = "aligned"  # right and left by turns
    LINES = "lines"  # one centred column


@dataclass(frozen=True, slots=True)
class Atom:
    """One sign. `ascii` None: it has no ASCII form of its own (then a formula with it is refused in ASCII)."""

    text: str
    role: Role = Role.ORDINARY
    ascii: str | None = None
    limits: bool = False  # scripts go above and below in a display


@dataclass(frozen=True, slots=True)
class Space:
    """Blank columns that were asked for."""

    columns: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """Words inside a formula."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Things side by side."""

    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Fraction:
    """One thing over another; without a `bar` it is a binomial coefficient."""

    top: Node
    bottom: Node
    bar: bool = True


@dataclass(frozen=True, slots=True)
class Root:
    """A root; `degree` None is the square root."""

    radicand: Node
    degree: Node | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A base with what stands at its foot and its head."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None


@dataclass(frozen=True, slots=True)
class Accent:
    """An expression under a mark."""

    mark: AccentMark
    body: Node


@dataclass(frozen=True, slots=True)
class Fence:
    r"""`\left ... \right`: delimiters as Unicode characters, empty where the source has a dot."""

    left: str
    body: Node
    right: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Something written over and under a base; `arrow` bases stretch, `brace` ones are braces around their body."""

    base: Node
    over: Node | None = None
    under: Node | None = None
    arrow: bool = False
    brace: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells. `columns` are alignment letters with `|` for rules; `rules` are the rows with a line above."""

    kind: Grid
    rows: tuple[tuple[Node, ...], ...]
    left: str = ""
    right: str = ""
    columns: str = ""
    rules: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Boxed:
    """The final answer."""

    body: Node


Node = Atom | Space | Text | Row | Fraction | Root | Script | Accent | Fence | Stack | Table | Boxed
