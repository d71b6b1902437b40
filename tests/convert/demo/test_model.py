"""The PyTorch model, where PyTorch is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch; the package does not")

CHECKPOINT = Path(__file__).parents[3] / "convert" / "demo" / "checkpoint"


def test_later_tokens_do_not_change_earlier_logits() -> None:
    """Attention is causal."""
    from convert.demo.forced import load

    model = load(CHECKPOINT)
    tokens = torch.arange(40)[None] + 50
    changed = tokens.clone()
    changed[0, 20:] = 7
    with torch.no_grad():
        first, second = model(tokens), model(changed)
    assert torch.allclose(first[0, :20], second[0, :20], atol=1e-5)
    assert not torch.allclose(first[0, 20:], second[0, 20:], atol=1e-2)


def test_the_rate_rises_holds_and_falls_to_zero() -> None:
    """The schedule over the budget."""
    from convert.demo.train import Plan

    plan = Plan(minutes=0, steps=1000, batch=8, muon_rate=1, adam_rate=1)
    rates = [plan.rate(plan.progress(step, 0)) for step in (0, 5, 200, 700, 1000)]
    assert rates == pytest.approx([0, 0.5, 1, 0.5, 0])
