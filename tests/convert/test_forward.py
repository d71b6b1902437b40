"""Our BF16 file in llama.cpp against a forward pass written here, from the safetensors, in numpy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf

PROMPT = [(7 * i * i + 3 * i + 11) % 256 for i in range(64)]


def forward(weights: dict[str, np.ndarray], recipe: Recipe, tokens: list[int], *, hidden: bool = False) -> np.ndarray:
    """Logits (positions, vocabulary) or hidden states of a Qwen2 model, from the paper's own definition, in float64."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    size = recipe.hidden // recipe.heads
    angles = np.outer(np.arange(len(tokens)), 10000.0 ** (-np.arange(0, size, 2) / size))
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(recipe.layers):
        p = f"model.layers.{i}."
        h = norm(x, w[p + "input_layernorm.weight"], recipe.epsilon)
        q, k, v = (h @ w[f"{p}self_attn.{n}_proj.weight"].T + w[f"{p}self_attn.{n}_proj.bias"] for n in "qkv")
        x = x + attend(q, k, v, angles, recipe) @ w[p + "self_attn.o_proj.weight"].T
        h = norm(x, w[p + "post_attention_layernorm.weight"], recipe.epsilon)
        gate = h @ w[p + "mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w[p + "mlp.up_proj.weight"].T)) @ w[p + "mlp.down_proj.weight"].T
    states = norm(x, w["model.norm.weight"], recipe.epsilon)
    if hidden:
        return states
    return states @ (w["model.embed_tokens.weight"] if recipe.tied else w["lm_head.weight"]).T


def norm(x: np.ndarray, weight: np.ndarray, epsilon: float) -> np.ndarray:
    """RMS norm."""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + epsilon) * weight


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, angles: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Causal attention of grouped heads with rotary embeddings; halves are rotated against each other."""
    count, size = len(q), recipe.hidden // recipe.heads
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]

    def rotated(a: np.ndarray) -> np.ndarray:
        a1, a2 = np.split(a.reshape(count, -1, size), 2, axis=-1)
        return np.concatenate([a1 * cos - a2 * sin, a2 * cos + a1 * sin], axis=-1)

    group = recipe.heads // recipe.kv_heads
    queries, keys = rotated(q), np.repeat(rotated(k), group, axis=1)
    scores = np.einsum("ihd,jhd->hij", queries, keys) / np.sqrt(size)
    scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.einsum("hij,jhd->ihd", weights, np.repeat(v.reshape(count, -1, size), group, axis=1)).reshape(count, -1)


def llama_logits(llama: Any, path: Path, tokens: list[int], vocab: int) -> np.ndarray:
    """Logits of every position, on the CPU without extra buffer types, which crash on some processors."""
    parameters = llama.llama_model_default_params()
    parameters.n_gpu_layers, parameters.use_extra_bufts = 0, False
    model = llama.llama_model_load_from_file(str(path).encode(), parameters)
    assert model
    settings = llama.llama_context_default_params()
    settings.n_ctx = settings.n_batch = settings.n_ubatch = 128
    settings.n_threads = settings.n_threads_batch = 2
    context = llama.llama_init_from_model(model, settings)
    batch = llama.llama_batch_init(len(tokens), 0, 1)
    batch.n_tokens = len(tokens)
    for i, token in enumerate(tokens):
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = token, i, 1, 0, 1
    assert llama.llama_decode(context, batch) == 0
    rows = [np.ctypeslib.as_array(llama.llama_get_logits_ith(context, i), (vocab,)).copy() for i in range(len(tokens))]
    llama.llama_batch_free(batch)
    llama.llama_free(context)
    llama.llama_model_free(model)
    return np.stack(rows)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe(tied=True, heads=8, layers=3), Recipe(hidden=96, feed_forward=160, heads=3, kv_heads=1)]
)
def test_every_position_agrees_with_an_independent_forward_pass(recipe: Recipe, llama: Any, tmp_path: Path) -> None:
    """An error in names, shapes, rotary order, norms, biases or the tied output would change the logits."""
    to_gguf(checkpoints.write(tmp_path / "m", recipe), tmp_path / "m.gguf", Quant.BF16)
    found = llama_logits(llama, tmp_path / "m.gguf", PROMPT, recipe.vocab).astype(np.float64)
    wanted = forward(checkpoints.values(recipe), recipe, PROMPT)
    assert cosine(found, wanted).min() > 0.9999


def test_the_committed_demo_checkpoint_agrees_too(llama: Any, root: Path, tmp_path: Path) -> None:
    """The weights of a trained model."""
    folder = root / "convert" / "demo" / "checkpoint"
    if not (folder / "model.safetensors").is_file():
        pytest.skip("no demo checkpoint in this checkout")
    raw = json.loads((folder / "config.json").read_text())
    recipe = Recipe(
        hidden=raw["hidden_size"],
        feed_forward=raw["intermediate_size"],
        layers=raw["num_hidden_layers"],
        heads=raw["num_attention_heads"],
        kv_heads=raw["num_key_value_heads"],
        vocab=raw["vocab_size"],
        tied=raw["tie_word_embeddings"],
    )
    to_gguf(folder, tmp_path / "m.gguf", Quant.BF16)
    found = llama_logits(llama, tmp_path / "m.gguf", PROMPT, recipe.vocab).astype(np.float64)
    assert cosine(found, forward(weights_of(folder), recipe, PROMPT)).min() > 0.9999


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    """The checkpoint's tensors as float32."""
    header, data = checkpoints.split((folder / "model.safetensors").read_bytes())
    header.pop("__metadata__", None)
    return {
        name: checkpoints.decode(data[slice(*entry["data_offsets"])], entry["dtype"]).reshape(entry["shape"])
        for name, entry in header.items()
    }


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Per row."""
    return np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


def test_the_python_api_of_llama_cpp_runs_a_quantized_file(llama: Any, tmp_path: Path) -> None:
    """The class `Llama` of llama-cpp-python completes a prompt."""
    to_gguf(checkpoints.write(tmp_path / "m"), tmp_path / "m.gguf", Quant.Q4_K_M)
    script = (
        "import sys, llama_cpp.llama_cpp as low\n"
        "plain = low.llama_model_default_params\n"
        "def careful():\n    p = plain()\n    p.use_extra_bufts = False\n    return p\n"
        "low.llama_model_default_params = careful\n"
        "from llama_cpp import Llama\n"
        "m = Llama(sys.argv[1], n_ctx=64, verbose=False)\n"
        "print(m('the 12', max_tokens=4)['usage']['completion_tokens'])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "m.gguf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
