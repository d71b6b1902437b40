"""GGUF files made by the gguf package for tests: random ones, and parts of split models."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFValueType

Types = GGUFValueType
_INTEGERS = {
    Types.UINT8: (0, 2**8 - 1), Types.INT8: (-(2**7), 2**7 - 1), Types.UINT16: (0, 2**16 - 1),
    Types.INT16: (-(2**15), 2**15 - 1), Types.UINT32: (0, 2**32 - 1), Types.INT32: (-(2**31), 2**31 - 1),
    Types.UINT64: (0, 2**64 - 1), Types.INT64: (-(2**63), 2**63 - 1),
}  # fmt: skip
_PLAIN = {
    GGMLQuantizationType.F32: np.float32, GGMLQuantizationType.F16: np.float16, GGMLQuantizationType.F64: np.float64,
    GGMLQuantizationType.I8: np.int8, GGMLQuantizationType.I16: np.int16, GGMLQuantizationType.I32: np.int32,
    GGMLQuantizationType.I64: np.int64,
}  # fmt: skip


def random_file(path: Path, seed: int) -> Path:
    """A file with keys of all types in any order, and tensors of any types."""
    chosen = random.Random(seed)
    writer = gguf.GGUFWriter(path, chosen.choice(["qwen2", "llama", "x"]))
    if chosen.random() < 0.3:
        writer.add_custom_alignment(chosen.choice([8, 16, 64, 128]))
    for number in range(chosen.randrange(12)):
        kind = chosen.choice(list(Types))
        value, element = _value(chosen, kind)
        writer.add_key_value(f"{chosen.choice(['a', 'qwen2', 'é.ü'])}.{number}", value, kind, element)
    entries = list(writer.kv_data[0].items())
    chosen.shuffle(entries)
    writer.kv_data[0] = dict(entries)
    for number in range(chosen.randrange(5)):
        _tensor(chosen, writer, f"blk.{number}.w")
    finish(writer)
    if chosen.random() < 0.3:
        with path.open("r+b") as file:  # version 2 differs in nothing but its number
            file.seek(4)
            file.write(b"\x02")
    return path


def finish(writer: gguf.GGUFWriter) -> None:
    """Write everything, and close the file."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write(path: Path, metadata: Mapping[str, Any], tensors: int = 1, architecture: str = "qwen2") -> Path:
    """A file with these strings and integers as metadata, and tensors `blk.0.w`, `blk.1.w` ..."""
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in metadata.items():
        add: Callable[[str, Any], None] = writer.add_string if isinstance(value, str) else writer.add_uint32
        add(key, value)
    for number in range(tensors):
        writer.add_tensor(f"blk.{number}.w", np.full((4, 32), number, np.float32))
    finish(writer)
    return path


def split_model(folder: Path, parts: int = 3, *, empty_first: bool = False) -> list[Path]:
    """A model in several files: as `llama-gguf-split` writes them, only the first has the model's metadata."""
    paths = [folder / f"m-{number:05d}-of-{parts:05d}.gguf" for number in range(1, parts + 1)]
    total = parts - empty_first
    for number, path in enumerate(paths):
        writer = gguf.GGUFWriter(path, "qwen2")
        if number:
            del writer.kv_data[0]["general.architecture"]
        else:
            writer.add_block_count(total)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", parts)
        writer.add_int32("split.tensors.count", total)
        if number or not empty_first:
            writer.add_tensor(f"blk.{number - empty_first}.w", np.full((4, 32), number, np.float32))
        finish(writer)
    return paths


def _value(chosen: random.Random, kind: Types, depth: int = 0) -> tuple[Any, Types | None]:
    """A value, and the type of its elements if it is an array."""
    if kind is Types.ARRAY:
        inferred = [Types.STRING, Types.INT32, Types.BOOL]  # the writer finds the types of inner arrays by itself
        kinds = [*(inferred if depth else Types), *([Types.ARRAY] if 0 < depth < 2 else [])]
        element = chosen.choice(kinds)
        return [_value(chosen, element, depth + 1)[0] for _ in range(chosen.randrange(1, 6))], (
            element if element is not Types.ARRAY else None
        )
    if kind is Types.STRING:
        return "".join(chosen.choice("ab 中\n\0ß🙂") for _ in range(chosen.randrange(20))), None
    if kind is Types.BOOL:
        return chosen.random() < 0.5, None
    if kind in _INTEGERS:
        return chosen.choice([*_INTEGERS[kind], chosen.randint(*_INTEGERS[kind])]), None
    return chosen.choice([0.0, 1.5, -1e30, float("inf"), chosen.random()]), None


def _tensor(chosen: random.Random, writer: gguf.GGUFWriter, name: str) -> None:
    kind = chosen.choice(list(GGMLQuantizationType))
    rows = tuple(chosen.randrange(1, 4) for _ in range(chosen.randrange(3)))
    if kind in _PLAIN:
        writer.add_tensor(name, np.zeros((*rows, chosen.randrange(1, 40)), _PLAIN[kind]))
        return
    _, size = gguf.GGML_QUANT_SIZES[kind]
    writer.add_tensor(name, np.zeros((*rows, size * chosen.randrange(1, 4)), np.uint8), raw_dtype=kind)
