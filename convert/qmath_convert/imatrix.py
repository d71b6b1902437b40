"""Importance matrices: one weight per input column of a matrix, measured on text.

Format: GGUF as llama.cpp's `llama-imatrix` writes it (tools/imatrix/README.md; common/imatrix-loader). Per tensor,
`NAME.in_sum2` holds sums of squared activations and `NAME.counts` how many were summed. The quantizer's weights are
sums / count, and 1 where the count is 0, as in tools/quantize.

A weight of 0 means that the column was never used. Where a whole block of columns has weight 0, some types compute
0 / 0 and write zeros or garbage; such a tensor is quantized without weights, as one that the matrix does not have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_convert.checkpoint import Checkpoint
from qmath_convert.errors import CannotWrite, ConvertError, DamagedCheckpoint
from qmath_convert.ggml import GgmlType
from qmath_convert.layout import Field, TensorSpec, ValueType

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_SUMS, _COUNTS = ".in_sum2", ".counts"
_LEAST, _MOST = 1e-38, 1e30  # below is zero in 32 bits; above, products overflow
# The columns that share a scale which the weights decide alone (ggml-quants.c: `make_qx_quants` for Q6_K, Q3_K,
# Q4_0 and Q5_0, `quantize_row_iq4_nl_impl`, `make_qp_quants` over the sub-blocks of Q2_K, Q4_K and Q5_K). Types that
# are absent have another scale to fall back on, or use no weights.
_BLOCKS = {
    GgmlType.Q6_K: 16,
    GgmlType.Q3_K: 16,
    GgmlType.Q2_K: 256,
    GgmlType.Q4_0: 32,
    GgmlType.Q5_0: 32,
    GgmlType.IQ4_NL: 32,
    GgmlType.IQ4_XS: 32,
    GgmlType.Q4_K: 256,
    GgmlType.Q5_K: 256,
}
_HINT = "Make it with `qmath imatrix` or llama-imatrix from the same model, in GGUF format."


@dataclass(frozen=True, slots=True)
class ActivationSums:
    """What an importance matrix is made of, measured on `chunks` chunks of `chunk_size` tokens of `dataset`.

    Attributes:
        sums: By GGUF tensor name, sums of squared activations per input column, of shape (columns,).
        counts: By GGUF tensor name, how many tokens were summed.
    """

    sums: Mapping[str, npt.NDArray[np.float64]]
    counts: Mapping[str, int]
    dataset: str
    chunks: int
    chunk_size: int


def write_sums(path: Path, measured: ActivationSums) -> None:
    """Write an importance matrix as llama-imatrix does (`IMatrixCollector::save_imatrix`), entries by name.

    Raises:
        CannotWrite: the file cannot be written.
    """
    import gguf
    import numpy as np

    try:
        writer = gguf.GGUFWriter(path, "")
        writer.add_type("imatrix")
        writer.add_array("imatrix.datasets", [measured.dataset])
        writer.add_uint32("imatrix.chunk_count", measured.chunks)
        writer.add_uint32("imatrix.chunk_size", measured.chunk_size)
        for name in sorted(measured.sums):
            writer.add_tensor(name + _SUMS, measured.sums[name].astype(np.float32).reshape(1, -1))
            writer.add_tensor(name + _COUNTS, np.array([[measured.counts[name]]], np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    except OSError as exc:
        raise CannotWrite(f"cannot write {path}: {exc.strerror or exc}", "Choose another folder with -o.") from exc


@dataclass(frozen=True, slots=True)
class Importance:
    """Weights per input column, by GGUF tensor name. `file` is the file's name, `digest` its sha256."""

    file: str
    digest: str
    weights: Mapping[str, npt.NDArray[np.float32]]
    dataset: str | None = None
    chunks: int = 0

    def check(self, checkpoint: Checkpoint) -> None:
        """Check that every entry has one weight per column of its tensor.

        The embedding's entry is not checked: a lookup has no input columns, and llama.cpp ignores a wrong one too.

        Raises:
            DamagedCheckpoint: an entry has another length; the matrix was measured on another model.
        """
        for tensor in checkpoint.body:
            found = self.weights.get(tensor.name)
            if found is not None and tensor.name != "token_embd.weight" and found.size != tensor.stored.columns:
                raise DamagedCheckpoint(
                    f"{self.file} has {found.size} weights for the {tensor.stored.columns} columns of {tensor.name}",
                    _HINT,
                )

    def of(self, name: str, columns: int, kind: GgmlType) -> npt.NDArray[np.float32] | None:
        """A tensor's weights, one per column; None if the matrix has none for it that `kind` can use."""
        found = self.weights.get(name)
        return found if found is not None and found.size == columns and _usable(found, kind) else None

    def is_unusable(self, spec: TensorSpec) -> bool:
        """Whether the matrix has weights for a tensor that its type cannot use."""
        found = self.weights.get(spec.name)
        return found is not None and found.size == spec.dims[-1] and not _usable(found, spec.kind)

    def fields(self) -> tuple[Field, ...]:
        """The metadata that tools/quantize writes about the matrix it used."""
        fields = [Field("quantize.imatrix.file", ValueType.STRING, self.file)]
        if self.dataset:
            fields.append(Field("quantize.imatrix.dataset", ValueType.STRING, self.dataset))
        fields.append(Field("quantize.imatrix.entries_count", ValueType.UINT32, len(self.weights)))
        if self.chunks:
            fields.append(Field("quantize.imatrix.chunks_count", ValueType.UINT32, self.chunks))
        return tuple(fields)


def read_importance(path: Path) -> Importance:
    """Read an importance matrix.

    Raises:
        DamagedCheckpoint: the file is not an importance matrix in GGUF.
        ConvertError: the file cannot be read.
    """
    import gguf

    _refuse_legacy(path)
    try:
        reader = gguf.GGUFReader(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ConvertError(f"cannot read {path}: {exc.strerror or exc}", _HINT) from exc
    except (ValueError, IndexError, KeyError) as exc:  # what gguf-py raises for a file that is not GGUF
        raise DamagedCheckpoint(f"{path} is not a GGUF importance matrix: {exc}", _HINT) from exc
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    names = [name.removesuffix(_SUMS) for name in tensors if name.endswith(_SUMS)]
    if not names:
        raise DamagedCheckpoint(f"{path} holds no importance matrix", _HINT)
    weights = {name: _weights(path, name, tensors) for name in names}
    datasets = reader.get_field("imatrix.datasets")
    chunks = reader.get_field("imatrix.chunk_count")
    return Importance(
        file=path.name,
        digest=digest,
        weights=weights,
        dataset=datasets.contents(0) if datasets and datasets.data else None,
        chunks=int(chunks.contents()) if chunks else 0,
    )


def _usable(weights: npt.NDArray[np.float32], kind: GgmlType) -> bool:
    """Whether every block of columns has a weight that the type can compute with."""
    block = _BLOCKS.get(kind)
    if block is None or weights.size % block:
        return True
    largest = weights.reshape(-1, block).max(axis=1)
    return bool(largest.min() > _LEAST and largest.max() < _MOST)


def _refuse_legacy(path: Path) -> None:
    """Raise for the format of older versions: a count, then per entry the length of its name and the name."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as exc:
        raise ConvertError(f"cannot read {path}: {exc.strerror or exc}", _HINT) from exc
    length = int.from_bytes(head[4:8], "little")
    if 0 < length < 128 and head[8:].startswith((b"blk.", b"output", b"token_embd")):
        raise DamagedCheckpoint(
            f"{path} is an importance matrix in the old format (.dat)",
            f"llama-imatrix --in-file {path.name} --output-format gguf -o {path.stem}.gguf converts it.",
        )


def _weights(path: Path, name: str, tensors: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    import numpy as np

    counts = tensors.get(name + _COUNTS)
    sums = np.array(tensors[name + _SUMS], dtype=np.float32).reshape(-1)
    if counts is None or counts.size != 1:
        raise DamagedCheckpoint(f"{path}: {name} has no single count; only dense models are converted", _HINT)
    count = np.float32(counts.reshape(-1)[0])
    weights = sums / count if count > 0 else np.ones_like(sums)
    if sums.size and sums.min() < 0:
        raise DamagedCheckpoint(f"{path}: {name} has negative sums of squares", _HINT)
    if not np.isfinite(weights).all():
        raise DamagedCheckpoint(f"{path}: the weights of {name} are not finite", _HINT)
    return np.ascontiguousarray(weights, dtype=np.float32)
