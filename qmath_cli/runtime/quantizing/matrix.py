"""`convert --imatrix auto`: the importance matrix of a checkpoint, measured on the way.

The weights are converted to an intermediate file, which reads a text (`runtime.importance`). The matrix is kept in the
cache folder, under what it was measured from, so that the next conversion of the same checkpoint measures nothing; an
interrupted measurement goes on there.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.files import cannot_write
from qmath_cli.models import fit
from qmath_cli.runtime.conversion import translated
from qmath_cli.runtime.importance import CHUNK, ImportancePlan, measure
from qmath_cli.runtime.quantizing.intermediate import Intermediate, chosen, intermediates, made
from qmath_cli.runtime.quantizing.measuring import Instruments, ReadText

if TYPE_CHECKING:
    from qmath_convert.imatrix import Importance
    from qmath_convert.source import Source

CHUNKS = 100  # of `CHUNK` tokens that are read; more changes the weights little


def importance_of(
    source: Source,
    beside: Path,
    text: ReadText,
    measuring: Instruments,
    *,
    chunks: int | None = None,
    threads: int = 0,
) -> Importance:
    """A checkpoint's importance matrix, from the cache or measured now.

    Args:
        source: the checkpoint; it is read whole, and must be there for another pass.
        beside: the output that the intermediate file lies beside.
        text: what is read.
        measuring: the surroundings.
        chunks: chunks of the text at most; None: `CHUNKS`.
        threads: threads of the conversion; 0: as many as cores.

    Raises:
        DoesNotFit: memory or disk do not suffice.
        QmathError: the checkpoint cannot be converted, or llama.cpp fails.
    """
    chunks = chunks or CHUNKS
    candidates = intermediates(source, beside)
    for one in candidates:
        if (path := matrix_path(one, text, chunks, measuring)).is_file():
            measuring.note(f"the importance matrix was measured before: {path}")
            return read(path, source)
    one = chosen(candidates, measuring)
    measuring.note(
        f"an importance matrix is measured first, with the weights in {one.type_name}: "
        f"{fit.size(one.size)} more of disk until it is done"
    )
    with made(one, measuring, threads) as weights:
        measured(weights, one, text, chunks, measuring)
    return read(matrix_path(one, text, chunks, measuring), source)


def measured(weights: Path, one: Intermediate, text: ReadText, chunks: int, measuring: Instruments) -> Path:
    """Measure with an intermediate file that is there, unless the cache has the matrix; returns its path."""
    path = matrix_path(one, text, chunks, measuring)
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise cannot_write(path, exc) from exc
    progress = measuring.counting("measuring importance", "chunks")
    progress(0, chunks)
    with measuring.opened(weights) as model:
        plan = ImportancePlan(path, text.tokens(model), text.name, CHUNK, chunks)
        measure(model, plan, progress)
    return path


def matrix_path(one: Intermediate, text: ReadText, chunks: int, measuring: Instruments) -> Path:
    """Where the matrix of these weights and this text is kept."""
    digest = hashlib.sha256(f"{one.fingerprint} {text.digest} {chunks}".encode()).hexdigest()[:16]
    return measuring.paths.cache / "imatrix" / f"{digest}.gguf"


def read(path: Path, source: Source) -> Importance:
    """Read a matrix of the cache, under a name for people."""
    from qmath_convert.imatrix import read_importance

    with translated():
        return replace(read_importance(path), file=f"{source.name}.imatrix.gguf")
