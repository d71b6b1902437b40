"""Which problems the demo knows: those of its kinds in any wording near the trained ones, and no others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from convert.demo.recognised import REWORDINGS, fresh, problems_of, recognised
from qmath_cli.demo.kinds import load

EVERYDAY = Path(__file__).parents[1] / "data" / "everyday.txt"
MISSED = 0.01  # of the problems of its kinds, at most
PASSED = 0.02  # of all others, at most


@pytest.fixture(scope="module")
def held_out(root: Path) -> list[str]:
    return problems_of(root / "qmath_cli" / "demo" / "heldout.jsonl")


@pytest.mark.parametrize("name", REWORDINGS)
def test_held_out_problems_are_known(held_out: list[str], name: str) -> None:
    """At least 99 in 100, as they are and reworded."""
    assert recognised(map(REWORDINGS[name], held_out)) >= (1 - MISSED) * len(held_out)


def test_new_problems_of_every_kind_are_known() -> None:
    """With numbers that no file has."""
    texts = fresh(3)
    assert recognised(texts) >= (1 - MISSED) * len(texts)


def test_problems_of_benchmarks_are_caught(shared: Path) -> None:
    """At least 98 in 100 of each file."""
    for file in sorted((shared / "benchmarks").glob("*.jsonl")):
        texts = problems_of(file)
        assert recognised(texts) <= PASSED * len(texts), file.name


@pytest.mark.parametrize(
    "change", [str, str.lower, str.upper, "Please {}".format, '"{}"'.format, "{0} {0}".format, lambda text: text[:-1]]
)
def test_everyday_sentences_are_caught(change: Callable[[str], str]) -> None:
    """Greetings, questions, code, unfinished sentences, problems of other kinds: however they are typed."""
    texts = [change(line) for line in EVERYDAY.read_text(encoding="utf-8").splitlines()]
    known = [text for text in texts if load().recognise(text) is not None]
    assert len(known) <= PASSED * len(texts), known


@pytest.mark.parametrize(
    ("problem", "kind", "asked"),
    [
        ("x^2 - 7x + 12 = 0, find the roots", "quadratic equations", "Find the roots of x^2 - 7x + 12 = 0."),
        ("3x + 5 = 20, solve for x", "linear equations", "Solve for x: 3x + 5 = 20."),
        ("what's 15% of 80", "percentages", "What is 15% of 80?"),
        ("“What is 12% of 450?”", "percentages", "What is 12% of 450?"),
        ("'Solve 3x = 6.'", "linear equations", "Solve 3x = 6."),
        ("sqrt(72)", "radicals", "Simplify sqrt(72)."),
        ("5!", "factorials", "Compute 5!."),
        ("derivative of 12x^3 + 5x", "derivatives", "Find the derivative of 12x^3 + 5x."),
        ("100 choose 3", "binomials", "What is 100 choose 3?"),
        ("求方程x²-5x+6=0的根", "quadratic equations", "求方程x^2-5x+6=0的根"),
    ],
)
def test_the_demo_is_asked_in_trained_words(problem: str, kind: str, asked: str) -> None:
    """With the formulas of the problem, in the order in which they belong."""
    found = load().recognise(problem)
    assert found is not None
    assert (found.kind, found.text) == (kind, asked)


def test_a_trained_problem_is_asked_as_it_is(root: Path) -> None:
    """To the byte: what the demo was measured on does not change."""
    texts = problems_of(root / "qmath_cli" / "demo" / "heldout.jsonl")
    found = [load().recognise(text) for text in texts]
    assert [one.text for one in found if one is not None] == texts


def test_a_problem_is_found_in_its_own_kind(root: Path) -> None:
    """The kind that its generator names."""
    lines = (root / "qmath_cli" / "demo" / "heldout.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    found = [load().recognise(row["problem"]) for row in rows]
    assert [one.kind for one in found if one is not None] == [row["kind"] for row in rows]


@pytest.mark.parametrize(
    "problem",
    [
        "Find the sum of the roots of x^2 - 5x + 6 = 0.",
        "Find the positive divisors of 12.",
        "Solve x^3 = 8.",
        "2+2+2+2",
        "Find the roots of x^2 - 5x +",
        "What is 12% of",
        "小明买了 3 支笔，每支 2 元，一共花了多少元？",
        "12345678901234567890 + 1",
    ],
)
def test_a_near_miss_is_caught(problem: str) -> None:
    """One word, sign or number more or less, and it is another problem."""
    assert load().recognise(problem) is None
