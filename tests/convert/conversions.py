"""Conversions, and llama.cpp's own quantizer as the reference."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qmath_convert.imatrix import Importance
from qmath_convert.pipeline import Options, Written, convert, plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
from qmath_convert.tensor_types import TypeRule


class _TensorOverride(ctypes.Structure):
    """`struct llama_model_tensor_override` of llama.h."""

    _fields_ = (("pattern", ctypes.c_char_p), ("type", ctypes.c_int))


def to_gguf(
    folder: Path,
    path: Path,
    quant: Quant | str = Quant.BF16,
    importance: Importance | None = None,
    rules: Sequence[TypeRule] = (),
    **options: Any,
) -> tuple[Written, ...]:
    """Convert a folder into one file."""
    what = plan(LocalFolder(folder), {path: Quant(quant)}, importance, rules)
    return convert(what, Options(**options))


def llama_quantize(
    llama: Any,
    source: Path,
    target: Path,
    quant: Quant,
    weights: Mapping[str, np.ndarray] | None = None,
    rules: Sequence[TypeRule] = (),
) -> None:
    """`llama_model_quantize`, llama.cpp's second step."""
    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = quant.file_type, 2
    if weights is not None:
        kept = {name.encode(): np.ascontiguousarray(w, np.float32) for name, w in weights.items()}
        entries = (llama.llama_model_imatrix_data * (len(kept) + 1))()
        for entry, (name, w) in zip(entries, kept.items(), strict=False):
            entry.name, entry.size = name, w.size
            entry.data = w.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        parameters.imatrix = entries
    overrides = (_TensorOverride * (len(rules) + 1))()
    for entry, rule in zip(overrides, rules, strict=False):
        entry.pattern, entry.type = rule.pattern.encode(), rule.kind
    if rules:  # tools/quantize passes what --tensor-type gives in the same way
        parameters.tt_overrides = ctypes.cast(overrides, type(parameters.tt_overrides))
    status = llama.llama_model_quantize(str(source).encode(), str(target).encode(), parameters)
    assert status == 0
