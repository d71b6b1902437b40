"""The type of each tensor in a quantization.

The rules are those of llama.cpp's `llama_tensor_get_type` (src/llama-quant.cpp, as shipped in llama-cpp-python 0.3.36),
for dense models of the qwen2 architecture and the quantizations listed here. A test compares every tensor byte with the
result of `llama_model_quantize`. The rules:

1. Vectors (norms, biases) stay F32. F32, F16 and BF16 apply to every matrix alike.
2. Every other quantization has a base type. The table `_MIX` gives some matrices of some layers a larger type.
3. The output matrix, or the embedding where the two are tied, becomes Q6_K. It becomes Q8_0 in a Q8_0 file, and where a
   row is not a whole number of the base type's blocks.
4. In an 80-layer model (72B) eight query heads share each value head, so attn_v is small: Q3_K and Q4_K there become
   Q5_K.
5. A type whose block does not divide the row is replaced by a similar type with blocks of 32, and that one by F16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

from qmath_convert.ggml import GgmlType


class Quant(StrEnum):
    """The quantizations, by llama.cpp's names for them."""

    F32 = "f32"
    F16 = "f16"
    BF16 = "bf16"
    Q8_0 = "q8_0"
    Q6_K = "q6_k"
    Q5_K_M = "q5_k_m"
    Q5_K_S = "q5_k_s"
    Q4_K_M = "q4_k_m"
    Q4_K_S = "q4_k_s"
    Q4_0 = "q4_0"
    IQ4_XS = "iq4_xs"
    Q3_K_L = "q3_k_l"
    Q3_K_M = "q3_k_m"
    Q3_K_S = "q3_k_s"
    Q2_K = "q2_k"

    @property
    def file_type(self) -> int:
        """`general.file_type` (`enum llama_ftype`)."""
        return _FILE_TYPES[self]

    @property
    def base(self) -> GgmlType:
        """The type of a matrix that `_MIX` does not list."""
        return _BASES[self]


_FILE_TYPES = {
    Quant.F32: 0,
    Quant.F16: 1,
    Quant.BF16: 32,
    Quant.Q8_0: 7,
    Quant.Q6_K: 18,
    Quant.Q5_K_M: 17,
    Quant.Q5_K_S: 16,
    Quant.Q4_K_M: 15,
    Quant.Q4_K_S: 14,
    Quant.Q4_0: 2,
    Quant.IQ4_XS: 30,
    Quant.Q3_K_L: 13,
    Quant.Q3_K_M: 12,
    Quant.Q3_K_S: 11,
    Quant.Q2_K: 10,
}

_BASES = {
    Quant.F32: GgmlType.F32,
    Quant.F16: GgmlType.F16,
    Quant.BF16: GgmlType.BF16,
    Quant.Q8_0: GgmlType.Q8_0,
    Quant.Q6_K: GgmlType.Q6_K,
    Quant.Q5_K_M: GgmlType.Q5_K,
    Quant.Q5_K_S: GgmlType.Q5_K,
    Quant.Q4_K_M: GgmlType.Q4_K,
    Quant.Q4_K_S: GgmlType.Q4_K,
    Quant.Q4_0: GgmlType.Q4_0,
    Quant.IQ4_XS: GgmlType.IQ4_XS,
    Quant.Q3_K_L: GgmlType.Q3_K,
    Quant.Q3_K_M: GgmlType.Q3_K,
    Quant.Q3_K_S: GgmlType.Q3_K,
    Quant.Q2_K: GgmlType.Q2_K,
}


class MatrixRole(Enum):
    """The matrices for which the rules differ; every other one is OTHER."""

    EMBEDDING = "token_embd"
    OUTPUT = "output"
    ATTN_V = "attn_v"
    ATTN_OUTPUT = "attn_output"
    FFN_DOWN = "ffn_down"
    OTHER = ""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """What the rules depend on besides the tensor itself."""

    layers: int
    heads_per_kv: int
    tied: bool
    has_importance: bool = False


# Whether a type applies, given a matrix's place among those of its role (its layer, unless earlier ones have a type by
# another rule: see `tensor_types`) and the model's shape.
_Rule = Callable[[int, ModelShape], bool]


def _always(_layer: int, _shape: ModelShape) -> bool:
    return True


def _more_bits(layer: int, shape: ModelShape) -> bool:
    """The first and last eighth of the layers, and every third layer between them."""
    eighth = shape.layers // 8
    return layer < eighth or layer >= 7 * shape.layers // 8 or (layer - eighth) % 3 == 2


def _first_eighth(layer: int, shape: ModelShape) -> bool:
    return layer < shape.layers // 8


def _first_sixteenth(layer: int, shape: ModelShape) -> bool:
    return layer < shape.layers // 16


def _shared_widely(_layer: int, shape: ModelShape) -> bool:
    """Four or more query heads share a value head."""
    return shape.heads_per_kv >= 4


# The first type whose rule applies; where none does, the base type.
_MIX: dict[Quant, dict[MatrixRole, tuple[tuple[GgmlType, _Rule], ...]]] = {
    Quant.Q4_0: {
        MatrixRole.FFN_DOWN: (
            (GgmlType.Q4_1, lambda layer, shape: shape.has_importance and _first_eighth(layer, shape)),
        ),
    },
    Quant.Q4_K_S: {
        MatrixRole.ATTN_V: ((GgmlType.Q5_K, lambda layer, _: layer < 4),),
        MatrixRole.FFN_DOWN: ((GgmlType.Q5_K, _first_eighth),),
    },
    Quant.Q4_K_M: {
        MatrixRole.ATTN_V: ((GgmlType.Q6_K, _more_bits),),
        MatrixRole.FFN_DOWN: ((GgmlType.Q6_K, _more_bits),),
    },
    Quant.Q5_K_M: {
        MatrixRole.ATTN_V: ((GgmlType.Q6_K, _more_bits),),
        MatrixRole.FFN_DOWN: ((GgmlType.Q6_K, _more_bits),),
    },
    Quant.IQ4_XS: {
        MatrixRole.ATTN_V: ((GgmlType.Q5_K, _shared_widely),),
        MatrixRole.FFN_DOWN: (
            (GgmlType.Q5_K, lambda layer, shape: not shape.has_importance and _first_eighth(layer, shape)),
        ),
    },
    Quant.Q3_K_L: dict.fromkeys(
        (MatrixRole.ATTN_V, MatrixRole.FFN_DOWN, MatrixRole.ATTN_OUTPUT), ((GgmlType.Q5_K, _always),)
    ),
    Quant.Q3_K_M: {
        MatrixRole.ATTN_V: ((GgmlType.Q5_K, lambda layer, _: layer < 2), (GgmlType.Q4_K, _always)),
        MatrixRole.FFN_DOWN: ((GgmlType.Q5_K, _first_sixteenth), (GgmlType.Q4_K, _always)),
        MatrixRole.ATTN_OUTPUT: ((GgmlType.Q4_K, _always),),
    },
    Quant.Q2_K: {
        MatrixRole.ATTN_V: ((GgmlType.Q4_K, _shared_widely), (GgmlType.Q3_K, _always)),
        MatrixRole.FFN_DOWN: ((GgmlType.Q3_K, _always),),
        MatrixRole.ATTN_OUTPUT: ((GgmlType.Q3_K, _always),),
    },
}

_FALLBACK = {
    GgmlType.IQ4_XS: GgmlType.IQ4_NL,
    GgmlType.Q2_K: GgmlType.Q4_0,
    GgmlType.Q3_K: GgmlType.Q4_0,
    GgmlType.Q4_K: GgmlType.Q5_0,
    GgmlType.Q5_K: GgmlType.Q5_1,
    GgmlType.Q6_K: GgmlType.Q8_0,
}

_LAYERS_OF_72B = 80


def is_quantizable(name: str, dims: tuple[int, ...]) -> bool:
    """Whether a tensor is a matrix that quantizations apply to: norms and biases stay F32."""
    return len(dims) > 1 and not name.endswith("_norm.weight")


def tensor_type(
    quant: Quant, name: str, dims: tuple[int, ...], shape: ModelShape, place: int | None = None
) -> GgmlType:
    """The type of one tensor.

    Args:
        quant: the quantization of the file.
        name: the tensor's GGUF name.
        dims: (rows, columns), or (length,) for a vector.
        shape: the model's shape.
        place: the matrix's place among those of its role, if it is not its layer.
    """
    if not is_quantizable(name, dims):
        return GgmlType.F32
    if not quant.base.is_quantized:
        return quant.base
    return fitting(_wanted(quant, name, dims[-1], shape, place), dims[-1])


def fitting(wanted: GgmlType, columns: int) -> GgmlType:
    """The type itself if rows of this length can have it; otherwise the one that llama.cpp falls back to."""
    if columns % wanted.block == 0:
        return wanted
    smaller = _FALLBACK.get(wanted, wanted)
    return smaller if columns % smaller.block == 0 else GgmlType.F16


def role_of(name: str) -> tuple[MatrixRole, int]:
    """A GGUF tensor's role, and its layer (-1 outside the layers)."""
    parts = name.split(".")
    layer = int(parts[1]) if parts[0] == "blk" else -1
    stem = parts[2] if parts[0] == "blk" else parts[0]
    return next((role for role in MatrixRole if role.value == stem), MatrixRole.OTHER), layer


def _wanted(quant: Quant, name: str, columns: int, shape: ModelShape, place: int | None) -> GgmlType:
    role, layer = role_of(name)
    if role is MatrixRole.OUTPUT or (role is MatrixRole.EMBEDDING and shape.tied):
        whole = columns % quant.base.block == 0
        return GgmlType.Q6_K if whole and quant is not Quant.Q8_0 else GgmlType.Q8_0
    wanted = _mixed(quant, role, layer if place is None else place, shape)
    few = shape.layers == _LAYERS_OF_72B and wanted in (GgmlType.Q3_K, GgmlType.Q4_K)
    return GgmlType.Q5_K if role is MatrixRole.ATTN_V and few else wanted


def _mixed(quant: Quant, role: MatrixRole, place: int, shape: ModelShape) -> GgmlType:
    rules = _MIX.get(quant, {}).get(role, ())
    return next((kind for kind, applies in rules if applies(place, shape)), quant.base)
