"""Small random checkpoints in the released layout."""

from __future__ import annotations

import json
import math
import shutil
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MERGES = ("Ġ t", "h e", "i n", "Ġt he", "1 2", "å Ľ")


@dataclass(frozen=True)
class Recipe:
    """Dimensions of a random model. The default is small, untied, and divisible by 256 everywhere."""

    hidden: int = 256
    feed_forward: int = 512
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    vocab: int = 320
    tied: bool = False
    reward: bool = False
    form: str = "Qwen2ForRewardModel"  # where it is a reward model
    epsilon: float = 1e-06
    shards: int = 1
    dtype: str = "BF16"
    seed: int = 0

    def but(self, **changes: Any) -> Recipe:
        """A copy with changes."""
        return replace(self, **changes)


def tensors(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Name -> shape, written independently of the converter's own table."""
    h, f, kv = recipe.hidden, recipe.feed_forward, recipe.hidden // recipe.heads * recipe.kv_heads
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (recipe.vocab, h)}
    for i in range(recipe.layers):
        layer = {
            "self_attn.q_proj.weight": (h, h),
            "self_attn.q_proj.bias": (h,),
            "self_attn.k_proj.weight": (kv, h),
            "self_attn.k_proj.bias": (kv,),
            "self_attn.v_proj.weight": (kv, h),
            "self_attn.v_proj.bias": (kv,),
            "self_attn.o_proj.weight": (h, h),
            "mlp.gate_proj.weight": (f, h),
            "mlp.up_proj.weight": (f, h),
            "mlp.down_proj.weight": (h, f),
            "input_layernorm.weight": (h,),
            "post_attention_layernorm.weight": (h,),
        }
        shapes |= {f"model.layers.{i}.{name}": shape for name, shape in layer.items()}
    shapes["model.norm.weight"] = (h,)
    if recipe.reward and recipe.form == "Qwen2ForSequenceClassification":
        shapes["score.weight"] = (1, h)
    elif recipe.reward:
        n = 2 if recipe.form == "Qwen2ForProcessRewardModel" else 1
        shapes |= {"score.0.weight": (h, h), "score.0.bias": (h,), "score.2.weight": (n, h), "score.2.bias": (n,)}
    if recipe.reward or not recipe.tied:
        shapes["lm_head.weight"] = (recipe.vocab, h)
    return shapes


def values(recipe: Recipe) -> dict[str, np.ndarray]:
    """Random float32 weights that the recipe's type represents exactly, large enough for distinct logits."""
    rng = np.random.default_rng(recipe.seed)
    found = {}
    for name, shape in tensors(recipe).items():
        scale = 0.3 if "norm" in name else 1 / math.sqrt(shape[-1])
        numbers = rng.standard_normal(shape, dtype=np.float32) * np.float32(scale)
        found[name] = decode(encode(numbers + (1 if "norm" in name else 0), recipe.dtype), recipe.dtype).reshape(shape)
    return found


def encode(numbers: np.ndarray, dtype: str) -> bytes:
    """Little-endian bytes; bfloat16 by truncation."""
    numbers = np.ascontiguousarray(numbers, np.float32)
    if dtype == "BF16":
        return (numbers.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    return numbers.astype(np.float16 if dtype == "F16" else np.float32).tobytes()


def decode(data: bytes, dtype: str) -> np.ndarray:
    """The inverse of `encode`."""
    if dtype == "BF16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, np.float16 if dtype == "F16" else np.float32).astype(np.float32)


def write(folder: Path, recipe: Recipe = Recipe()) -> Path:
    """Write a whole checkpoint; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", config(recipe))
    write_json(folder / "generation_config.json", {"bos_token_id": recipe.vocab - 3, "do_sample": False})
    write_tokenizer(folder, recipe.vocab)
    write_weights(
        folder, recipe, {n: (recipe.dtype, v.shape, encode(v, recipe.dtype)) for n, v in values(recipe).items()}
    )
    return folder


def config(recipe: Recipe) -> dict[str, Any]:
    """`config.json` with the keys of a released one."""
    labels = {"id2label": {"0": "LABEL_0"}} if recipe.form == "Qwen2ForSequenceClassification" else {}
    return labels | {
        "architectures": [recipe.form if recipe.reward else "Qwen2ForCausalLM"],
        "attention_dropout": 0.0,
        "bos_token_id": recipe.vocab - 3,
        "eos_token_id": recipe.vocab - 1,
        "hidden_act": "silu",
        "hidden_size": recipe.hidden,
        "initializer_range": 0.02,
        "intermediate_size": recipe.feed_forward,
        "max_position_embeddings": 4096,
        "max_window_layers": recipe.layers,
        "model_type": "qwen2",
        "num_attention_heads": recipe.heads,
        "num_hidden_layers": recipe.layers,
        "num_key_value_heads": recipe.kv_heads,
        "rms_norm_eps": recipe.epsilon,
        "rope_theta": 10000.0,
        "sliding_window": 4096,
        "tie_word_embeddings": recipe.tied,
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": recipe.vocab,
    }


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def write_json_ascii(path: Path, value: object) -> None:
    """With escapes, which can be halves of characters."""
    path.write_text(json.dumps(value), encoding="ascii")


def write_tokenizer(folder: Path, vocab: int) -> None:
    """Write a tokenizer: bytes, a few merges, and the control tokens at the end; the rows between are padding."""
    tokens = [*byte_characters(), *(merge.replace(" ", "") for merge in MERGES)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": QWEN2_PATTERN}, "behavior": "Isolated", "invert": False}
    added = [
        {"id": vocab - 3 + i, "content": token, "single_word": False, "lstrip": False, "rstrip": False}
        | {"normalized": False, "special": True}
        for i, token in enumerate(SPECIAL)
    ]
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": list(MERGES),
        },
    }
    write_json(folder / "tokenizer.json", tokenizer)
    settings = {
        "add_bos_token": False,
        "added_tokens_decoder": {str(a["id"]): {k: v for k, v in a.items() if k != "id"} for a in added},
        "bos_token": None,
        "chat_template": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }
    write_json(folder / "tokenizer_config.json", settings)


def add_mark(folder: Path, recipe: Recipe, *, special: bool = True) -> Path:
    """Give a checkpoint's tokenizer the mark of steps, in a row of the padding; returns the folder."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    added = {"id": recipe.vocab - 4, "content": "<extra_0>", "single_word": False, "lstrip": False, "rstrip": False}
    tokenizer["added_tokens"].append(added | {"normalized": False, "special": special})
    write_json(folder / "tokenizer.json", tokenizer)
    return folder


def byte_characters() -> list[str]:
    """The printable character of each byte in a byte-level vocabulary (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = (byte for byte in range(256) if byte not in printable)
    table = {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(rest)}
    return [table[byte] for byte in range(256)]


Entries = dict[str, tuple[str, tuple[int, ...], bytes]]


def write_weights(folder: Path, recipe: Recipe, entries: Entries) -> None:
    """Write one file, or shards with an index."""
    if recipe.shards == 1:
        (folder / "model.safetensors").write_bytes(safetensors(entries))
        return
    names = list(entries)
    step = -(-len(names) // recipe.shards)
    weight_map = {}
    for i in range(recipe.shards):
        shard = f"model-{i + 1:05}-of-{recipe.shards:05}.safetensors"
        part = {name: entries[name] for name in names[i * step : (i + 1) * step]}
        (folder / shard).write_bytes(safetensors(part))
        weight_map |= dict.fromkeys(part, shard)
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})


def safetensors(entries: Entries) -> bytes:
    """The file format: length of the header, header, data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, (dtype, shape, data) in entries.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    return with_header(header, b"".join(data for _, _, data in entries.values()))


def with_header(header: object, data: bytes) -> bytes:
    """A file with the given header and data, whether they agree or not."""
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def split(file: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and data of a safetensors file."""
    (length,) = struct.unpack("<Q", file[:8])
    return json.loads(file[8 : 8 + length]), file[8 + length :]


CARD = """---
license: apache-2.0
license_link: https://huggingface.co/Qwen/Qwen2.5-Math-1.5B-Instruct/blob/main/LICENSE
language:
- en
- zh
base_model: Qwen/Qwen2.5-Math-1.5B
pipeline_tag: text-generation
tags:
- chat
---
"""
REAL = Recipe(hidden=128, feed_forward=256, layers=2, vocab=151936)


def with_real_tokenizer(folder: Path, recipe: Recipe, shared: Path) -> Path:
    """Write a random checkpoint with the real vocabulary of Qwen2.5-Math."""
    write(folder, recipe)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copyfile(shared / "qwen2-tokenizer" / name, folder / name)
    write_json(folder / "config.json", config(recipe) | {"bos_token_id": 151643, "eos_token_id": 151645})
    (folder / "README.md").write_text(CARD)
    return folder
