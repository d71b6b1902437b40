"""The transcript is append-only: its output does not depend on the chunks of the text."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from qmath_cli.terminal.style import Style
from qmath_cli.terminal.transcript import Transcript


def written(style: Style, *chunks: str) -> str:
    """The whole output of a transcript for a text in these chunks."""
    transcript = Transcript(style)
    return "".join(transcript.text(chunk) for chunk in chunks) + transcript.end()


@pytest.mark.parametrize("style", [Style(drawn=True), Style(drawn=True, unicode=False)], ids=["unicode", "ascii"])
def test_real_responses_are_drawn_alike_for_every_chunking(shared: Path, style: Style) -> None:
    """Only returned text is written, so equal wholes mean that nothing is printed twice."""
    chance = random.Random(4)
    with (shared / "responses" / "math_cot_50.jsonl").open(encoding="utf-8") as lines:
        responses = [response for line in lines for response in json.loads(line)["code"]]
    for response in responses:
        chunks, at = [], 0
        while at < len(response):
            end = at + chance.choice((1, 2, 3, 5, 8, 21))
            chunks.append(response[at:end])
            at = end
        assert written(style, *chunks) == written(style, response)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Then\n\\[\nx = 1\n\\]\nso", "Then\n    x = 1\nso\n"),
        ("Then \\[x\\] so", "Then\n    x\nso\n"),
        ("- one\n- two", "• one\n• two\n"),
        ("1. one\n2. two", "1. one\n2. two\n"),
        ("## Step **1**\nx", "Step 1\nx\n"),
        ("unknown \\(\\foo{x}\\) here", "unknown \\(\\foo{x}\\) here\n"),
        ("```output\n3\n```\nSo", "  → 3\n\nSo\n"),
        ("```output\n\\frac{19}{12}\n```\n", "  → 19/12\n"),
        ("```output\nx = \\sqrt{2}\n3\n```\n", "  → x = √2\n    3\n"),
        ("```output\nC:\\temp\\frac\n```\n", "  → C:\\temp\\frac\n"),
        ("```output\n'\\alpha'\n```\n", "  → '\\alpha'\n"),
        ("```output\nthe area is \\pi r^2\n```\n", "  → the area is \\pi r^2\n"),
        ("```output\nx**2 - 1\n```\n", "  → x**2 - 1\n"),
        ("```\nplain\n```", "    plain\n"),
        ("Price: \\$5 and $6", "Price: $5 and $6\n"),
    ],
)
def test_each_construct_has_its_form(text: str, wanted: str) -> None:
    """Displays on lines of their own, bullets, headings, refused formulas as source, outputs set off."""
    assert written(Style(drawn=True), text) == wanted
