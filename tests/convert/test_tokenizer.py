"""Tokenisation by llama.cpp from our file against the `tokenizers` library on the checkpoint's own file.

Texts are in Unicode's normal form C here: the released tokenizer normalises them, and llama.cpp does not.
"""

from __future__ import annotations

import ctypes
import json
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qmath_convert.errors import ConvertError, DamagedCheckpoint
from qmath_convert.recipe import Quant
from tests.convert import checkpoints
from tests.convert.checkpoints import REAL, Recipe, with_real_tokenizer
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


# ---------------------------------------------------------------- without tokenizer.json, and other spellings of it


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A small checkpoint, and `with.gguf` beside it, converted with its tokenizer.json."""
    folder = checkpoints.write(tmp_path / "m", Recipe(layers=1))
    to_gguf(folder, tmp_path / "with.gguf", Quant.Q8_0)
    return folder


def slow(folder: Path, version: str = "#version: 0.2\n", end: str = "\n") -> dict[str, Any]:
    """Replace tokenizer.json by vocab.json and merges.txt; returns its content."""
    found: dict[str, Any] = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (folder / "tokenizer.json").unlink()
    checkpoints.write_json(folder / "vocab.json", found["model"]["vocab"])
    merges = end.join([*found["model"]["merges"], ""])
    (folder / "merges.txt").write_bytes((version + merges).encode("utf-8"))
    return found


def same(folder: Path) -> bool:
    """Whether the folder now converts to the bytes of `with.gguf`."""
    to_gguf(folder, folder.parent / "now.gguf", Quant.Q8_0)
    return (folder.parent / "now.gguf").read_bytes() == (folder.parent / "with.gguf").read_bytes()


@pytest.mark.parametrize(("version", "end"), [("#version: 0.2\n", "\n"), ("", "\n"), ("", "\r\n"), ("\ufeff", "\n\n")])
def test_vocab_and_merges_give_the_same_file_as_tokenizer_json(version: str, end: str, tiny: Path) -> None:
    """Byte for byte, whichever way the lines end."""
    slow(tiny, version, end)
    assert same(tiny)


def test_the_released_vocab_and_merges_give_the_released_tokens(shared: Path, tmp_path: Path) -> None:
    """The real files of Qwen2.5."""
    folder = with_real_tokenizer(tmp_path / "m", REAL.but(tied=True, hidden=64), shared)
    to_gguf(folder, tmp_path / "with.gguf", Quant.Q8_0)
    (folder / "tokenizer.json").unlink()
    for name in ("vocab.json", "merges.txt"):
        (folder / name).write_bytes((shared / "qwen2-tokenizer" / name).read_bytes())
    assert same(folder)


def test_older_files_list_the_added_tokens_beside_the_vocabulary(tiny: Path) -> None:
    """added_tokens.json, before tokenizer_config.json had them."""
    added = {entry["content"]: entry["id"] for entry in slow(tiny)["added_tokens"]}
    checkpoints.write_json(tiny / "added_tokens.json", added)
    settings = json.loads((tiny / "tokenizer_config.json").read_text(encoding="utf-8"))
    del settings["added_tokens_decoder"]
    checkpoints.write_json(tiny / "tokenizer_config.json", settings)
    assert same(tiny)
    (tiny / "added_tokens.json").unlink()
    with pytest.raises(DamagedCheckpoint, match="no file says which ids the control tokens"):
        same(tiny)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.json", "{", "vocab.json is not valid JSON"),
        ("vocab.json", "[]", "does not hold a JSON object"),
        ("merges.txt", "a b\nc\n", "not two parts"),
        ("merges.txt", "a b c\n", "not two parts"),
        ("merges.txt", "\xff", "is not UTF-8"),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"1": 2}}', "added_tokens_decoder is not valid"),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"x": {"content": "<|a|>"}}}',
            "added tokens are not valid",
        ),
        ("tokenizer_config.json", '{"tokenizer_class": "LlamaTokenizer"}', "the tokenizer is a LlamaTokenizer"),
    ],
)
def test_damaged_files_of_a_slow_tokenizer_are_one_error(name: str, content: str, message: str, tiny: Path) -> None:
    """It names the file."""
    slow(tiny)
    (tiny / name).write_text(content, encoding="latin-1")
    with pytest.raises(ConvertError, match=message):
        same(tiny)


def change_tokenizer(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Load tokenizer.json, change it in place, write."""
    found = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    change(found)
    checkpoints.write_json_ascii(folder / "tokenizer.json", found)


SAME: dict[str, Callable[[dict[str, Any]], Any]] = {
    "NFC in a sequence": lambda t: t.update(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}]}),
    "sequences in sequences": lambda t: t.update(
        pre_tokenizer={"type": "Sequence", "pretokenizers": [t["pre_tokenizer"]]},
        normalizer={"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": [{"type": "NFC"}]}]},
    ),
    "no normal form": lambda t: t.update(normalizer=None),
    "merges as pairs": lambda t: t["model"].update(merges=[merge.split() for merge in t["model"]["merges"]]),
    "a model without a type": lambda t: t["model"].pop("type"),
}


@pytest.mark.parametrize("case", SAME)
def test_other_spellings_of_the_same_tokenizer_give_the_same_file(case: str, tiny: Path) -> None:
    """As the tokenizers library reads them."""
    change_tokenizer(tiny, SAME[case])
    assert same(tiny)


OTHER: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "use_regex left out": (lambda t: t["pre_tokenizer"]["pretokenizers"][1].pop("use_regex"), "use_regex"),
    "use_regex": (lambda t: t["pre_tokenizer"]["pretokenizers"][1].update(use_regex=True), "use_regex"),
    "prefix left out": (lambda t: t["pre_tokenizer"]["pretokenizers"][1].pop("add_prefix_space"), "add_prefix_space"),
    "inverted": (lambda t: t["pre_tokenizer"]["pretokenizers"][0].update(invert=True), "split text"),
    "another normal form": (lambda t: t.update(normalizer={"type": "NFKC"}), "normalizes"),
    "one more step": (
        lambda t: t.update(normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}),
        "normalizes",
    ),
    "a merge of three": (lambda t: t["model"]["merges"].append(["a", "b", "c"]), "not two parts"),
    "a merge that is a number": (lambda t: t["model"]["merges"].append(5), "not two parts"),
    "half a character": (lambda t: t["model"]["vocab"].update({"\ud800": 300}), "not valid Unicode"),
    "half a character added": (
        lambda t: t["added_tokens"].append({"content": "\udfff", "id": 301}),
        "not valid Unicode",
    ),
}


@pytest.mark.parametrize("case", OTHER)
def test_another_tokenizer_is_refused_with_what_differs(case: str, tiny: Path) -> None:
    """Text would be split in another way."""
    change, message = OTHER[case]
    change_tokenizer(tiny, change)
    with pytest.raises(ConvertError, match=message):
        same(tiny)
