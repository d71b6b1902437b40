"""The intermediate file: a checkpoint's weights in BF16 or Q8_0, for measuring with them during a conversion.

It lies beside the output, under a name that is not that of a model, with the fingerprint of what it was made from. It
is removed when it is no longer needed. After an interruption it stays, and the next run goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli import gguf_file
from qmath_cli.errors import DoesNotFit, TerminationSignal
from qmath_cli.files import UNFINISHED
from qmath_cli.models import fit, memory
from qmath_cli.models.fit import FitVerdict
from qmath_cli.runtime import need
from qmath_cli.runtime.conversion import convert_plan, translated
from qmath_cli.runtime.quantizing.measuring import Instruments

if TYPE_CHECKING:
    from qmath_convert.pipeline import Plan
    from qmath_convert.plan import OutputFile
    from qmath_convert.source import Source


@dataclass(frozen=True, slots=True)
class Intermediate:
    """An intermediate file: the plan that writes it has one output."""

    plan: Plan

    @property
    def path(self) -> Path:
        """The file."""
        return self.plan.outputs[0].path

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.plan.outputs[0].layout.size

    @property
    def fingerprint(self) -> str:
        """Changes with the weights and their type."""
        return self.plan.outputs[0].fingerprint

    @property
    def type_name(self) -> str:
        """The type of its matrices, in upper case."""
        return str(self.plan.outputs[0].quant).upper()


def intermediates(source: Source, beside: Path) -> tuple[Intermediate, ...]:
    """The possible ones, the most exact first. Nothing is written.

    Args:
        source: the checkpoint.
        beside: the output that it will lie beside.

    Raises:
        QmathError: the checkpoint cannot be converted.
    """
    from qmath_convert.pipeline import plan
    from qmath_convert.recipe import Quant

    with translated():
        quants = (Quant.BF16, Quant.Q8_0)
        both = plan(source, {beside.with_name(f"{beside.name}.{quant}"): quant for quant in quants})
    return tuple(
        Intermediate(replace(both, outputs=(_renamed(output, beside),), notes=()))
        for output in both.outputs
        if output.quant is not None
    )


def _renamed(output: OutputFile, beside: Path) -> OutputFile:
    name = f"{beside.name}{UNFINISHED}.{output.quant}-{output.fingerprint[:12]}"
    return replace(output, path=beside.with_name(name))


def chosen(candidates: Sequence[Intermediate], measuring: Instruments) -> Intermediate:
    """The one that is there already, or the first that fits into memory.

    Raises:
        DoesNotFit: none does.
    """
    for one in candidates:
        if one.path.is_file():
            return one
    settings = measuring.settings
    repacked = need.repacked_types(settings, measuring.paths, measuring.lock)
    free = memory.memory()
    found = None
    for one in candidates:
        header = gguf_file.parse(one.plan.outputs[0].layout.header, one.size)
        found = need.judge(header, settings, repacked, free.available if free else None)
        if found.verdict is not FitVerdict.NO:
            return one
    wanted, there = (fit.size(found.need.total), fit.size(found.available or 0)) if found else ("more", "too little")
    raise DoesNotFit(
        f"to measure with the weights in {candidates[-1].type_name} takes {wanted} of memory, and {there} are free",
        "measure on a larger machine: qmath imatrix MODEL -o FILE, then qmath convert --imatrix FILE here",
    )


@contextmanager
def made(one: Intermediate, measuring: Instruments, threads: int = 0) -> Iterator[Path]:
    """The file for the length of the block; removed when the block ends without an error.

    Raises:
        DoesNotFit: there is no room for it.
        QmathError: as `convert_plan` raises them.
    """
    from qmath_convert.part import reserved_bytes
    from qmath_convert.pipeline import Options

    if not one.path.is_file():
        measuring.require_disk(one.size - reserved_bytes(one.path))
        convert_plan(one.plan, Options(threads=threads), measuring.on_bytes, measuring.note)
    try:
        yield one.path
    except (KeyboardInterrupt, TerminationSignal):
        measuring.note("what is measured is kept: the same command goes on there")
        raise
    one.path.unlink(missing_ok=True)
