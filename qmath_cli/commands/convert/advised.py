"""`qmath convert --advise`: the plan of a conversion whose mixture of types is chosen by measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.commands.convert import measured
from qmath_cli.commands.convert.size import size_in_bytes
from qmath_cli.commands.invocation import Invocation
from qmath_cli.errors import UsageError
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.terminal.progress import ByteProgress

if TYPE_CHECKING:
    from qmath_cli.runtime.quantizing.advice import Advice
    from qmath_convert.pipeline import Plan
    from qmath_convert.recipe import Quant
    from qmath_convert.recipe_file import Note
    from qmath_convert.source import Source
    from qmath_convert.tensor_types import TypeRule


def label(source: Source, size: str) -> Quant:
    """The standard quantization whose file is nearest to a size: the file of the mixture is named after it."""
    from qmath_cli.runtime.quantizing.advice import STANDARD
    from qmath_convert.pipeline import plan
    from qmath_convert.recipe import Quant

    every = plan(source, {Path(name): Quant(name) for name in STANDARD})
    wanted = size_in_bytes(size, every.checkpoint)
    sizes = {output.quant: output.layout.size for output in every.outputs if output.quant is not None}
    return min(sizes, key=lambda quant: abs(sizes[quant] - wanted))


def check(targets: Mapping[Path, Quant], followed: Path | None, *, force: bool) -> None:
    """Raise `UsageError` unless one quantized file is written, and a recipe where none is.

    Args:
        targets: the files.
        followed: a recipe whose rules are kept.
        force: replace files that are there.
    """
    from qmath_convert.part import unfinished_files

    if len(targets) != 1:
        raise UsageError("--advise chooses the types of one file", "one -q, or none")
    if not all(quant.base.is_quantized for quant in targets.values()):
        raise UsageError("--advise: nothing is quantized", "leave it out, or choose another type with -q")
    (output,) = targets
    recipe = recipe_path(output)
    if followed is not None and recipe.exists() and followed.exists() and recipe.samefile(followed):
        raise UsageError(f"{recipe} would be replaced by the recipe that is written", "another name with -o")
    _part, journal = unfinished_files(output)
    if recipe.exists() and not force and not journal.exists():  # with a journal, it is of a run that was interrupted
        raise UsageError(f"{recipe} is already there", "Give another name with -o, or --force to replace it.")


def recipe_path(output: Path) -> Path:
    """Where the recipe is written."""
    return output.with_suffix(".recipe")


def plan_with_advice(
    here: Invocation,
    first: Plan,
    rules: Sequence[TypeRule],
    asked: tuple[str | None, str | None],
    progress: ByteProgress,
) -> tuple[Plan, Advice]:
    """Measure, choose, write the recipe, and plan the conversion by it.

    Args:
        here: the invocation.
        first: the plan of the standard quantization.
        rules: types that the user has chosen.
        asked: `--size` and `--imatrix`, as given.
        progress: the progress of conversions.
    """
    from qmath_cli.runtime.quantizing.advice import AdviceWanted, advise
    from qmath_cli.runtime.quantizing.texts import calibration
    from qmath_convert.imatrix import read_importance
    from qmath_convert.pipeline import plan
    from qmath_convert.recipe_file import exact_rules, read_notes

    output, source = first.outputs[0], first.checkpoint.source
    size = size_in_bytes(asked[0], first.checkpoint) if asked[0] else output.layout.size
    matrix = read_importance(Path(asked[1])) if asked[1] not in (None, measured.AUTO) else None
    if matrix is not None:
        matrix.check(first.checkpoint)  # one of another model is refused before anything is measured with it
    wanted = AdviceWanted(first, size, rules, matrix)
    later = first.output_bytes + measured.missing(source)
    with measured.measuring(here, progress, output.path, later, source) as surroundings:
        advice, importance = advise(source, wanted, calibration(), surroundings)
    recipe = recipe_path(output.path)
    _write_recipe(recipe, advice, str(output.quant))
    targets = {output.path: output.quant} if output.quant is not None else {}
    return plan(source, targets, importance, exact_rules(advice.types), read_notes(recipe)), advice


def _write_recipe(path: Path, advice: Advice, quant: str) -> None:
    from qmath_convert.recipe_file import exact_rules, recipe_text

    same = next((one for one in advice.standard if one.name == quant), None)
    notes: dict[str, Note] = {
        "bits": round(advice.advised.bits, 4),
        "expected_kld": float(f"{advice.advised.kld:.4g}"),
        "text": advice.text,
        "positions": advice.positions,
    }
    if same is not None:
        notes |= {"standard": quant, "standard_bits": round(same.bits, 4), "standard_kld": float(f"{same.kld:.4g}")}
    comments = [
        f"Chosen by qmath for {advice.advised.size / 1e6:,.1f} MB. To use it again:",
        f"qmath convert SOURCE -q {quant} --recipe {path.name} --imatrix auto",
    ]
    try:
        write_atomically(path, recipe_text(exact_rules(advice.types), notes, comments))
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def show(here: Invocation, advice: Advice, output: Path) -> None:
    """The advice as tables: what each role gets, and what it is expected to cost beside the standard quantizations."""
    from qmath_cli.terminal.reports.advice import lines

    for line in lines(advice):
        here.terminal.line(line)
    here.terminal.note(f"the recipe is in {recipe_path(output)}")


def record(advice: Advice) -> dict[str, object]:
    """The part of `convert --json` that is about the advice."""
    return {
        "advised": asdict(advice.advised),
        "standard": [asdict(one) for one in advice.standard],
        "roles": [asdict(one) for one in advice.roles],
        "types": {name: kind.name.lower() for name, kind in sorted(advice.types.items())},
        "text": advice.text,
        "positions": advice.positions,
    }
