"""Whether a model fits into memory or onto the disk, before anything is loaded or downloaded.

The need is computed from the GGUF's header: its tensors, the copies of them that llama.cpp makes for a CPU, the KV
cache (2 x layers x KV heads x head dimension x cells x bytes per element), llama.cpp's compute buffers, and the process
with its vocabulary. It is the peak of a process whose prompts fill a batch, with the weights on a CPU. Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_cli.errors import DoesNotFit
from qmath_cli.gguf_file import Array, Header, TensorInfo
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.memory import free_disk
from qmath_cli.models.names import ModelName
from qmath_cli.records import ModelKind

# Bytes per element of the KV cache; q8_0 stores 32 elements in 34 bytes.
KV_BYTES: Mapping[str, float] = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32}
# Bits per weight, averaged over a whole file. For estimates: in mixed types such as Q4_K_M it depends on the shape.
BITS: Mapping[str, float] = {
    "q4_0": 4.7,
    "q4_k_s": 4.7,
    "q4_k_m": 5.0,
    "iq4_xs": 4.5,
    "q5_k_s": 5.6,
    "q5_k_m": 5.8,
    "q6_k": 6.6,
    "q8_0": 8.5,
    "f16": 16.0,
    "bf16": 16.0,
    "f32": 32.0,
}
MICRO_BATCH = 512  # llama.cpp's default n_ubatch, in tokens
_PROCESS_BYTES = 58 << 20  # the interpreter, qmath, numpy and llama.cpp, as measured
_TOKEN_BYTES = 320  # llama.cpp's tables for one token of the vocabulary and its merges, as measured
_REPACKED_ROWS = 8  # llama.cpp repacks matrices whose number of rows is a multiple of this (ggml-cpu/repack.cpp)
_TIGHT = 0.9  # share of the available memory above which other programs may be swapped out
_MIN_CELLS = 1024  # the smallest context worth a hint


class FitVerdict(StrEnum):
    """How a need compares with the available memory."""

    FITS = "fits"
    TIGHT = "tight"
    NO = "does not fit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that a loaded model takes: weights, KV cache, compute buffers, the process, and copies of weights.

    `process` includes the vocabulary's tables and the logits.
    """

    weights: int
    kv: int
    compute: int
    process: int = _PROCESS_BYTES
    repacked: int = 0

    @property
    def total(self) -> int:
        """The sum."""
        return self.weights + self.repacked + self.kv + self.compute + self.process


@dataclass(frozen=True, slots=True)
class Fit:
    """A need compared with the available memory. `cells` is the largest KV cache that fits, in tokens."""

    need: Need
    available: int | None
    verdict: FitVerdict
    cells: int


def need(
    header: Header,
    cells: int,
    kv_type: str = "f16",
    micro_batch: int = MICRO_BATCH,
    *,
    repacked: Collection[str] = (),
    sequences: int = 1,
    batches: int = 1,
) -> Need:
    """The memory that a model needs.

    Args:
        header: the model's GGUF header.
        cells: size of the KV cache in tokens, for all sequences together.
        kv_type: element type of the KV cache, a key of `KV_BYTES`.
        micro_batch: tokens per forward pass.
        repacked: the types of tensors that this build of llama.cpp copies into the CPU's own layout, such as `Q4_K`.
        sequences: how many sequences decode at once; each has its logits.
        batches: how many batches they are in; each has its compute buffers.
    """
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    vocabulary = tokens.length if isinstance(tokens, Array) else 0
    return Need(
        header.weights,
        int(cells * kv_per_cell(header, kv_type)),
        # a prompt is read beside the cells of its own sequence: the mask for more is reserved, but never touched
        _compute(header, cells // sequences, micro_batch) * batches,
        _PROCESS_BYTES + (_TOKEN_BYTES + 4 * sequences) * vocabulary,
        sum(tensor.size for tensor in header.tensors if _is_repacked(tensor, header, repacked)),
    )


def _is_repacked(tensor: TensorInfo, header: Header, types: Collection[str]) -> bool:
    """Whether llama.cpp keeps a copy of a tensor: of matrices that are multiplied with, so not of the embeddings.

    Where there are no output weights, the embeddings are multiplied with too.
    """
    if tensor.type_name not in types or len(tensor.shape) != 2 or tensor.shape[1] % _REPACKED_ROWS:
        return False
    if tensor.name != "token_embd.weight":
        return tensor.name.endswith(".weight")
    return not any(other.name == "output.weight" for other in header.tensors)


def kv_per_cell(header: Header, kv_type: str = "f16") -> float:
    """Bytes of KV cache per token."""
    heads = header.number("attention.head_count", 1)
    head_dim = header.number("attention.key_length", header.number("embedding_length") // max(heads, 1))
    kv_heads = header.number("attention.head_count_kv", heads)
    return 2 * header.number("block_count") * kv_heads * head_dim * KV_BYTES[kv_type]


def judge(wanted: Need, available: int | None, kv_cell: float = 0.0) -> Fit:
    """Compare a need with the available memory.

    Args:
        wanted: the need.
        available: bytes of available memory; None if unknown, which gives `UNKNOWN`.
        kv_cell: bytes of KV cache per token, for `Fit.cells`; 0 leaves `cells` at 0.
    """
    if available is None:
        return Fit(wanted, None, FitVerdict.UNKNOWN, 0)
    room = available - wanted.total + wanted.kv
    cells = int(room / kv_cell) if kv_cell and room > 0 else 0
    if wanted.total > available:
        return Fit(wanted, available, FitVerdict.NO, cells)
    verdict = FitVerdict.TIGHT if wanted.total > available * _TIGHT else FitVerdict.FITS
    return Fit(wanted, available, verdict, cells)


def require(fit: Fit, name: str, lock: Lock) -> None:
    """Raise `DoesNotFit`, with a hint at what would fit, if the verdict is `NO`."""
    if fit.verdict is not FitVerdict.NO or fit.available is None:
        return
    copies = f", copies of them for this CPU {size(fit.need.repacked)}" if fit.need.repacked else ""
    parts = f"weights {size(fit.need.weights)}{copies}, KV cache {size(fit.need.kv)}, buffers {size(fit.need.compute)}"
    raise DoesNotFit(
        f"{name} needs {size(fit.need.total)} of memory ({parts}), and {size(fit.available)} are free",
        _without_copies(fit) or _hint(fit.available, fit.cells, lock),
    )


def _without_copies(fit: Fit) -> str:
    """The way that costs nothing but speed, where it is enough; else empty."""
    enough = fit.available is not None and fit.need.total - fit.need.repacked <= fit.available
    return "it fits with --no-repack, which keeps only the file's weights and is slower" if enough else ""


def require_disk(folder: Path, wanted: int, what: str) -> None:
    """Raise `DoesNotFit` unless `wanted` more bytes can be written under `folder`."""
    free = free_disk(folder)
    if wanted > free:
        raise DoesNotFit(
            f"{what} needs {size(wanted)} on disk, and {size(free)} are free under {folder}",
            "free some space (`qmath list`, `qmath rm`), or set QMATH_MODELS to a folder on a larger disk",
        )


def estimate(model: LockedModel, quantization: str) -> int | None:
    """The approximate size in bytes of a model's file; None if its parameters or the type's bits are not known."""
    if model.parameters is None or quantization not in BITS:
        return None
    return int(model.parameters * BITS[quantization] / 8)


def _compute(header: Header, cells: int, micro_batch: int) -> int:
    """llama.cpp's compute buffer with flash attention, and logits for one token per sequence.

    Three activations of the feed-forward network and four of the residual stream in float32, and the attention mask in
    F16. This agrees to the mebibyte with what llama.cpp (llama-cpp-python 0.3.36, CPU) reports for the 1.5B and 7B
    shapes.
    """
    widths = 3 * header.number("feed_forward_length") + 4 * header.number("embedding_length")
    return micro_batch * (4 * widths + 2 * cells)


def _hint(available: int, cells: int, lock: Lock) -> str:
    if cells >= _MIN_CELLS:
        return f"a context of {cells // 256 * 256} tokens would fit: --ctx {cells // 256 * 256}"
    fitting = [
        str(ModelName(model.name, quantization))
        for model in lock.models
        for quantization in ("q8_0", "q4_k_m")
        if model.kind is ModelKind.INSTRUCT and (_estimated_need(model, quantization) or available + 1) <= available
    ]
    return f"{fitting[0]} would fit" if fitting else "the demo would fit: -m demo"


def _estimated_need(model: LockedModel, quantization: str) -> int | None:
    """A need from the parameter count alone: the weights, and an eighth of them (at least 512 MiB) for the rest."""
    weights = estimate(model, quantization)
    return None if weights is None else weights + max(weights // 8, 1 << 29)


def size(count: float) -> str:
    """A number of bytes as text, in powers of ten: `4.7 GB`."""
    unit = "B"
    for larger in ("kB", "MB", "GB"):
        if count < 999.5:
            break
        unit, count = larger, count / 1000
    return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 99.5 else f"{count:.1f} {unit}"
