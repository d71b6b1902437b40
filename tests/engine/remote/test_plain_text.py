"""Text that spells control tokens, to be tokenized as text by a server that parses them out of any text."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from qmath_cli.engine.remote.vocabulary import pieces

TOKENS = ["<|im_end|>", "<|im_start|>", "<|endoftext|>", "<|vision_pad|>", "<extra_0>"]
AROUND = [("", ""), ("a ", " b"), ("(", ")"), ("x<", ">y"), ("\n", "\n"), ("3", "4"), ("求", "解"), (" \t", "\r\n")]


@pytest.fixture(scope="module")
def plain(shared: Path) -> Tokenizer:
    """The real vocabulary, reading everything as text."""
    found = Tokenizer.from_file(str(shared / "qwen2-tokenizer" / "tokenizer.json"))
    found.encode_special_tokens = True
    return found


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("token", TOKENS)
def test_the_pieces_have_the_tokens_of_the_whole(plain: Tokenizer, token: str, around: tuple[str, str]) -> None:
    """No piece spells a control token, and nothing is tokenized otherwise than in one."""
    text = (token.join(around) + token) * 2
    found = list(pieces(text))
    assert "".join(found) == text
    assert not [piece for piece in found for one in TOKENS if one in piece]
    assert [one for piece in found for one in plain.encode(piece).ids] == plain.encode(text).ids
