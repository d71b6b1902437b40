"""The reward model's construction, its head and its layout, where PyTorch is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch; the package does not")

if TYPE_CHECKING:
    from convert.demo.judge import Judge
    from convert.demo.model import Body
    from convert.demo.reward import Judged

DEMO = Path(__file__).parents[3] / "convert" / "demo"
CHECKPOINT = DEMO / "reward-checkpoint"
PROGRAM = "We compute this directly in Python.\n\n```python\nprint(4873 - 1298)\n```\n```output\n3575\n```\n"
RIGHT = PROGRAM + r"The result is $\boxed{3575}$."


def judged(text: str, problem: str = "What is 4873 - 1298?") -> Judged:
    """A solution of a training problem, with a program."""
    from convert.demo.reward import Judged
    from convert.demo.solutions import Mode, is_held_out

    assert not is_held_out(problem)
    return Judged(Mode.TIR, problem, text, None, right=True)


@pytest.fixture(scope="module")
def judge() -> Judge:
    """An untrained judge: the demo itself, with the component empty that `construct` needs."""
    from convert.demo.forced import load
    from convert.demo.judge import Judge

    found = Judge(load(DEMO / "checkpoint"))
    found.leave_room()
    return found


def committed() -> tuple[Body, dict[str, torch.Tensor]]:
    """The committed body and head."""
    from safetensors.torch import load_file

    from convert.demo.construct import WIDE
    from convert.demo.model import Body

    state = {name: t.float() for name, t in load_file(CHECKPOINT / "model.safetensors").items()}
    body = Body(WIDE)
    body.load_state_dict({name.removeprefix("model."): t for name, t in state.items() if name.startswith("model.")})
    return body, state


def test_the_body_computes_the_judges_log_probabilities(judge: Judge) -> None:
    """They are the products of prediction and token; the start of a message has none."""
    from convert.demo.construct import SURPRISE, WIDE, construct
    from convert.demo.model import rotary
    from convert.demo.reward import encode
    from convert.demo.tokenizer import load

    tokenizer = load(CHECKPOINT)
    start = tokenizer.token_to_id("<|im_start|>")
    body = construct(judge, start)
    tokens = torch.tensor([encode(tokenizer, judged(RIGHT))])
    with torch.no_grad():
        products = (judge.model(tokens[:, :-1]) * judge.expected.weight[tokens[:, 1:]]).sum(-1)[0]
        x, turns = body.embed_tokens(tokens), rotary(WIDE, tokens.shape[1])
        for layer in body.layers[:-1]:
            x = layer(x, *turns)
    found = x[0, 1:, SURPRISE]
    begins = tokens[0, 1:] == start
    assert found[begins].abs().max() < 0.05
    assert (found - products)[~begins].square().mean().sqrt() < 0.02 * products.square().mean().sqrt()


def test_every_token_attends_to_the_one_before_it_only() -> None:
    """At every position of the context, the weight of all others together is negligible."""
    from convert.demo.construct import WIDE, look_back
    from convert.demo.model import Attention, rotary, rotate

    attention = Attention(WIDE)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        look_back(attention)
    cos, sin = rotary(WIDE, WIDE.context)
    q = rotate(attention.q_proj.bias[: WIDE.head].expand(WIDE.context, -1), cos, sin)
    k = rotate(attention.k_proj.bias[: WIDE.head].expand(WIDE.context, -1), cos, sin)
    scores = (q @ k.T / WIDE.head**0.5).masked_fill_(torch.ones(WIDE.context, WIDE.context).triu_(1) > 0, -torch.inf)
    before = scores.softmax(-1).diagonal(-1)
    assert before.min() > 1 - 1e-6


def test_computing_the_common_prefix_once_gives_the_same_states(judge: Judge) -> None:
    """The judge's faster forward pass agrees with the model's."""
    from convert.demo.judge import hidden_states

    tokens = torch.randint(0, 1500, (3, 20), generator=torch.Generator().manual_seed(0))
    tokens[:, :7] = tokens[0, :7]
    with torch.no_grad():
        assert torch.allclose(hidden_states(judge.model, tokens), judge.model(tokens), atol=1e-4)


def test_the_head_returns_one_reading() -> None:
    """Through two layers and a ReLU, whatever its sign."""
    from convert.demo.construct import FEATURES, WIDE
    from convert.demo.reward import score

    state, layers = torch.randn(8, WIDE.hidden, generator=torch.Generator().manual_seed(1)), score(2)
    inside = torch.relu(state @ layers["0.weight"].T + layers["0.bias"])
    scores = (inside @ layers["2.weight"].T + layers["2.bias"])[:, 0]
    assert torch.allclose(scores, state[:, FEATURES + 2])


@pytest.mark.parametrize(
    "wrong",
    [
        RIGHT.replace("print(4873", "print(4878"),
        RIGHT.replace("- 1298)", "- 1398)"),
        RIGHT.replace("{3575}", "{3576}"),
        RIGHT.replace("print(4873 - ", "print(4873 + "),
    ],
)
def test_a_solution_with_one_slip_scores_below_the_right_one(wrong: str) -> None:
    """A digit of the program or of the boxed answer, or a sign: the committed weights score it lower."""
    from convert.demo.reward import encode
    from convert.demo.tokenizer import load

    body, state = committed()
    tokenizer = load(CHECKPOINT)
    scores = []
    for text in (RIGHT, wrong):
        with torch.no_grad():
            hidden = body(torch.tensor([encode(tokenizer, judged(text))]))[0, -1]
        inside = torch.relu(state["score.0.weight"] @ hidden + state["score.0.bias"])
        scores.append(float(state["score.2.weight"] @ inside + state["score.2.bias"]))
    assert scores[0] > scores[1]


def test_the_scored_token_is_the_newline_after_the_turn() -> None:
    """The last two tokens are the turn's end and the newline."""
    from convert.demo.reward import encode
    from convert.demo.tokenizer import load

    tokenizer = load(CHECKPOINT)
    ids = encode(tokenizer, judged(RIGHT))
    assert [tokenizer.id_to_token(i) for i in ids[-2:]] == ["<|im_end|>", "Ċ"]


def test_the_judges_corpus_leaves_out_what_is_set_aside() -> None:
    """It has neither held-out problems nor those that reward models are compared on."""
    from convert.demo.corpus import judge_examples
    from convert.demo.solutions import is_held_out, is_set_aside

    problems = [example.problem for example in judge_examples("test", 300, tir_share=0.1)]
    assert len(problems) == 300
    assert not any(is_held_out(p) or is_set_aside(p) for p in problems)


def test_the_checkpoint_has_the_released_layout() -> None:
    """A body under `model.` and a head of two layers with biases, under the name that the converter reads."""
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
