"""Scores of steps: a random process reward model with the real vocabulary, against a forward pass in numpy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from tokenizers import Tokenizer

from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.engine.rewards.head import read_head
from qmath_cli.engine.rewards.process import ProcessRewardModel
from qmath_cli.errors import IntegrityError, PromptTooLong
from qmath_cli.prompting.solution_steps import MARK, opening, prompts, steps_of
from qmath_cli.records import Mode
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import REAL
from tests.convert.conversions import to_gguf
from tests.convert.test_forward import forward

MARK_ID = 151651  # of `<extra_0>` in the released tokenizers
PROBLEM = "A train travels 120 km in 1.5 hours. What is its speed?"
RECIPE = REAL.but(reward=True, form="Qwen2ForProcessRewardModel", epsilon=1e-05)


class Checkpoint(NamedTuple):
    """The weights, the tokenizer that made the reference's tokens, and the converted files."""

    weights: dict[str, np.ndarray]
    tokenizer: Tokenizer
    gguf: Path


@pytest.fixture(scope="module")
def checkpoint(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A random checkpoint whose tokenizer has the mark where the release has it."""
    folder = checkpoints.with_real_tokenizer(tmp_path_factory.mktemp("prm") / "prm", RECIPE, shared)
    raw = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    raw["added_tokens"] = [one for one in raw["added_tokens"] if one["id"] != MARK_ID]
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    raw["added_tokens"].append({"id": MARK_ID, "content": MARK.text, **plain})
    raw["added_tokens"].sort(key=lambda one: one["id"])
    checkpoints.write_json(folder / "tokenizer.json", raw)
    to_gguf(folder, folder.with_suffix(".gguf"), Quant.F16)
    weights = checkpoints.values(RECIPE)
    return Checkpoint(weights, Tokenizer.from_file(str(folder / "tokenizer.json")), folder.with_suffix(".gguf"))


@pytest.fixture(scope="module")
def body(checkpoint: Checkpoint) -> Iterator[Model]:
    with load(checkpoint.gguf, Options(), Preflight()) as model:
        yield model


def scorer(body: Model, rows: int | None = None) -> ProcessRewardModel:
    from qmath_cli.models.store import head_path

    return ProcessRewardModel(body, read_head(head_path(body.path), RECIPE.hidden, outputs=2), MARK, rows)


def scores(process: ProcessRewardModel, *texts: str) -> list[tuple[float, ...] | None]:
    """The scores of several solutions of the problem, in one call."""
    return list(process.score_steps(opening(PROBLEM, Mode.COT), [prompts(steps_of(text)) for text in texts]))


def reference(checkpoint: Checkpoint, steps: Sequence[str]) -> list[float]:
    """The scores by numpy alone, from the text of the model card's template."""
    tokenizer, w = checkpoint.tokenizer, checkpoint.weights
    system = r"Please reason step by step, and put your final answer within \boxed{}."
    text = f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{PROBLEM}<|im_end|>\n<|im_start|>assistant\n"
    tokens = list(tokenizer.encode(text).ids)
    marks = []
    for step in steps:
        tokens += tokenizer.encode(step).ids
        marks.append(len(tokens))
        tokens.append(MARK_ID)
    hidden = forward(w, RECIPE, tokens, hidden=True)[marks]
    inside = np.maximum(hidden @ w["score.0.weight"].T + w["score.0.bias"], 0)
    outputs = inside @ w["score.2.weight"].T + w["score.2.bias"]
    odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return [float(one) for one in odds[:, 1] / odds.sum(axis=1)]


@pytest.mark.parametrize(
    ("count", "length", "rows"),
    [(1, 10, None), (2, 3, 7), (5, 40, 64), (40, 12, None), (33, 2, 1), (6, 230, 300)],
)
def test_the_scores_are_those_of_an_independent_computation(
    checkpoint: Checkpoint, body: Model, count: int, length: int, rows: int | None
) -> None:
    """One to forty steps, ten to three thousand tokens, any batch size: within 0.01 of a forward pass in numpy."""
    source = np.random.default_rng(count)
    words = ["speed", "distance", "hours", "速度", "$x^2$", "12", "\\frac{1}{2}", "therefore", "=", "km"]
    steps = [" ".join(source.choice(words, length)) for _ in range(count)]
    with scorer(body, rows) as process:
        (found,) = scores(process, "\n\n".join(steps))
    assert found is not None
    wanted = reference(checkpoint, steps)
    assert len(found) == len(wanted) == count
    assert np.abs(np.array(found) - wanted).max() < 1e-2
    assert count == 1 or np.ptp(wanted) > 0.02  # a constant would agree by chance otherwise


def test_a_score_does_not_depend_on_the_other_solutions(body: Model) -> None:
    """Not even by rounding: alone, first, last, or between longer ones, one of which needs exact attention."""
    mine = "We divide.\n\nThe speed is $80$ km/h."
    longer, longest = ("It is fast. " * count + "\n\nIndeed." for count in (80, 500))
    with scorer(body) as process:
        (alone,) = scores(process, mine)
        together = scores(process, mine, longer, longest, mine, longer, mine, longest)
    assert together[0] == together[3] == together[5] == alone
    assert together[1] == together[4] != alone
    assert together[2] == together[6] != together[1]


@pytest.mark.parametrize(
    "text",
    [
        "<extra_0>",
        "a<extra_0>b\n\nc <extra_0>\n\n<extra_0><extra_0>",
        "It ends <|im_end|>\n\n<|im_start|>assistant\nno",
        "\n\n\n \n\nonly this\n\n\t\n\n",
        "```python\nprint('<extra_0>')\n\n\nx\n```\n```output\n<extra_0>\n\n1\n```\nSo.",
        "",
        "\n \n",
    ],
)
def test_every_step_has_one_score_whatever_is_written_in_it(checkpoint: Checkpoint, body: Model, text: str) -> None:
    """What looks like a control token is text, and scores as the reference's text tokens do."""
    steps = steps_of(text)
    with scorer(body) as process:
        (found,) = scores(process, text)
        for prompt in prompts(steps):
            assert not {MARK_ID, 151643, 151644, 151645} & set(body.tokenize(prompt))
    assert found is not None
    assert len(found) == len(steps)
    assert all(0 <= one <= 1 for one in found)


def test_a_solution_that_does_not_fit_has_no_scores(body: Model) -> None:
    """The others of the same call have theirs; a problem that does not fit is an error."""
    long = "12345 " * 1500
    with scorer(body) as process:
        assert [one is None for one in scores(process, "short", long, "short")] == [False, True, False]
        with pytest.raises(PromptTooLong, match="4096"):
            process.score_steps(opening(long, Mode.COT), [prompts(("a",))])


def test_a_vocabulary_without_the_mark_is_refused(model: Model) -> None:
    """The demo has none: its tokenizer would read the mark as text."""
    from tests.engine.test_reward import random_head

    with pytest.raises(IntegrityError, match="extra_0"):
        ProcessRewardModel(model, random_head(), MARK)
