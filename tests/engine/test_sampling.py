"""The sampler chains, on the demo model's own logits."""

from __future__ import annotations

from dataclasses import replace

from driving import solve

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.model import Model
from qmath_cli.records import Prompt, Sampling, Segment

HOT = Sampling(temperature=1.5, max_tokens=24)
OPEN = Prompt((Segment("We"),))


def texts(model: Model, *samplings: Sampling) -> list[str]:
    with Batch(model, len(samplings)) as batch:
        return solve(batch, OPEN, samplings)


def test_different_seeds_differ(model: Model) -> None:
    """Hot samples with different seeds are different texts."""
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


def test_the_seed_that_means_random_to_llama_cpp_is_a_seed_like_any_other(model: Model) -> None:
    """0xFFFFFFFF asks llama.cpp for a random seed; here it gives the same text twice."""
    first, second = (texts(model, replace(HOT, seed=0xFFFFFFFF)) for _ in range(2))
    assert first == second
