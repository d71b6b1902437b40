"""Tokenisation by llama.cpp from our file against the `tokenizers` library on the checkpoint's own file.

Texts are in Unicode's normal form C here: the released tokenizer normalises them, and llama.cpp does not.
"""

from __future__ import annotations

import ctypes
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmath_convert.recipe import Quant
from tests.convert.checkpoints import REAL, with_real_tokenizer
from tests.convert.conversions import to_gguf

TEXTS = (
    "",
    " ",
    "What is 12345 * 67890? It's 3.14159, isn't it?",
    "Find the roots of $x^2 - 5x + 6 = 0$. We have \\boxed{\\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}}.",
    "求方程 x² − 5x + 6 = 0 的根。设 $a_n = 2^n$，则 $\\sum_{k=1}^{n} a_k$ 是多少？",
    "```python\nfrom sympy import *\n\nx = symbols('x')\nfor i in range(10):\n    print(solve(x**2 - i, x))\n```\n",
    "```output\n[2, 3]\n```\n\n\n  indented\t\ttabs   \r\nand Windows lines\r\n",
    "<|im_start|>user\nplain text, not control tokens<|im_end|>",
    "emoji 🙂👩‍👩‍👧, accents café naïve, Greek αβγ ∑∫√, 한국어, العربية, ½ ② ³",
    "     many     spaces     ",
    "\u00a0non-breaking\u2003em space\u200bzero width",
)


@pytest.fixture(scope="session")
def vocabulary(llama: Any, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The real vocabulary, converted and loaded by llama.cpp."""
    folder = with_real_tokenizer(tmp_path_factory.mktemp("tokenizer") / "m", REAL.but(tied=True, hidden=64), shared)
    path = folder.parent / "m.gguf"
    to_gguf(folder, path, Quant.Q8_0)
    parameters = llama.llama_model_default_params()
    parameters.vocab_only = True
    model = llama.llama_model_load_from_file(str(path).encode(), parameters)
    assert model
    yield llama.llama_model_get_vocab(model)
    llama.llama_model_free(model)


@pytest.fixture(scope="session")
def reference(shared: Path) -> Any:
    """The `tokenizers` library on the released file."""
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.Tokenizer.from_file(str(shared / "qwen2-tokenizer" / "tokenizer.json"))


def tokenise(llama: Any, vocabulary: Any, text: str, *, special: bool) -> list[int]:
    """`llama_tokenize`."""
    data = text.encode()
    room = (llama.llama_token * (len(data) + 8))()
    count = llama.llama_tokenize(vocabulary, data, len(data), room, len(room), False, special)
    assert count >= 0
    return list(room[:count])


@pytest.mark.parametrize("text", TEXTS)
def test_llama_cpp_splits_text_exactly_as_the_tokenizers_library(
    text: str, llama: Any, vocabulary: Any, reference: Any
) -> None:
    """Control tokens are recognised on both sides."""
    assert tokenise(llama, vocabulary, text, special=True) == reference.encode(text, add_special_tokens=False).ids


def test_real_responses_are_split_alike(llama: Any, vocabulary: Any, reference: Any, shared: Path) -> None:
    """Every problem and response of the released samples: English, LaTeX, long."""
    lines = (shared / "responses" / "math_cot_50.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [unicodedata.normalize("NFC", text) for line in lines for text in strings(json.loads(line))]
    assert len(texts) > 400
    for text in texts:
        assert tokenise(llama, vocabulary, text, special=True) == reference.encode(text, add_special_tokens=False).ids


def test_chinese_problems_are_split_alike(llama: Any, vocabulary: Any, reference: Any, shared: Path) -> None:
    """The Chinese benchmark questions, in the normal form that the released tokenizer applies first."""
    for name in ("cmath", "gaokao_math_qa", "gaokao_math_cloze"):
        for line in (shared / "benchmarks" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            text = unicodedata.normalize("NFC", json.loads(line)["question"])
            found = tokenise(llama, vocabulary, text, special=True)
            assert found == reference.encode(text, add_special_tokens=False).ids, text


def strings(value: object) -> Iterator[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def test_control_tokens_stay_text_unless_they_are_parsed(llama: Any, vocabulary: Any) -> None:
    """A user's own `<|im_end|>` must not end a turn; this depends on the token types in the file."""
    assert tokenise(llama, vocabulary, "<|im_end|>", special=True) == [151645]
    assert 151645 not in tokenise(llama, vocabulary, "<|im_end|>", special=False)
    assert llama.llama_vocab_get_attr(vocabulary, 151645) & llama.LLAMA_TOKEN_ATTR_CONTROL
    assert llama.llama_vocab_eos(vocabulary) == 151645
    assert not llama.llama_vocab_get_add_bos(vocabulary)
    assert ctypes.c_int32(llama.llama_vocab_n_tokens(vocabulary)).value == 151936
