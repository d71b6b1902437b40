"""The reward model's training data and layout, where PyTorch is installed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

pytest.importorskip("torch", reason="training needs PyTorch; the package does not")

CHECKPOINT = Path(__file__).parents[2] / "convert" / "demo" / "reward-checkpoint"


def test_an_altered_solution_differs_in_a_digit_of_the_problem_or_of_the_box() -> None:
    """The program and its output stay as they were: the slip has to be found by comparing."""
    from demo.reward import Judged, altered
    from demo.solutions import Mode

    right = Judged(
        Mode.TIR, "What is 12 + 7?", "We compute.\n\n```python\nprint(12 + 7)\n```\n\\boxed{19}.", right=True
    )
    for seed in range(50):
        wrong = altered(Random(seed), right)
        assert not wrong.right
        assert (wrong.problem != right.problem) != (wrong.text != right.text)
        assert wrong.text.split(r"\boxed")[0] == right.text.split(r"\boxed")[0]


def test_the_scored_token_is_the_newline_after_the_turn() -> None:
    """The last two tokens are the turn's end and the newline."""
    from demo.reward import Judged, encode
    from demo.solutions import Mode
    from demo.tokenizer import load

    tokenizer = load(CHECKPOINT)
    ids, own = encode(tokenizer, Judged(Mode.COT, "1 + 1 = ?", r"$\boxed{2}$", right=True))
    assert [tokenizer.id_to_token(i) for i in ids[-2:]] == ["<|im_end|>", "Ċ"]
    assert own[-2:] == [True, False]


def test_the_checkpoint_has_the_released_layout() -> None:
    """A body under `model.` and a head of two layers with biases, under the name the converter asks for."""
    import json

    from safetensors import safe_open

    config = json.loads((CHECKPOINT / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["Qwen2ForRewardModel"]
    with safe_open(CHECKPOINT / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert {name for name in names if not name.startswith("model.")} == {
        "score.0.weight",
        "score.0.bias",
        "score.2.weight",
        "score.2.bias",
    }
