"""What every matrix of a checkpoint costs in every type: bytes of the file, and nats of divergence.

The divergence is the sensitivity of the matrix's group times the matrix's relative error in that type: see
`sensitivity` and `qmath_convert.rounding`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qmath_cli.runtime.checkpoint import fetch
from qmath_cli.runtime.quantizing.measuring import Instruments
from qmath_cli.runtime.quantizing.sensitivity import MatrixGroup, Sensitivities

if TYPE_CHECKING:
    from qmath_convert.checkpoint import Checkpoint, Tensor
    from qmath_convert.ggml import GgmlType
    from qmath_convert.imatrix import Importance
    from qmath_convert.mixture import Choice


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of a checkpoint's matrices.

    Attributes:
        dims: rows and columns by name.
        errors: relative squared errors by name and type.
        scales: nats per unit of relative error, by name.
    """

    dims: Mapping[str, tuple[int, ...]]
    errors: Mapping[str, Mapping[GgmlType, float]]
    scales: Mapping[str, float]

    def choice(self, name: str, kind: GgmlType) -> Choice:
        """What one matrix costs in one type. Raises `KeyError` for a type whose error was not computed."""
        from qmath_convert.layout import TensorSpec
        from qmath_convert.mixture import Choice

        size = TensorSpec(name, self.dims[name], kind).padded_bytes
        error = self.errors[name][kind] if kind.is_quantized else 0.0
        return Choice(kind, size, self.scales[name] * error)

    def total(self, types: Mapping[str, GgmlType]) -> tuple[int, float]:
        """Bytes and nats of all matrices together."""
        chosen = [self.choice(name, types[name]) for name in self.dims]
        return sum(one.size for one in chosen), sum(one.cost for one in chosen)


def matrices(checkpoint: Checkpoint) -> list[Tensor]:
    """The tensors that quantizations apply to."""
    from qmath_convert.recipe import is_quantizable

    return [tensor for tensor in checkpoint.body if is_quantizable(tensor.name, tensor.stored.dims)]


def costs(
    checkpoint: Checkpoint,
    importance: Importance,
    divided: Sequence[MatrixGroup],
    kept: Sensitivities,
    more: Mapping[str, Iterable[GgmlType]],
    measuring: Instruments,
) -> Costs:
    """Compute the errors that are not known yet, and scale them by what was measured.

    Args:
        checkpoint: the weights.
        importance: the weights of their columns.
        divided: the groups that were measured; together they have all matrices.
        kept: the divergence of every group; the errors are added to it.
        more: by matrix, types that are wanted beside those of a mixture.
        measuring: the surroundings.
    """
    from qmath_convert.ggml import GgmlType

    found = matrices(checkpoint)
    _complete(checkpoint, found, importance, kept, more, measuring)
    errors = {name: {GgmlType[kind]: error for kind, error in one.items()} for name, one in kept.errors.items()}
    dims = {tensor.name: tensor.stored.dims for tensor in found}
    return Costs(dims, errors, _scales(divided, kept.klds, errors))


def _complete(
    checkpoint: Checkpoint,
    found: Sequence[Tensor],
    importance: Importance,
    kept: Sensitivities,
    more: Mapping[str, Iterable[GgmlType]],
    measuring: Instruments,
) -> None:
    """Add the errors that are missing, matrices side by side."""
    from qmath_convert.ggml import library
    from qmath_convert.rounding import Rounding, rough_type, types_for

    missing: list[tuple[Tensor, list[GgmlType]]] = []
    for tensor in found:
        columns = tensor.stored.columns
        kinds = {*types_for(columns), rough_type(columns), *more[tensor.name]}
        unknown = [k for k in sorted(kinds) if k.is_quantized and k.name not in kept.errors.get(tensor.name, {})]
        missing += [(tensor, unknown)] if unknown else []
    if not missing:
        return
    fetch(checkpoint.source, checkpoint.shards, measuring.on_bytes)

    def errors(one: tuple[Tensor, list[GgmlType]]) -> Mapping[GgmlType, float]:
        return Rounding(checkpoint.source, library(), importance).errors(*one)

    progress = measuring.counting("trying types", "matrices")
    computed: dict[str, dict[str, float]] = {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for (tensor, _), one in zip(missing, pool.map(errors, missing), strict=True):
            computed[tensor.name] = {kind.name: error for kind, error in one.items()}
            progress(len(computed), len(missing))
    kept.put_errors(computed)


def _scales(
    divided: Sequence[MatrixGroup], klds: Mapping[str, float], errors: Mapping[str, Mapping[GgmlType, float]]
) -> dict[str, float]:
    from qmath_convert.rounding import rough_type

    scales: dict[str, float] = {}
    for group in divided:
        error = sum(errors[tensor.name][rough_type(tensor.stored.columns)] for tensor in group.tensors)
        scale = max(klds[group.name], 0.0) / error if error else 0.0  # noise can make a small divergence negative
        scales |= {tensor.name: scale for tensor in group.tensors}
    return scales
