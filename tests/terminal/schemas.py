"""The published JSON Schemas, and records held against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jsonschema

FOLDER = resources.files("qmath_cli.terminal") / "schemas"


def schema(name: str) -> dict[str, Any]:
    """The schema of a name such as `qmath.solve/1`; it is valid itself."""
    found: dict[str, Any] = json.loads((FOLDER / file_of(name)).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def file_of(name: str) -> str:
    """The file of a schema: `qmath.solve-1.json`."""
    return f"{name.replace('/', '-')}.json"


def validate(record: Mapping[str, Any]) -> None:
    """Hold a record against the schema that it names."""
    jsonschema.validate(record, schema(record["schema"]), cls=jsonschema.Draft202012Validator)
