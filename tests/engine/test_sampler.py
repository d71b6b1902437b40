"""Sampling: on given logits, compared with llama.cpp's samplers, and on the demo model."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.sampler import Sampler, candidates
from qmath_cli.records import Prompt, Sampling, Segment
from tests.engine.driving import solve

HOT = Sampling(temperature=1.5, max_tokens=24)
OPEN = Prompt((Segment("We"),))


def texts(model: Model, *samplings: Sampling) -> list[str]:
    with Batch(model, len(samplings)) as batch:
        return solve(batch, OPEN, samplings)


def test_different_seeds_differ(model: Model) -> None:
    """Samples at a high temperature with different seeds are different texts."""
    assert len(set(texts(model, *(replace(HOT, seed=seed) for seed in range(6))))) > 3


def test_a_filter_that_leaves_one_token_is_greedy(model: Model) -> None:
    """top-k 1, a tiny top-p, and a min-p of 1 each leave only the likeliest token, whatever the temperature."""
    greedy, *filtered = texts(
        model,
        Sampling(max_tokens=24),
        replace(HOT, top_k=1, seed=1),
        replace(HOT, top_p=1e-6, seed=2),
        replace(HOT, min_p=1.0, seed=3),
    )
    assert filtered == [greedy] * 3


@pytest.mark.parametrize("spread", [0.0, 0.5, 3.0, 12.0])
@pytest.mark.parametrize(
    "sampling",
    [Sampling(0.7, 0.8), Sampling(1.3, 0.95, top_k=40), Sampling(0.6, min_p=0.05), Sampling(1.0, 0.9, 500, 0.01)],
)
def test_the_candidates_are_those_of_llama_cpp(sampling: Sampling, spread: float) -> None:
    """The same tokens with the same probabilities as its temp, top-k, top-p and min-p samplers, in this order."""
    logits = np.random.default_rng(5).normal(0, spread, 5000).astype(np.float32)
    if not spread:
        logits[:] = np.arange(5000) * 1e-3  # nearly equal, and all different
    tokens, weights = candidates(logits, float(logits.max()), sampling)
    expected = by_llama_cpp(logits, sampling)
    assert abs(len(tokens) - len(expected)) <= 2  # a cumulative sum at the limit is rounded differently
    shared = set(expected) & set(tokens.tolist())
    assert len(shared) >= len(tokens) - 2
    likely = dict(zip(tokens.tolist(), (weights / weights.sum()).tolist(), strict=True))
    for token in shared:
        assert likely[token] == pytest.approx(expected[token], rel=2e-3)


def by_llama_cpp(logits: np.ndarray, sampling: Sampling) -> dict[int, float]:
    """Tokens and probabilities after llama.cpp's sampler chain."""
    lib = library().lib
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(sampling.temperature))
    if sampling.top_k:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(sampling.top_k))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(sampling.min_p, 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(1))
    data = np.zeros(len(logits), dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
    data["id"], data["logit"] = np.arange(len(logits)), logits
    array = lib.llama_token_data_array(data.ctypes.data_as(lib.llama_token_data_p), len(data), -1, False)
    lib.llama_sampler_apply(chain, ctypes.byref(array))
    found = {array.data[i].id: array.data[i].p for i in range(array.size)}
    lib.llama_sampler_free(chain)
    return found


@pytest.mark.parametrize("temperature", [1e-300, 1e-40, 1e-4, 0.01, 1e6, 1e300])
def test_no_temperature_is_too_extreme(temperature: float) -> None:
    """Low ones take the best token, high ones any token; none fails."""
    logits = np.array([3.0, 5.0, -50.0], dtype=np.float32)
    drawn = {Sampler(Sampling(temperature, 0.99, seed=seed)).draw(logits) for seed in range(40)}
    assert drawn == ({1} if temperature < 1 else {0, 1, 2})


def test_tokens_are_drawn_with_their_probabilities() -> None:
    """The frequencies of 20,000 draws agree with the softmax within four standard errors."""
    logits = np.array([1.0, 0.0, -1.0, -2.0], dtype=np.float32)
    wanted = np.exp(logits / 0.8) / np.exp(logits / 0.8).sum()
    sampler = Sampler(Sampling(0.8, seed=3))
    drawn = np.bincount([sampler.draw(logits) for _ in range(20_000)], minlength=4) / 20_000
    assert np.all(np.abs(drawn - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 20_000))


def test_the_seed_that_is_random_in_llama_cpp_is_an_ordinary_seed(model: Model) -> None:
    """0xFFFFFFFF is LLAMA_DEFAULT_SEED, a random seed; here it gives the same text twice."""
    first, second = (texts(model, replace(HOT, seed=0xFFFFFFFF)) for _ in range(2))
    assert first == second
