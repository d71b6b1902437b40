"""`pull --measure`: what the quantization of a model cost, measured against its weights before it.

A short comparison on held-out solutions (`runtime.held_out`): the problem is the prompt, and what a solution's author
wrote is scored. The base is an intermediate file; only one model is loaded at a time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from qmath_cli.benchmark.divergence.base_file import reading
from qmath_cli.benchmark.divergence.passage import Passage
from qmath_cli.benchmark.divergence.passes import positions_against, write_base
from qmath_cli.benchmark.divergence.statistics import clustered, divergence
from qmath_cli.engine.llama.model import Model
from qmath_cli.models.describe import describe
from qmath_cli.models.quality import Quality
from qmath_cli.runtime.held_out import NAME, written_solutions
from qmath_cli.runtime.quantizing.measuring import Instruments
from qmath_cli.runtime.solution_passages import solution_passages

SOLUTIONS = 24  # some 5,000 predictions: the error of the mean divergence is a few per cent of it


def measure_quality(
    base: Path, base_type: str, files: Sequence[Path], measuring: Instruments, *, solutions: int | None = None
) -> list[Quality]:
    """Compare quantized files with the weights that they were made from.

    Args:
        base: the intermediate file.
        base_type: the type of its matrices.
        files: the quantized files.
        measuring: the surroundings.
        solutions: how many are read; None: `SOLUTIONS`.

    Returns:
        One for each file.

    Raises:
        DoesNotFit: memory or disk do not suffice.
        EngineUnusable: llama.cpp fails.
    """
    measuring.paths.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=measuring.paths.cache) as scratch:
        kept = Path(scratch) / "base"
        with measuring.opened(base) as model:
            passages = _passages(model, base, measuring, solutions or SOLUTIONS)
            progress = measuring.counting("reading before quantization", "solutions")
            write_base(kept, model, base_type, passages, NAME, progress)
        return [_compared(kept, base_type, file, len(passages), measuring) for file in files]


def _passages(model: Model, base: Path, measuring: Instruments, solutions: int) -> list[Passage]:
    info = describe(str(base), measuring.paths, measuring.lock)
    return solution_passages(written_solutions(solutions), model, info)


def _compared(kept: Path, base_type: str, file: Path, solutions: int, measuring: Instruments) -> Quality:
    with measuring.opened(file) as model, reading(kept) as reader:
        found = positions_against(reader, model, measuring.counting(f"reading after it, {file.name}", "solutions"))
    one = divergence([position for passage in found for position in passage])
    return Quality(
        base=base_type,
        text=f"{NAME}, {solutions} solutions",
        positions=one.positions,
        kld=one.kld.value,
        kld_error=clustered(found).error,
        same_top=one.same_top.value,
        ppl_ratio=one.ratio.value,
    )
