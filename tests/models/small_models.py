"""Small GGUF files, written by the gguf package."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import gguf
import numpy as np

Install = Callable[..., Path]


def write_gguf(path: Path, *, seed: int = 0, vocabulary: int = 300) -> Path:
    """A qwen2-shaped GGUF with one layer's worth of metadata, a vocabulary, and tensors of three types."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_block_count(2)
    writer.add_embedding_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_context_length(4096)
    writer.add_feed_forward_length(128)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_file_type(7)
    writer.add_token_list([f"token{i}" for i in range(vocabulary)])
    writer.add_token_types([1] * vocabulary)
    random = np.random.default_rng(seed)
    embeddings = random.standard_normal((vocabulary, 64), dtype=np.float32)
    writer.add_tensor(
        "token_embd.weight",
        gguf.quants.quantize(embeddings, gguf.GGMLQuantizationType.Q8_0),
        raw_dtype=gguf.GGMLQuantizationType.Q8_0,
    )
    writer.add_tensor("output_norm.weight", np.ones(64, dtype=np.float32))
    writer.add_tensor("blk.0.attn_q.weight", random.standard_normal((64, 64)).astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def with_metadata(source: Path, target: Path, **texts: str | None) -> Path:
    """A copy of a GGUF with string fields changed, added, or (None) left out; keys with `__` for dots."""
    changes = {key.replace("__", "."): text for key, text in texts.items()}
    reader = gguf.GGUFReader(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(target, "qwen2")
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture" or field.name in changes:
            continue
        kind, *element = field.types
        writer.add_key_value(field.name, field.contents(), kind, element[0] if element else None)
    for key, text in changes.items():
        if text is not None:
            writer.add_string(key, text)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def rewritten(
    source: Path,
    target: Path,
    *,
    rename: Mapping[str, str] | None = None,
    types: Mapping[str, gguf.TokenType] | None = None,
    drop: Collection[str] = (),
    values: Mapping[str, int | bool | str] | None = None,
) -> Path:
    """A copy of a GGUF as others make it.

    Args:
        source: The file.
        target: The copy.
        rename: Tokens that get another text.
        types: Tokens that get another type.
        drop: Keys that are left out.
        values: Keys that get another value.
    """
    values, rename, types = values or {}, rename or {}, types or {}
    reader = gguf.GGUFReader(source)
    tokens: list[str] = reader.fields["tokenizer.ggml.tokens"].contents()
    kinds: list[int] = reader.fields["tokenizer.ggml.token_type"].contents()
    for text, kind in types.items():
        kinds[tokens.index(text)] = int(kind)
    arrays = {
        "tokenizer.ggml.tokens": [rename.get(token, token) for token in tokens],
        "tokenizer.ggml.token_type": kinds,
    }
    writer = gguf.GGUFWriter(target, str(values.get("general.architecture", "qwen2")))
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in {"general.architecture", *drop, *values}:
            continue
        kind, *element = field.types
        content = arrays.get(field.name, field.contents())
        writer.add_key_value(field.name, content, kind, element[0] if element else None)
    for key, value in values.items():
        if key != "general.architecture":
            kind = gguf.GGUFValueType.get_type(value)
            writer.add_key_value(
                key, value, kind if kind is not gguf.GGUFValueType.INT32 else gguf.GGUFValueType.UINT32
            )
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target
