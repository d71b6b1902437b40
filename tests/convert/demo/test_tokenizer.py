"""The demo's tokenizer and corpus, on the committed checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from tokenizers import Tokenizer

from convert.demo.corpus import encode, text, write_shard
from convert.demo.solutions import Mode, draw, prompt
from convert.demo.tokenizer import CHAT_TEMPLATE, PATTERN, SIZE, SPECIAL, load
from qmath_cli.records import Mode as PackageMode
from tests.prompts import chat

CHECKPOINT = Path(__file__).parents[3] / "convert" / "demo" / "checkpoint"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The committed tokenizer."""
    return load(CHECKPOINT)


def test_every_text_survives_a_round_trip(tokenizer: Tokenizer) -> None:
    """Byte-level BPE has no unknown characters."""
    for sample in ("x^2 - 5x + 6 = 0", "求方程的根。", "\ttabs\n\n  spaces ", "emoji 🙂 naïve Ω", "```output\n6\n```"):
        assert tokenizer.decode(tokenizer.encode(sample).ids) == sample


def test_every_digit_is_a_token(tokenizer: Tokenizer) -> None:
    """As in Qwen2."""
    assert tokenizer.encode("120456").tokens == list("120456")


def test_the_special_tokens_come_last_and_are_whole(tokenizer: Tokenizer) -> None:
    """Their ids follow the ordinary vocabulary, in the released order."""
    assert [tokenizer.token_to_id(token) for token in SPECIAL] == [SIZE - 3, SIZE - 2, SIZE - 1]
    assert tokenizer.encode("<|im_start|>user\n").tokens[0] == "<|im_start|>"


def test_the_pre_tokenizer_is_the_released_one() -> None:
    """The pattern of the real Qwen2 tokenizer, character by character."""
    released = Path(__file__).parents[4] / "shared" / "data" / "qwen2-tokenizer" / "tokenizer.json"
    if not released.exists():
        pytest.skip("the released tokenizer is not on this machine")
    theirs = json.loads(released.read_text(encoding="utf-8"))
    ours = json.loads((CHECKPOINT / "tokenizer.json").read_text(encoding="utf-8"))
    assert theirs["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] == PATTERN
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        assert ours[part]["type"] == theirs[part]["type"]


def test_the_corpus_has_the_prompts_of_the_program(tokenizer: Tokenizer) -> None:
    """The prompt that was trained on is the prompt that `qmath solve` sends."""
    for mode in Mode:
        assert prompt(mode, "1 + 1 = ?") == chat("1 + 1 = ?", PackageMode(mode.value)).text


def test_tokens_of_the_parts_are_the_tokens_of_the_whole(tokenizer: Tokenizer) -> None:
    """Tokenising the parts of a solution separately does not change the tokens."""
    rng = Random(5)
    for _ in range(40):
        example = draw(rng, held_out=False)
        ids, learned = encode(tokenizer, example)
        assert ids == tokenizer.encode(text(example)).ids
        assert len(ids) == len(learned)
        assert learned[-1]


def test_a_shard_depends_on_its_number_alone(tmp_path: Path) -> None:
    """The same number gives the same shard, another number another one."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sizes = [
        write_shard(number, 20, tmp_path / folder, CHECKPOINT) for number, folder in ((3, "a"), (3, "b"), (4, "b"))
    ]
    assert sizes[0] == sizes[1] != sizes[2]


def test_the_chat_template_asks_for_reasoning_when_no_system_message_is_given() -> None:
    """It gives the CoT prompt, as the released template does."""
    jinja2 = pytest.importorskip("jinja2")
    messages = [{"role": "user", "content": "1 + 1 = ?"}]
    rendered = jinja2.Template(CHAT_TEMPLATE).render(messages=messages, add_generation_prompt=True)
    assert rendered == prompt(Mode.COT, "1 + 1 = ?")
