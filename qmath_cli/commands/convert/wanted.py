"""The options of one conversion, and the rules and notes that they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmath_convert.layout import Field
    from qmath_convert.tensor_types import TypeRule


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """The options of one conversion, as given."""

    source: str
    quants: tuple[str, ...]
    output: Path | None
    imatrix: str | None
    tensor_types: tuple[str, ...]
    recipe: Path | None
    advise: bool
    size: str | None
    verify: bool
    keep_source: bool
    threads: int
    force: bool
    as_json: bool


def notes(wanted: ConvertOptions) -> tuple[Field, ...]:
    """What a recipe says about its mixture, which holds where it is followed to the letter."""
    from qmath_convert.recipe_file import read_notes

    followed = wanted.recipe is not None and not wanted.tensor_types and not wanted.advise
    return read_notes(wanted.recipe) if followed and wanted.recipe is not None else ()


def rules(wanted: ConvertOptions) -> list[TypeRule]:
    """The rules for tensor types: those of the command line come first, so that they overrule the file's."""
    from qmath_convert.tensor_types import parse_rule, read_rules

    given = [parse_rule(text) for text in wanted.tensor_types]
    return [*given, *(read_rules(wanted.recipe) if wanted.recipe else ())]
