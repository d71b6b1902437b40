"""The same pieces for every division into chunks, nothing lost, little held back."""

from __future__ import annotations

import json
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind


def split(*chunks: str) -> list[Piece]:
    """All pieces of a text in these chunks, adjacent prose joined."""
    stream = MarkdownStream()
    pieces = [piece for chunk in chunks for piece in stream.feed(chunk)]
    return joined([*pieces, *stream.close()])


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces with adjacent prose as one."""
    found: list[Piece] = []
    for piece in pieces:
        if found and piece.kind is found[-1].kind is PieceKind.PROSE:
            found[-1] = Piece(PieceKind.PROSE, found[-1].text + piece.text, found[-1].source + piece.source)
        else:
            found.append(piece)
    return found


def kinds(text: str) -> list[tuple[PieceKind, str]]:
    """What a text is split into."""
    return [(piece.kind, piece.text) for piece in split(text)]


@pytest.fixture(scope="module")
def responses(shared: Path) -> list[str]:
    """400 real responses."""
    with (shared / "responses" / "math_cot_50.jsonl").open(encoding="utf-8") as lines:
        return [response for line in lines for response in json.loads(line)["code"]]


def test_real_responses_split_alike_for_every_chunking(responses: list[str]) -> None:
    """100,000 random cuts of the responses give the pieces of the whole, and the median of text held back is 0."""
    chance = random.Random(8)
    held = []
    cuts = 0
    while cuts < 100_000:
        for response in responses:
            whole = split(response)
            assert "".join(piece.source for piece in whole) == response
            stream, pieces, at = MarkdownStream(), [], 0
            while at < len(response):
                end = at + chance.choice((1, 2, 3, 4, 5, 8, 13, 40))
                pieces += stream.feed(response[at:end])
                held.append(stream.held)
                at, cuts = end, cuts + 1
            assert joined([*pieces, *stream.close()]) == whole
    assert statistics.median(held) == 0


_SOUP = st.lists(
    st.sampled_from(
        [
            *("\\", "(", ")", "[", "]", "$", "$$", "*", "**", "`", "```", "\n", " ", "a", "1", "#", "- ", "{", "}"),
            *("\\boxed{", "\\begin{align}", "\\end{align}", "python", "```python\n", "\n```\n", "\\(x\\)", "中"),
        ]
    ),
    max_size=40,
).map("".join)


@given(_SOUP, st.data())
@settings(max_examples=500, deadline=None)
def test_any_text_splits_alike_for_every_chunking(text: str, data: st.DataObject) -> None:
    """Delimiters in any order, cut anywhere: the same pieces, and their sources joined are the text."""
    paths = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    chunks = [text[start:end] for start, end in zip([0, *paths], [*paths, len(text)], strict=True)]
    assert split(*chunks) == split(text)
    assert "".join(piece.source for piece in split(text)) == text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"so \(x^2\) is", [(PieceKind.PROSE, "so "), (PieceKind.INLINE, "x^2"), (PieceKind.PROSE, " is")]),
        (r"\[ a \\[2pt] b \]", [(PieceKind.DISPLAY, r" a \\[2pt] b ")]),
        ("$$x$$", [(PieceKind.DISPLAY, "x")]),
        ("$x$.", [(PieceKind.INLINE, "x"), (PieceKind.PROSE, ".")]),
        ("costs $5 and $10", [(PieceKind.PROSE, "costs $5 and $10")]),
        (r"pay \$3", [(PieceKind.PROSE, "pay $3")]),
        (
            r"is \boxed{\frac{1}{2}}.",
            [(PieceKind.PROSE, "is "), (PieceKind.BOXED, r"\boxed{\frac{1}{2}}"), (PieceKind.PROSE, ".")],
        ),
        (r"\begin{align}a\end{align}", [(PieceKind.DISPLAY, r"\begin{align}a\end{align}")]),
        (r"\(never closed", [(PieceKind.PROSE, r"\(never closed")]),
        (
            "**bold** x",
            [(PieceKind.STRONG, ""), (PieceKind.PROSE, "bold"), (PieceKind.STRONG, ""), (PieceKind.PROSE, " x")],
        ),
        ("2**3 and **kw", [(PieceKind.PROSE, "2**3 and **kw")]),
        ("## Title\n", [(PieceKind.HEADING, "## "), (PieceKind.PROSE, "Title\n")]),
        ("- item\n-5\n", [(PieceKind.BULLET, "- "), (PieceKind.PROSE, "item\n-5\n")]),
        (
            "```python\nx\n```\ny",
            [
                (PieceKind.CODE_OPEN, "python"),
                (PieceKind.CODE, "x\n"),
                (PieceKind.CODE_CLOSE, ""),
                (PieceKind.PROSE, "y"),
            ],
        ),
    ],
)
def test_each_construct_is_recognised(text: str, wanted: list[tuple[PieceKind, str]]) -> None:
    """Delimiters, prices, boxes, environments, the little Markdown, fences."""
    assert kinds(text) == wanted


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        (r"3 apples at $2 each and 4 at $3 each: $2 \times 3$", [r"2 \times 3"]),
        ("I have $10, $3.99 and $x + y$", ["x + y"]),
        ("He saves $100-$x$ a year, or ($5)$y$", ["x", "y"]),
        ("$20, then $30; together $20 + 30 = 50$ dollars", ["20 + 30 = 50"]),
        ("$80-$20=$60 and $x$", ["x"]),
        ("$5 more than $x$, a $5 note for $y$", ["x", "y"]),
        ("between 5$, 6$ and 7$ per day", []),
        ("a US$5 note for US$ or US$ 6", []),
        ("each $5, (D) $435(100b)$Answer", ["435(100b)"]),
        ("每个$5元，共$x$个", ["x"]),
        ("price $5.99, area $x\\text{ for each}$", [r"x\text{ for each}"]),
        (
            r"计算 $2+3=$ ? $5 \text{ cm}$, $12 mod 5$, $AB CD$, $2 sin x$",
            ["2+3=", r"5 \text{ cm}", "12 mod 5", "AB CD", "2 sin x"],
        ),
        (r"$x = \text{price of $y$ items}$", [r"x = \text{price of $y$ items}"]),
        ("$[0, 5)$ and $.5$ and $n$th", ["[0, 5)", ".5", "n"]),
    ],
)
def test_prices_are_prose_and_formulas_beside_them_are_not(text: str, formulas: list[str]) -> None:
    """A dollar before a number closes nothing, and what it opens ends before the next formula."""
    assert [found for kind, found in kinds(text) if kind is PieceKind.INLINE] == formulas


@pytest.mark.parametrize(
    "code", ["`$x^2$`", r"`\(x\)`", "``a ` $b$``", r"`\begin{align}`", "`**kwargs`", r"`\boxed{3}`"]
)
def test_inline_code_stays_code(code: str) -> None:
    """Nothing inside backticks is drawn; a formula after them is."""
    assert kinds(f"write {code} for $x$") == [
        (PieceKind.PROSE, f"write {code} for "),
        (PieceKind.INLINE, "x"),
    ]


def test_a_backtick_without_another_is_prose() -> None:
    """On its line; so are TeX's quotes."""
    assert kinds("a ` b $x$\n` c")[1] == (PieceKind.INLINE, "x")
    assert kinds("so ``called'' $x$")[1] == (PieceKind.INLINE, "x")


def test_prose_is_returned_immediately() -> None:
    """Not even the first part of a word is held back."""
    stream = MarkdownStream()
    assert [piece.text for piece in stream.feed("The answ")] == ["The answ"]
    assert stream.held == 0
