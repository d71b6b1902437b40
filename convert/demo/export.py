"""Writes a checkpoint in the released layout: configs, tokenizer, bf16 weights.

python -m convert.demo.export --checkpoint FOLDER       (a new tokenizer and the configs, no weights)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from qmath_cli.files import unfinished

from . import tokenizer as bpe
from .corpus import examples, text
from .model import Shape


def config(shape: Shape, tokenizer: Tokenizer, architecture: str) -> dict[str, Any]:
    """`config.json`, with the keys of the released Instruct checkpoints."""
    return {
        "architectures": [architecture],
        "attention_dropout": 0.0,
        "bos_token_id": tokenizer.token_to_id("<|endoftext|>"),
        "eos_token_id": tokenizer.token_to_id("<|im_end|>"),
        "hidden_act": "silu",
        "hidden_size": shape.hidden,
        "initializer_range": 0.02,
        "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.context,
        "max_window_layers": shape.layers,
        "model_type": "qwen2",
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "num_key_value_heads": shape.kv_heads,
        "rms_norm_eps": shape.eps,
        "rope_theta": shape.rope_theta,
        "sliding_window": shape.context,
        "tie_word_embeddings": architecture == "Qwen2ForCausalLM",
        "torch_dtype": "bfloat16",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": shape.vocabulary,
    }


def generation_config(tokenizer: Tokenizer) -> dict[str, Any]:
    """`generation_config.json`: greedy decoding, which both end tokens stop."""
    end, stop = (tokenizer.token_to_id(t) for t in ("<|endoftext|>", "<|im_end|>"))
    return {
        "bos_token_id": end,
        "do_sample": False,
        "eos_token_id": [stop, end],
        "pad_token_id": end,
    }


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes JSON as in the released files: indented, without escaped characters."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_layout(folder: Path, tokenizer: Tokenizer, shape: Shape, architecture: str = "Qwen2ForCausalLM") -> None:
    """Writes everything except the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", config(shape, tokenizer, architecture))
    write_json(folder / "generation_config.json", generation_config(tokenizer))
    write_json(folder / "tokenizer_config.json", bpe.config(tokenizer))


def write_weights(folder: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Writes `model.safetensors` in bf16, to an unfinished file that is then renamed."""
    tensors = {name: t.detach().to("cpu", torch.bfloat16).contiguous() for name, t in state.items()}
    path = folder / "model.safetensors"
    part = unfinished(path)
    save_file(tensors, part, metadata={"format": "pt"})
    part.chmod(0o644)  # save_file makes it private
    part.rename(path)


def main() -> None:
    """Trains the tokenizer and writes the layout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=20_000)
    args = parser.parse_args()
    tokenizer = bpe.train(text(e) for e in examples("tokenizer", args.examples))
    write_layout(args.checkpoint, tokenizer, Shape())
    print(f"{tokenizer.get_vocab_size()} tokens -> {args.checkpoint}")


if __name__ == "__main__":
    main()
