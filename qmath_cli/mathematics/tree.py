"""The tree of a formula: what is written, independent of how it is drawn.

All nodes are frozen; a `Row` is the only sequence. Roles are TeX's atom types (Knuth, The TeXbook, chapter 17).
Numbers, functions and postfix signs have roles of their own, because spacing on one line depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refused(Exception):
    """A formula that cannot be read, or cannot be drawn without changing its meaning; the message is the reason."""


class Role(StrEnum):
    """What a sign does in a formula."""

    ORDINARY = "ordinary"
    NUMBER = "number"
    FUNCTION = "function"  # sin, lim
    BIG = "big"  # large operators: sum, product, integral
    BINARY = "binary"
    RELATION = "relation"
    PUNCTUATION = "punctuation"
    OPEN = "open"
    CLOSE = "close"
    BAR = "bar"  # |, which opens, closes or separates
    SLASH = "slash"
    POSTFIX = "postfix"  # factorial, percent, prime, degree
    SPACE = "space"


class AccentMark(StrEnum):
    """A mark over, under or across an expression; the value is its name in ASCII drawings."""

    BAR = "bar"
    HAT = "hat"
    TILDE = "tilde"
    VECTOR = "vec"
    DOT = "dot"
    DOUBLE_DOT = "ddot"
    TRIPLE_DOT = "dddot"
    LEFT_VECTOR = "leftvec"
    CHECK = "check"
    BREVE = "breve"
    ACUTE = "acute"
    GRAVE = "grave"
    RING = "ring"
    LINE = "line"  # a two-headed arrow
    ARC = "arc"
    UNDERLINE = "underline"
    CANCEL = "cancel"


class Grid(StrEnum):
    """The kind of a table, which decides its alignment and gaps."""

    MATRIX = "matrix"
    ARRAY = "array"
    CASES = "cases"
    ALIGNED = "aligned"  # columns aligned right and left alternately
    LINES = "lines"  # one centred column


@dataclass(frozen=True, slots=True)
class Atom:
    """One sign. If `ascii` is None it has no ASCII form, and a formula with it is refused in ASCII."""

    text: str
    role: Role = Role.ORDINARY
    ascii: str | None = None
    limits: bool = False  # scripts go above and below in a display


@dataclass(frozen=True, slots=True)
class Space:
    """Explicit white space, in terminal columns."""

    columns: int = 1


@dataclass(frozen=True, slots=True)
class Text:
    """Upright text inside a formula."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Nodes side by side."""

    items: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Fraction:
    """A numerator over a denominator; without a `bar` it is a binomial coefficient."""

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
    """A base with a subscript, a superscript or both."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None


@dataclass(frozen=True, slots=True)
class Accent:
    """An expression with a mark."""

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
    """A base with something written over or under it; an `arrow` base stretches, a `brace` runs along the base."""

    base: Node
    over: Node | None = None
    under: Node | None = None
    arrow: bool = False
    brace: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells.

    `columns` holds alignment letters (l, c, r) and `|` for vertical rules. `rules` holds the indices of the rows with a
    line above them; an index equal to the number of rows is the line at the end.
    """

    kind: Grid
    rows: tuple[tuple[Node, ...], ...]
    left: str = ""
    right: str = ""
    columns: str = ""
    rules: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Boxed:
    r"""The argument of `\boxed`."""

    body: Node


Node = Atom | Space | Text | Row | Fraction | Root | Script | Accent | Fence | Stack | Table | Boxed
