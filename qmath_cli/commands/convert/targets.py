"""Where a conversion writes: the file of each quantization, and whether there is room for all of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.errors import DoesNotFit, UsageError

if TYPE_CHECKING:
    from qmath_convert.pipeline import Plan
    from qmath_convert.recipe import Quant


def targets_of(given: Path | None, name: str, quants: Sequence[Quant], *, force: bool) -> Mapping[Path, Quant]:
    """Which file gets which quantization.

    Args:
        given: the file, or the folder, that the user named.
        name: the checkpoint's name, for the names of files in a folder.
        quants: the quantizations.
        force: replace files that are there.

    Raises:
        UsageError: the names do not fit, or a file is there already.
    """
    if given is not None and not given.is_dir() and len(quants) == 1:
        targets = {given: quants[0]}
    elif given is None or given.is_dir():
        folder = given or Path()
        targets = {folder / f"{name}-{quant}.gguf": quant for quant in quants}
    else:
        raise UsageError(f"{given} is not a folder", "With several quantizations, -o names an existing folder.")
    for path in targets:
        _check_target(path, force=force)
    return targets


def _check_target(path: Path, *, force: bool) -> None:
    from qmath_convert.part import unfinished_files

    if path.suffix != ".gguf":
        raise UsageError(f"{path} does not end in .gguf")
    _part, journal = unfinished_files(path)
    unfinished = journal.exists()  # an earlier run stopped between two renames
    if path.exists() and not force and not unfinished:
        raise UsageError(f"{path} is already there", "Give another name with -o, or --force to replace it.")


def quant_named(text: str) -> Quant:
    """The quantization of this name. Raises `UsageError` for an unknown one."""
    from qmath_convert.recipe import Quant

    try:
        return Quant(text.lower())
    except ValueError as exc:
        raise UsageError(f"unknown quantization {text}", "Known: " + ", ".join(Quant)) from exc


def require_room(plan: Plan) -> None:
    """Raise `DoesNotFit` if the output does not fit on the disk; what an earlier run has reserved counts as free."""
    from qmath_convert.part import reserved_bytes

    folder = plan.outputs[0].path.absolute().parent
    there = next(place for place in (folder, *folder.parents) if place.exists())
    reserved = sum(reserved_bytes(output.path) for output in plan.outputs)
    missing = plan.output_bytes - reserved - shutil.disk_usage(there).free
    if missing > 0:
        raise DoesNotFit(
            f"the output needs {plan.output_bytes / 1e9:.2f} GB; {there} has {missing / 1e9:.2f} GB too little",
            "Free some room, choose another disk with -o, or a smaller quantization.",
        )
