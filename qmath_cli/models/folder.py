"""A folder where a GGUF was expected: what it is, and what to do with it."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.errors import ModelMissing


def explain(folder: Path) -> ModelMissing:
    """The error for a folder that was named as a model. Only the headers of a checkpoint in it are read."""
    from qmath_convert.checkpoint import open_checkpoint
    from qmath_convert.errors import ConvertError
    from qmath_convert.source import LocalFolder

    try:
        open_checkpoint(LocalFolder(folder))
    except ConvertError as exc:
        return ModelMissing(f"{folder} is a folder, not a GGUF file: {exc.message}", exc.hint)
    return ModelMissing(
        f"{folder} is a checkpoint, not a GGUF file", f"qmath add NAME {folder} converts it and gives it a name"
    )
