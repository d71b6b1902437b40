"""Token soup and repetition, and text that must not be mistaken for them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from qmath_cli.engine.degeneration import DegenerationDetector


def detected_at(text: str) -> int | None:
    """The character at which a text is found degenerate, with one token per character."""
    detector = DegenerationDetector()
    return next((at for at, character in enumerate(text) if detector.add(ord(character), character)), None)


def test_letters_of_many_scripts_are_soup() -> None:
    """Three foreign scripts close together."""
    soup = "therefore \\boxed{6} permissible 司Ո Stake insurerれ 권 данных تر"
    assert detected_at("We compute. " * 20 + soup) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Найдём корни уравнения: $x^2 - 5x + 6 = 0$. " * 3 + "Ответ: $\\boxed{2, 3}$, где α и β и 数 。",
        "方程的根是 α = 2 和 β = 3。所以答案是 $\\boxed{2, 3}$。" * 3,
        "この方程式の解はカタカナで書くとニとサンです。답은 아니다。",
        "𝒜 ⊂ ℝ, 𝔐 ≅ ℤ/2ℤ, Å, ª, µ, ℏ, ＡＢＣ",
        "$\\frac{1}{7} = 0." + "142857" * 25 + "\\ldots$",
        "10^{100} = 1" + "0" * 100,
        "\\begin{pmatrix} " + " \\\\ ".join(["0 & 0 & 0 & 0"] * 8) + " \\end{pmatrix}",
    ],
    ids=["russian", "chinese", "japanese and korean", "letterlike signs", "decimals", "googol", "zero matrix"],
)
def test_ordinary_solutions_are_not_degenerate(text: str) -> None:
    """One foreign language, mathematical letters, repeating decimals and rows of zeros."""
    assert detected_at(text) is None


@pytest.mark.parametrize("period", ["0", "so ", "Let x be 2. Then x = 2. "])
def test_a_short_cycle_is_found(period: str) -> None:
    """The same few tokens again and again are found within 300."""
    at = detected_at("We begin. " + period * 400)
    assert at is not None
    assert at < 300


def test_a_repeated_paragraph_is_found() -> None:
    """A cycle may be as long as a paragraph; two repetitions are allowed."""
    source = random.Random(1)
    paragraph = "".join(source.choices("abcdefgh ", k=150))
    assert detected_at(paragraph * 2) is None
    assert detected_at(paragraph * 6) is not None


def test_real_responses_have_no_false_positive(shared: Path) -> None:
    """Of 400 real responses exactly the three that end in soup are stopped, within 200 tokens of where it begins."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(shared / "qwen2-tokenizer" / "tokenizer.json"))
    lines = (shared / "responses" / "math_cot_50.jsonl").read_text(encoding="utf-8").splitlines()
    responses = [response for line in lines for response in json.loads(line)["response"]]
    assert len(responses) == 400
    stopped = {}
    for number, response in enumerate(responses):
        encoded, detector = tokenizer.encode(response), DegenerationDetector()
        for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
            if detector.add(token, response[start:end]):
                stopped[number] = start
                break
    assert stopped == {201: 2765, 365: 1897, 387: 786}
