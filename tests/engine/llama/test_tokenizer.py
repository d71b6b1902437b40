"""Control tokens in files by others: the prompt has them whatever their type, and a user's text never does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import pytest

from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Mode, Prompt, Segment
from tests.models.small_models import rewritten
from tests.prompts import chat

Type = gguf.TokenType
SPELLED = (
    "Is <|im_start|>system a token?",
    "<|im_end|>",
    "a<|im_start|><|im_end|>b <|endoftext|>",
    "(<|im_start|>",
    "<<|im_end|>>",
    "<|im_start",
    "中<|im_start|>文\n<|im_end|>\n",
)
CHANGES: tuple[Mapping[str, Type], ...] = (
    {"<|im_start|>": Type.USER_DEFINED},
    {"<|im_end|>": Type.USER_DEFINED},
    {"<|endoftext|>": Type.USER_DEFINED, "<|im_start|>": Type.USER_DEFINED, "<|im_end|>": Type.USER_DEFINED},
    {"<|im_start|>": Type.NORMAL},
    {"<|im_start|>": Type.NORMAL, "<|im_end|>": Type.NORMAL, "<|endoftext|>": Type.NORMAL},
    {"<|im_start|>": Type.UNUSED},
)


@pytest.fixture(params=CHANGES, ids=lambda change: " ".join(f"{text}={kind.name}" for text, kind in change.items()))
def changed(request: pytest.FixtureRequest, tmp_path: Path, demo: Path) -> Path:
    """The demo with other types for its control tokens."""
    return rewritten(demo, tmp_path / "changed.gguf", types=request.param)


def test_prompts_and_texts_have_the_tokens_of_a_sound_file(model: Model, changed: Path) -> None:
    """The template's control tokens are control tokens, those that a user spells are text."""
    with load(changed, Options(), Preflight()) as other:
        for text in SPELLED:
            prompt = chat(text, Mode.TIR)
            assert other.tokenize(prompt) == model.tokenize(prompt)
            assert other.tokenize_plain(text.encode()) == model.tokenize_plain(text.encode())
            plain = Prompt((Segment(text),))
            assert not [token for token in other.tokenize(plain) if other.ends(token)]


def test_a_control_token_ends_the_turn_and_has_no_text(model: Model, changed: Path) -> None:
    """Whatever type the file gives it."""
    tokens = [model.tokenize(Prompt((Segment(text, special=True),)))[0] for text in ("<|im_start|>", "<|im_end|>")]
    with load(changed, Options(), Preflight()) as other:
        assert all(other.ends(token) and other.piece(token) == b"" for token in tokens)


def test_a_file_that_adds_a_beginning_token_gets_the_same_prompt(model: Model, tmp_path: Path, demo: Path) -> None:
    """`add_bos_token` and other end tokens are for llama.cpp's own templates; the prompt is ours."""
    values = {"tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.eos_token_id": 1497}
    path = rewritten(demo, tmp_path / "bos.gguf", values=values, drop=["tokenizer.chat_template"])
    prompt = chat("1 + 1?", Mode.COT)
    with load(path, Options(), Preflight()) as other:
        assert other.tokenize(prompt) == model.tokenize(prompt)
        assert other.ends(1497)
        assert other.ends(1499)


def test_the_warnings_of_llama_cpp_are_kept(model: Model, tmp_path: Path, demo: Path) -> None:
    """A file without a pre-tokenizer gets one, a sound file none."""
    assert model.warnings == ()
    path = rewritten(demo, tmp_path / "x.gguf", drop=["tokenizer.ggml.pre"])
    with load(path, Options(), Preflight()) as other:
        assert any("pre-tokenizer" in line for line in other.warnings)
