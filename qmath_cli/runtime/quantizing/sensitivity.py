"""How much a model's predictions change when its matrices are rounded: measured group by group, in one run.

A model with nearly exact weights reads a text. Then the matrices of one group (one role, in a band of neighbouring
layers) are replaced by what a coarse quantization makes of them, the text is read again, and the matrices are restored.
The mean KL divergence over the group's relative squared errors is its sensitivity: see `qmath_convert.mixture` for why
the quotient is a constant, and `qmath_convert.rounding` for the errors. Groups that are done are kept in a file; an
interrupted run goes on behind them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmath_cli import gguf_file
from qmath_cli.benchmark.divergence.base_file import reading
from qmath_cli.benchmark.divergence.passage import Passage
from qmath_cli.benchmark.divergence.passes import positions_against, write_base
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.weights import WeightWriter
from qmath_cli.files import cannot_write, write_atomically
from qmath_cli.runtime.quantizing.measuring import Instruments

if TYPE_CHECKING:
    from qmath_convert.checkpoint import Tensor
    from qmath_convert.imatrix import Importance
    from qmath_convert.rounding import Rounding
    from qmath_convert.source import Source

BANDS = 8  # of neighbouring layers: enough to tell the first and the last from those between
_SCHEMA = "qmath.sensitivity/1"


@dataclass(frozen=True, slots=True)
class MatrixGroup:
    """Matrices that are rounded together."""

    name: str
    tensors: tuple[Tensor, ...]


def groups(matrices: Sequence[Tensor], layers: int) -> list[MatrixGroup]:
    """Matrices of one role by bands of layers; those outside the layers are groups of their own."""
    found: dict[str, list[Tensor]] = {}
    bands = min(BANDS, layers)
    for tensor in matrices:
        parts = tensor.name.split(".")
        if parts[0] == "blk":
            band = int(parts[1]) * bands // layers
            found.setdefault(f"{parts[2]} {band + 1}/{bands}", []).append(tensor)
        else:
            found[parts[0]] = [tensor]
    return [MatrixGroup(name, tuple(tensors)) for name, tensors in found.items()]


class Sensitivities:
    """What was measured of a checkpoint, in a file of the cache folder.

    Attributes:
        klds: mean KL divergence in nats, by group.
        errors: relative rounding errors, by matrix and name of the type: see `costs`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.klds, self.errors = _read(path)

    def put(self, name: str, kld: float) -> None:
        """Add a group's divergence; it is on the disk when this returns."""
        self.klds[name] = kld
        self._write()

    def put_errors(self, errors: Mapping[str, Mapping[str, float]]) -> None:
        """Add rounding errors."""
        for name, found in errors.items():
            self.errors[name] = {**self.errors.get(name, {}), **found}
        self._write()

    def _write(self) -> None:
        record = {"schema": _SCHEMA, "klds": self.klds, "errors": self.errors}
        try:
            write_atomically(self._path, json.dumps(record))
        except OSError as exc:
            raise cannot_write(self._path, exc) from exc


def measure(
    weights: Path,
    wanted: Sequence[MatrixGroup],
    passages: Callable[[Model], Sequence[Passage]],
    source: Source,
    importance: Importance,
    measuring: Instruments,
    kept: Sensitivities,
) -> None:
    """Measure the groups that are not in `kept` yet.

    Args:
        weights: an intermediate file with the model's weights.
        wanted: the groups.
        passages: what a model reads.
        source: the checkpoint.
        importance: the weights of its columns.
        measuring: the surroundings.
        kept: where the results go.

    Raises:
        EngineUnusable: llama.cpp fails, or keeps a matrix where it cannot be written to.
        DoesNotFit: memory or disk do not suffice.
    """
    from qmath_convert.ggml import library
    from qmath_convert.rounding import Rounding

    missing = [group for group in wanted if group.name not in kept.klds]
    if not missing:
        return
    progress = measuring.counting("measuring sensitivity", "groups")
    progress(len(wanted) - len(missing), len(wanted))
    measuring.paths.cache.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=measuring.paths.cache) as scratch,
        measuring.opened(weights, writable=True) as model,
    ):
        base = Path(scratch) / "base"
        write_base(base, model, "base", passages(model), "", lambda _done, _total: None)
        writer, rounding = WeightWriter(model), Rounding(source, library(), importance)
        for done, group in enumerate(missing, len(wanted) - len(missing) + 1):
            kept.put(group.name, _divergence(base, model, writer, group, rounding, weights))
            progress(done, len(wanted))


def _divergence(
    base: Path, model: Model, writer: WeightWriter, group: MatrixGroup, rounding: Rounding, weights: Path
) -> float:
    """The mean KL divergence with the matrices of a group rounded; afterwards they are as they were."""
    import numpy as np

    from qmath_convert.ggml import GgmlType
    from qmath_convert.rounding import rough_type

    stored = {tensor.name: tensor for tensor in gguf_file.read(weights).tensors}
    for tensor in group.tensors:
        kind = GgmlType[stored[tensor.name].type_name]
        writer.write(tensor.name, rounding.rounded(tensor, rough_type(tensor.stored.columns), kind))
    with reading(base) as reader:
        found = positions_against(reader, model, lambda _done, _total: None)
    for tensor in group.tensors:
        info = stored[tensor.name]
        writer.write(tensor.name, _pieces(weights, info.offset, info.size))
    return float(np.mean([position.kld for passage in found for position in passage]))


def _pieces(path: Path, start: int, size: int, step: int = 1 << 24) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        file.seek(start)
        for offset in range(0, size, step):
            yield offset, file.read(min(step, size - offset))


def _read(path: Path) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != _SCHEMA:
            return {}, {}
        klds = {str(name): float(kld) for name, kld in found["klds"].items()}
        errors = {str(name): {str(kind): float(e) for kind, e in one.items()} for name, one in found["errors"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, {}  # absent, or damaged: it is measured again
    return klds, errors
