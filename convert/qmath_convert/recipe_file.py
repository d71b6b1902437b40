"""A mixture of types as a recipe: few rules that match every matrix exactly, and notes that go into the file.

A note is a comment of the form `# qmath.mixture.NAME = VALUE`, with the value in JSON. Whoever converts with the recipe
gets the notes as metadata of the file, under the same keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from qmath_convert.errors import BadRule
from qmath_convert.ggml import GgmlType
from qmath_convert.layout import Field, ValueType
from qmath_convert.tensor_types import TypeRule

PREFIX = "qmath.mixture."
_NOTE = re.compile(r"#\s*(qmath\.mixture\.[a-z0-9_.]{1,60})\s*=\s*(\S.*)")
_MOST_NOTES = 32
_MOST_INTEGER = 2**32 - 1

Note = str | float | int


def exact_rules(types: Mapping[str, GgmlType]) -> tuple[TypeRule, ...]:
    """Rules that give every matrix its type: one for each role and type, whatever the number of layers."""
    layers: dict[tuple[str, GgmlType], list[int]] = {}
    rules = []
    for name, kind in types.items():
        parts = name.split(".")
        if parts[0] == "blk":
            layers.setdefault((".".join(parts[2:]), kind), []).append(int(parts[1]))
        else:
            rules.append(TypeRule(f"^{re.escape(name)}$", kind))
    for (rest, kind), numbers in sorted(layers.items()):
        which = "|".join(map(str, sorted(numbers)))
        rules.append(TypeRule(rf"^blk\.({which})\.{re.escape(rest)}$", kind))
    return tuple(rules)


def recipe_text(rules: Sequence[TypeRule], notes: Mapping[str, Note], comments: Sequence[str] = ()) -> str:
    """A recipe file.

    Args:
        rules: the rules.
        notes: by the part of the key behind `qmath.mixture.`.
        comments: sentences for people, without the sign.
    """
    lines = [f"# {comment}" for comment in comments]
    lines += [f"# {PREFIX}{name} = {json.dumps(value)}" for name, value in notes.items()]
    return "\n".join([*lines, *map(str, rules), ""])


def read_notes(path: Path) -> tuple[Field, ...]:
    """The notes of a recipe as metadata; none for a recipe of another origin.

    Raises:
        BadRule: a note has no value that metadata can hold.
    """
    text = path.read_text(encoding="utf-8-sig")
    found = [match for line in text.splitlines() if (match := _NOTE.fullmatch(line.strip())) is not None]
    return tuple(_field(match[1], match[2]) for match in found[:_MOST_NOTES])


def _field(key: str, text: str) -> Field:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise BadRule(f"the note {key} has no value: {text[:40]}", "A note is # qmath.mixture.NAME = VALUE.") from exc
    if isinstance(value, str):
        return Field(key, ValueType.STRING, value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_INTEGER:
        return Field(key, ValueType.UINT32, value)
    if isinstance(value, float) and abs(value) < 1e38:
        return Field(key, ValueType.FLOAT32, value)
    raise BadRule(f"the note {key} is neither text nor a number: {text[:40]}", "Leave the line out.")
