"""Token soup and short cycles, and what must not be taken for them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from qmath_cli.engine.degeneration import DegenerationDetector


def fires_at(text: str) -> int | None:
    """The character at which a watch gives up on a text, each character taken for a token."""
    watch = DegenerationDetector()
    return next((at for at, character in enumerate(text) if watch.add(ord(character), character)), None)


def test_letters_of_many_scripts_are_soup() -> None:
    """Three foreign scripts close together are no solution."""
    soup = "therefore \\boxed{6} permissible 司Ո Stake insurerれ 권 данных تر"
    assert fires_at("We compute. " * 20 + soup) is not None


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
def test_what_a_solution_may_hold_is_left_alone(text: str) -> None:
    """One foreign language, mathematical letters, repeating decimals and rows of zeros are answers."""
    assert fires_at(text) is None


@pytest.mark.parametrize("period", ["0", "so ", "Let x be 2. Then x = 2. "])
def test_a_short_cycle_is_found(period: str) -> None:
    """The same few tokens over and over end a text soon, not at the token limit."""
    at = fires_at("We begin. " + period * 400)
    assert at is not None
    assert at < 300


def test_a_long_paragraph_over_and_over_is_found() -> None:
    """A cycle may be as long as a paragraph; it must take some turns."""
    source = random.Random(1)
    paragraph = "".join(source.choices("abcdefgh ", k=150))
    assert fires_at(paragraph * 2) is None
    assert fires_at(paragraph * 6) is not None


def test_real_responses_have_no_false_positive(shared: Path) -> None:
    """Of 400 real responses exactly the three that end in soup are stopped, within 200 tokens of where it begins."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(shared / "qwen2-tokenizer" / "tokenizer.json"))
    lines = (shared / "responses" / "math_cot_50.jsonl").read_text(encoding="utf-8").splitlines()
    responses = [response for line in lines for response in json.loads(line)["response"]]
    assert len(responses) == 400
    stopped = {}
    for number, response in enumerate(responses):
        encoded, watch = tokenizer.encode(response), DegenerationDetector()
        for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
            if watch.add(token, response[start:end]):
                stopped[number] = start
                break
    assert stopped == {201: 2765, 365: 1897, 387: 786}
