r"""The shape of an answer: a list, a point, an interval, a matrix, a relation, a value, words.

`read` splits cleaned text (see `text`) at its outermost signs, never inside brackets. Ambiguous texts get their usual
meaning: `(1,2)` is a point unless it is compared with an interval, `2, 3` is a list without order, `24; 112` are the
answers to two blanks, in order. Leaves stay LaTeX, which `algebra` parses.
"""

from __future__ import annotations

import re

from qmath_cli.grading.number_words import digits, is_number
from qmath_cli.grading.strict import units
from qmath_cli.grading.strict.kinds import (
    EMPTY,
    REALS,
    Bracketed,
    Clock,
    Listing,
    Matrix,
    Ordered,
    Relation,
    Shape,
    Union,
    Value,
    Words,
)
from qmath_cli.grading.strict.units import NONE

_EMPTY_TEXT = re.compile(
    r"(?i)\\emptyset|\\\{ ?\\\}|no (?:real )?(?:solutions?|roots?)|none|无(?:实数)?(?:解|根)|空集|不存在解"
)
_REALS_TEXT = re.compile(
    r"\\mathbb\{R\}|\(\s*-\s*\\infty\s*,\s*\+?\s*\\infty\s*\)|(?:all|any) real(?: number)?s?|全体实数|一切实数|R"
)
_ENVIRONMENT = re.compile(r"\\begin\{([pbB]?matrix|array)\}(?:\{[^{}]*\})?(.*)\\end\{\1\}", re.DOTALL)
_BUILDER = re.compile(r"^\s*[a-zA-Z]\s*(?:\\in\s*\\mathbb\{R\}\s*)?(?:\||\\mid(?![a-z])|:)\s*(.*)$", re.DOTALL)
_MEMBER = re.compile(r"^\s*[a-zA-Z]\w?\s*\\in(?![a-z])\s*(.*)$", re.DOTALL)
_SIGN = re.compile(r"\\(?:le|ge|ne)(?![a-z])|<=|>=|!=|[<>=]")
_SIGN_NAMES = {r"\le": "<=", r"\ge": ">=", r"\ne": "!="}
_COMMAND_WORD = re.compile(r"\\(?:[a-zA-Z]+|.)")
_WORD = re.compile(r"[A-Za-z]{4,}|[\u4e00-\u9fff]|\b(?:yes|no|odd|DNE)\b", re.IGNORECASE)
_FUNCTION = re.compile(r"arc(?:sin|cos|tan)|sinh?|cosh?|tanh?|sqrt|frac|log")
_TIGHT_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)\s*(?:\\text\{)?\s*([apAP])\.?\s?[mM]\.?\s*\}?")
_SEPARATORS = re.compile(r",| or | and |或者|或|和|与|且|以及")


def read(text: str) -> Shape:
    """The shape of cleaned text."""
    text = text.strip(" ,;").rstrip(" .")
    if text.startswith("{") and text.endswith("}") and _encloses(text, 1, len(text) - 1):
        return read(text[1:-1])
    if _EMPTY_TEXT.fullmatch(text):
        return EMPTY
    if _REALS_TEXT.fullmatch(text):
        return REALS
    member = _MEMBER.match(text)
    if member:
        return read(member[1])
    for take in (_clock, _blanks, _union, _environment, _list, _plus_minus, _bracketed, _relation, _ratio):
        shape = take(text)
        if shape is not None:
            return shape
    return _leaf(text)


def read_tight_list(text: str) -> Shape | None:
    """`24,112` as two numbers, for comparison with a list; None if the text is not of that form."""
    if not _TIGHT_THOUSANDS.fullmatch(text):
        return None
    return Listing(tuple(Value(part) for part in text.split(",")))


def split(text: str, separator: re.Pattern[str]) -> list[str]:
    """The parts of `text` between the separators outside brackets and commands."""
    return _split_with_separators(text, separator)[0]


def _split_with_separators(text: str, separator: re.Pattern[str]) -> tuple[list[str], list[str]]:
    """The parts as of `split`, and the separators between them."""
    parts, separators, start, depth, at = [], [], 0, 0, 0
    while at < len(text):
        command = _COMMAND_WORD.match(text, at)
        found = separator.match(text, at) if depth == 0 else None
        if found:
            parts.append(text[start:at])
            separators.append(found[0])
            at = start = found.end()
        elif command:
            depth += (command[0] in {r"\{", r"\langle"}) - (command[0] in {r"\}", r"\rangle"})
            at = command.end()
        else:
            depth += (text[at] in "([{") - (text[at] in ")]}")
            at += 1
    return [*parts, text[start:]], separators


def _clock(text: str) -> Shape | None:
    found = _CLOCK.fullmatch(text)
    return Clock(int(found[1]), int(found[2]), found[3].lower()) if found else None


def _blanks(text: str) -> Shape | None:
    parts = split(text, re.compile(";"))
    return Ordered(tuple(read(part) for part in parts)) if len(parts) > 1 else None


def _union(text: str) -> Shape | None:
    parts = split(
        text, re.compile(r"\\cup(?![a-z])|(?<=[)\]]) *U *(?=[(\[])|(?<=[)\]]) *(?:or|and|或|和|及) *(?=[(\[].*,)")
    )
    return Union(tuple(read(part) for part in parts)) if len(parts) > 1 else None


def _environment(text: str) -> Shape | None:
    found = _ENVIRONMENT.fullmatch(text)
    if found is None or r"\begin" in found[2]:
        return None
    rows = [row for row in re.split(r"\\\\(?:\[[^\]]*\])?", found[2]) if row.strip(" \\hline")]
    return Matrix(tuple(tuple(read(entry) for entry in row.split("&")) for row in rows))


def _list(text: str) -> Shape | None:
    if _TIGHT_THOUSANDS.fullmatch(units.split(text)[0]):
        return None
    parts = [part for part in split(text, _SEPARATORS) if part.strip()]
    if len(parts) < 2 or _is_sentence(text):
        return None
    parts = _tight_joined(parts, text)
    shapes = [read(part) for part in parts]
    if len(shapes) == 1:
        return shapes[0]
    return _conditions(shapes, text) or _assigned(shapes) or Listing(_with_shared_unit(shapes))


def _with_shared_unit(shapes: list[Shape]) -> tuple[Shape, ...]:
    """`3 and 4 cm`: a unit at the end applies to all values."""
    last = shapes[-1]
    if not isinstance(last, Value) or last.unit == NONE:
        return tuple(shapes)
    return tuple(
        Value(one.tex, last.unit, one.rough) if isinstance(one, Value) and one.unit == NONE else one for one in shapes
    )


def _tight_joined(parts: list[str], text: str) -> list[str]:
    """`1,000, 2,000`: a comma without a blank separates thousands if other commas have a blank."""
    if not re.search(r", ", text) or not re.search(r"\d,\d{3}(?!\d)", text):
        return parts
    return [part for part in split(text, re.compile(r", |,(?!\d{3}(?!\d))| or | and |或|和|与")) if part.strip()]


def _conditions(shapes: list[Shape], text: str) -> Shape | None:
    """Inequalities in one variable: joined by `or` they are a union, otherwise None."""
    if not all(isinstance(one, Relation) and "=" not in one.signs for one in shapes):
        return None
    if all(one.signs == ("!=",) for one in shapes if isinstance(one, Relation)) or re.search("且|and|,", text):
        return None
    return Union(tuple(shapes))


def _assigned(shapes: list[Shape]) -> Shape | None:
    """`x = 2, 3` and `x = 2 or x = 3` are lists; `x = 1, y = 2` is a point with its coordinates in order."""
    heads = [_named(one) for one in shapes]
    if heads[0] is None:
        return None
    values: list[Shape] = []
    for head, shape in zip(heads, shapes, strict=True):
        if head is None and isinstance(shape, Relation):
            return None
        values.append(read(head[1]) if head else shape)
    names = [head[0] for head in heads if head]
    if len({re.sub(r"_\{?\w+\}?$", "", name) for name in names}) == 1:
        return Listing(tuple(values))
    if len(names) < len(shapes) or len(set(names)) < len(names):
        return None
    return Bracketed("(", tuple(value for _, value in sorted(zip(names, values, strict=True), key=lambda p: p[0])), ")")


def _named(shape: Shape) -> tuple[str, str] | None:
    if (
        isinstance(shape, Relation)
        and shape.signs == ("=",)
        and re.fullmatch(r"\\?[a-zA-Z]+(?:_\{?\w+\}?)? *", shape.terms[0])
    ):
        return shape.terms[0].strip(), shape.terms[1]
    return None


def _plus_minus(text: str) -> Shape | None:
    if not re.search(r"\\(?:pm|mp)(?![a-z])", text) or (_SIGN.search(text) and not re.match(r"^\s*\w+\s*=", text)):
        return None
    text = re.sub(r"^\s*[a-zA-Z]\w?\s*=", "", text)
    upper = re.sub(r"\\pm(?![a-z])", "+", re.sub(r"\\mp(?![a-z])", "-", text))
    lower = re.sub(r"\\pm(?![a-z])", "-", re.sub(r"\\mp(?![a-z])", "+", text))
    return Listing((read(upper), read(lower)), braces=True)


def _bracketed(text: str) -> Shape | None:
    opening = re.match(r"\\\{|\\langle(?![a-z])|[(\[]", text)
    closing = re.search(r"(?:\\\}|\\rangle|[)\]])$", text)
    if opening is None or closing is None or not _encloses(text, opening.end(), closing.start()):
        return None
    inner = text[opening.end() : closing.start()]
    if opening[0] == r"\{":
        builder = _BUILDER.match(inner)
        return read(builder[1]) if builder else Listing(tuple(_entries(inner)), braces=True)
    items = _entries(inner)
    if len(items) > 1:
        return Bracketed("[" if opening[0] == "[" else "(", tuple(items), "]" if closing[0] == "]" else ")")
    return read(inner) if opening[0] == "(" and closing[0] == ")" else None


def _entries(inner: str) -> list[Shape]:
    return [read(part) for part in _tight_joined(split(inner, re.compile(",")), inner)]


def _encloses(text: str, start: int, end: int) -> bool:
    """Whether the bracket before `start` is closed only by the bracket at `end`."""
    depth, at = 1, start
    while at < end:
        command = _COMMAND_WORD.match(text, at)
        if command:
            depth += (command[0] in {r"\{", r"\langle"}) - (command[0] in {r"\}", r"\rangle"})
            at = command.end()
        else:
            depth += (text[at] in "([{") - (text[at] in ")]}")
            at += 1
        if depth == 0:
            return False
    return True


def _relation(text: str) -> Shape | None:
    if r"\approx" in text:
        exact, _, rough = text.rpartition(r"\approx")
        return read(exact) if exact.strip() and not re.fullmatch(r"\s*\w\s*", exact) else _roughly(rough)
    terms, signs = _split_with_separators(text, _SIGN)
    if not signs or any(not term.strip() for term in terms):
        return None
    return Relation(tuple(term.strip() for term in terms), tuple(_SIGN_NAMES.get(sign, sign) for sign in signs))


def _roughly(text: str) -> Shape:
    shape = read(text)
    return Value(shape.tex, shape.unit, rough=True) if isinstance(shape, Value) else shape


def _ratio(text: str) -> Shape | None:
    parts = split(text, re.compile(":"))
    if len(parts) < 2 or any(not part.strip() for part in parts):
        return None
    return Ordered(tuple(read(part) for part in parts), ratio=True)


def _leaf(text: str) -> Shape:
    if _is_sentence(text):
        value, _ = units.split(text)
        if is_number(value):
            return Value(digits(value))
        if value == text or _is_sentence(value):
            return Words(re.sub(r"\\text\{([^{}]*)\}|\s+", lambda found: found[1] or " ", text).strip().casefold())
    if re.search(r"\\(?:sin|cos|tan)", text):
        return Value(text.replace(r"\text{degree}", r"\cdot\frac{\pi}{180}"))
    value, unit = units.split(text)
    return Value(_TIGHT_THOUSANDS.sub(lambda found: found[0].replace(",", ""), value), unit)


def _is_sentence(text: str) -> bool:
    """Whether words remain after commands, units and function names are removed."""
    plain = re.sub(r"\\text\{[^{}]*\}|\\(?:begin|end)\{\w+\}|\\[a-zA-Z]+", " ", _FUNCTION.sub(" ", text))
    plain = _SEPARATORS.sub(" ", plain)
    bare, _ = units.split(plain.strip())
    return _WORD.search(bare) is not None or (not bare.strip() and r"\text" in text)
