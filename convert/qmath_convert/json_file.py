"""JSON files of a checkpoint that must hold an object."""

from __future__ import annotations

import json

from qmath_convert import foreign
from qmath_convert.errors import AGAIN, DamagedCheckpoint


def json_object(text: bytes, name: str) -> dict[str, object]:
    """Parse a file's `text`. Raises `DamagedCheckpoint` with the file's `name`."""
    foreign.refuse_substitute(name, text[:64])
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise DamagedCheckpoint(f"{name} is not valid JSON: {exc}", AGAIN) from exc
    if not isinstance(value, dict):
        raise DamagedCheckpoint(f"{name} does not hold a JSON object", AGAIN)
    return value
