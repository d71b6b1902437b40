"""A base model: its prompt is worked examples, and decoding stops where the next example would begin.

The checkpoint has the real format, but its weights are made by hand: every layer adds nothing to the residual stream,
and the output row of each token in a chain is the sum of the embeddings that it may follow. Greedy decoding therefore
follows the chain from the prompt's last token: an answer, the beginning of another question, and the end of the text.
"""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.convert.conversions import to_gguf
from tests.e2e.run import answer_record, qmath

WRITTEN = "The answer is 7\n\nQuestion: A"
END = "<|endoftext|>"
RECIPE = Recipe(vocab=1536, layers=2, feed_forward=256)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The checkpoint, converted to 8 bits."""
    folder = tmp_path_factory.mktemp("base") / "Qwen2.5-Math-Tiny"
    _write(folder, root / "convert" / "demo" / "checkpoint")
    path = folder.parent / "Qwen2.5-Math-Tiny-Q8_0.gguf"
    to_gguf(folder, path, Quant.Q8_0)
    return path


def _write(folder: Path, words: Path) -> None:
    """The tokenizer of the demo, the end-of-text token of base models, and weights that follow a chain."""
    checkpoints.write(folder, RECIPE)
    tokenizer = Tokenizer.from_file(str(words / "tokenizer.json"))
    end = tokenizer.token_to_id(END)
    shutil.copyfile(words / "tokenizer.json", folder / "tokenizer.json")
    settings = json.loads((words / "tokenizer_config.json").read_text(encoding="utf-8")) | {"eos_token": END}
    checkpoints.write_json(folder / "tokenizer_config.json", settings)
    tokens = {"bos_token_id": end, "eos_token_id": end}
    checkpoints.write_json(folder / "config.json", checkpoints.config(RECIPE) | tokens)
    checkpoints.write_json(folder / "generation_config.json", {"bos_token_id": end, "do_sample": False})
    chain = [*tokenizer.encode(WRITTEN).ids, end]
    assert len(set(chain)) == len(chain), "a token that comes twice has no one successor"
    prompts_end = [tokenizer.encode(text).ids[-1] for text in ("step by step\n", "Solution:\n")]
    steps = [*((last, chain[0]) for last in prompts_end), *pairwise(chain)]
    entries = {name: ("BF16", one.shape, checkpoints.encode(one, "BF16")) for name, one in _weights(steps).items()}
    checkpoints.write_weights(folder, RECIPE, entries)


def _weights(steps: list[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Embeddings of +1 and -1, blocks that add nothing, and an output that depends on the latest token only."""
    found = checkpoints.values(RECIPE)
    for name, tensor in found.items():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            tensor[:] = 0
        elif name == "model.norm.weight":
            tensor[:] = 1
    signs = np.random.default_rng(1).choice(np.float32([-1, 1]), (RECIPE.vocab, RECIPE.hidden))
    output = np.zeros_like(signs)
    for before, after in steps:
        output[after] += signs[before]
    return found | {"model.embed_tokens.weight": signs, "lm_head.weight": output}


def test_it_answers_and_stops_where_the_next_example_would_begin(base: Path, tmp_path: Path) -> None:
    """The answer is taken from its phrase, and no text or token of the next question is part of the solution."""
    done = qmath(tmp_path, "solve", "What is 3 + 4?", "-m", str(base), "--prompt", "gsm8k", "--json")
    assert done.returncode == 0, done.stderr
    record = answer_record(done)
    (sample,) = record["samples"]
    assert (record["answer"], record["mode"], record["finish_reason"]) == ("7", "cot", "answered")
    assert sample["text"] == "The answer is 7"
    usage = record["usage"]
    assert usage["prompt_tokens"] > 8 * 20  # eight examples
    assert 5 <= usage["completion_tokens"] <= 12  # the answer, and at most the stop string on top


def test_the_stop_is_the_format_s_own(base: Path, tmp_path: Path) -> None:
    """With a format whose examples begin differently, the same model decodes up to its end of text."""
    done = qmath(tmp_path, "solve", "What is 3 + 4?", "-m", str(base), "--prompt", "math", "--json")
    assert answer_record(done)["samples"][0]["text"] == WRITTEN


@pytest.mark.parametrize("style", [(), ("--prompt", "gsm8k")])
def test_its_prompt_has_no_chat_tokens(base: Path, tmp_path: Path, style: tuple[str, ...]) -> None:
    """Chosen or by default: a file named Qwen2.5-Math without Instruct gets examples."""
    done = qmath(tmp_path, "solve", "What is 3 + 4?", "-m", str(base), "--show-prompt", *style)
    assert done.returncode == 0, done.stderr
    assert "<|im_start|>" not in done.stdout
    assert done.stdout.count("What is 3 + 4?") == 1
    assert done.stdout.count("answer is") >= 4


def test_the_examples_are_computed_once_and_kept(base: Path, tmp_path: Path) -> None:
    """The first run writes their cells to the disk; the next, with another problem, computes only its own tokens."""
    question = ("solve", "-m", str(base), "--prompt", "gsm8k", "--json")
    qmath(tmp_path, *question, "What is 3 + 4?")
    (kept,) = (tmp_path / "cache" / "prefixes").iterdir()
    written = kept.stat().st_mtime_ns
    usage = answer_record(qmath(tmp_path, *question, "How much is 2 + 5?"))["usage"]
    assert usage["prompt_tokens"] > 500
    assert usage["prefilled_tokens"] < 50
    assert kept.stat().st_mtime_ns == written
