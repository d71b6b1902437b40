"""The fields of a line: text and answers, or a `FieldError` that says in words what is in their place.

An answer is text or a finite number. Nothing, NaN, a list or an object is none, and is never turned into a text such as
`None` or `nan` that models would be graded against.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]
"""One line of a file."""

_NOTHING = {"nan", "null", "<na>"}  # as tables write it


class FieldError(ValueError):
    """What is wrong with a line, as a sentence without its place."""


def text(row: Row, *names: str) -> str:
    """The text in the first of these fields that has one.

    Raises:
        FieldError: None of them has a text.
    """
    name, value = _first(row, names)
    if not isinstance(value, str):
        raise FieldError(f"the field {name!r} holds {kind_of(value)}, not a text")
    return _encodable(name, value.strip())


def answer(row: Row, *names: str, optional: bool = False) -> str:
    """The answer in the first of these fields that has one.

    Args:
        row: A line.
        names: The fields.
        optional: An empty text, or nothing, is an empty answer and not an error.

    Raises:
        FieldError: None of them has an answer.
    """
    try:
        name, value = _first(row, names)
    except FieldError:
        if optional and any(name in row for name in names):
            return ""
        raise
    return checked(name, value, optional=optional)


def checked(name: str, value: object, *, optional: bool = False) -> str:
    """An answer as text. Raises `FieldError` for a value that is none."""
    if isinstance(value, float) and not math.isfinite(value):
        raise FieldError(f"the field {name!r} is not a number ({value})")
    if not isinstance(value, str | int | float):
        raise FieldError(f"the field {name!r} holds {kind_of(value)}, not an answer")
    try:
        found = str(value).strip()
    except ValueError as exc:  # Python writes no integer of more than 4300 digits
        raise FieldError(f"the field {name!r} holds a number with thousands of digits") from exc
    if not found and not optional:
        raise FieldError(f"the field {name!r} is empty")
    if found.lower() in _NOTHING:
        raise FieldError(f"the field {name!r} is {found!r}, which is no answer")
    return _encodable(name, found)


def letter(name: str, value: object, letters: str) -> str:
    """The letter of a choice, from itself or from its number, counted from 0. Raises `FieldError` for any other."""
    number = isinstance(value, int) and not isinstance(value, bool)
    if number and 0 <= int(str(value)) < len(letters):
        return letters[int(str(value))]
    if isinstance(value, str) and value.strip() in set(letters):
        return value.strip()
    shown = repr(value)[:40] if number or isinstance(value, str | float) else kind_of(value)
    raise FieldError(
        f"the field {name!r} is {shown}: not one of 0 to {len(letters) - 1} or {letters[0]} to {letters[-1]}"
    )


def is_id(value: object) -> bool:
    """Whether a value can name a problem: a number, or a text that is not empty."""
    return isinstance(value, int | float) or (isinstance(value, str) and bool(value.strip()))


def kind_of(value: object) -> str:
    """What JSON calls a value: `a list`, `an object`, `nothing (null)`."""
    names = {type(None): "nothing (null)", bool: "true or false", dict: "an object", list: "a list", str: "a text"}
    return names.get(type(value), "a number")


def _first(row: Row, names: tuple[str, ...]) -> tuple[str, Any]:
    """The first of these fields that holds something, and its value."""
    for name in names:
        if row.get(name) is not None:
            return name, row[name]
    if present := next((name for name in names if name in row), None):
        raise FieldError(f"the field {present!r} holds nothing (null)")
    raise FieldError(f"it has no field {' or '.join(map(repr, names))}")


def _encodable(name: str, found: str) -> str:
    """The text, which is not half of a surrogate pair: no encoding can write that."""
    try:
        found.encode()
    except UnicodeEncodeError as exc:
        raise FieldError(f"the field {name!r} holds half of a character (a lone surrogate)") from exc
    return found
