"""The demo's process reward model: its construction and its committed weights, where PyTorch is installed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch; the package does not")

DEMO = Path(__file__).parents[3] / "convert" / "demo"
REWARD = DEMO / "reward-checkpoint"
PROCESS = DEMO / "process-checkpoint"


def sums(count: int, mode: str) -> list[object]:
    """Right solutions of training problems."""
    from convert.demo.problems import Language
    from convert.demo.process.altered import right
    from convert.demo.solutions import Mode, draw_draft

    rng = Random("sums")
    kinds = ("integers", "statistics", "bases", "days between")
    return [right(draw_draft(rng, kinds[i % 4], Language.EN, held_out=False), Mode(mode)) for i in range(count)]


def test_the_judge_is_taken_out_of_the_outcome_model_as_it_stands_in_it() -> None:
    """Built around it again, the body has the committed weights of the judge's layers."""
    from safetensors.torch import load_file

    from convert.demo.process.body import unread
    from convert.demo.process.marked import taken_out

    stored = load_file(REWARD / "model.safetensors")
    body = unread(taken_out(REWARD), start=1497, mark=1500).state_dict()
    names = [name for name in body if name.startswith(tuple(f"layers.{i}." for i in range(5)))]
    assert len(names) == 60
    for name in names:
        assert torch.allclose(body[name], stored[f"model.{name}"].float(), rtol=0.02, atol=1e-6), name


@pytest.mark.parametrize("mode", ["tir", "cot"])
def test_the_whole_model_computes_what_the_reading_was_trained_on(mode: str) -> None:
    """Judge and reading apart, and the body with its head, give the same outputs at every mark."""
    from convert.demo.process.body import Reading, complete, unread
    from convert.demo.process.marked import encode, marked_tokenizer, taken_out
    from convert.demo.process.reading import Sight, batched
    from convert.demo.solutions import prompt

    torch.manual_seed(0)
    tokenizer = marked_tokenizer(REWARD)
    sight, reading = Sight(taken_out(REWARD), tokenizer), Reading()
    body = unread(sight.judge, sight.start, sight.mark)
    head = complete(body, reading)
    for one in sums(4, mode):
        ((state, marks, _),) = batched(sight([one]), 1, Random(0))
        tokens = torch.tensor([encode(tokenizer, prompt(one.mode, one.problem), one.text, list(one.own))[0]])
        with torch.no_grad():
            apart = reading(state, marks)[0]
            hidden = body(tokens)[0, tokens[0] == sight.mark]
        inside = torch.relu(hidden @ head["0.weight"].T + head["0.bias"])
        assert torch.allclose(inside @ head["2.weight"].T + head["2.bias"], apart, atol=0.05)


def test_the_committed_checkpoint_has_the_released_layout() -> None:
    """A head with two rows, and the mark among the tokens, at which the config's class is read."""
    import json

    from safetensors import safe_open
    from tokenizers import Tokenizer

    config = json.loads((PROCESS / "config.json").read_text(encoding="utf-8"))
    assert config["architectures"] == ["Qwen2ForProcessRewardModel"]
    assert Tokenizer.from_file(str(PROCESS / "tokenizer.json")).token_to_id("<extra_0>") == 1500
    with safe_open(PROCESS / "model.safetensors", "pt") as file:
        assert file.get_slice("score.2.weight").get_shape() == [2, config["hidden_size"]]
