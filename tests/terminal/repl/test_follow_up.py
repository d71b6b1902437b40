"""Which messages read as questions about the last solution."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from qmath_cli.terminal.repl.follow_up import refers_back

MESSAGES = tomllib.loads((Path(__file__).parents[2] / "data" / "follow_ups.toml").read_text(encoding="utf-8"))
MATHEMATICS = ("aime24", "amc23", "cmath", "gaokao2023en", "gaokao_math_cloze", "gsm8k")


def test_questions_about_a_solution_are_known() -> None:
    """English and Chinese, in many forms."""
    questions = MESSAGES["questions"].strip().split("\n")
    assert len(questions) > 200
    assert [one for one in questions if not refers_back(one)] == []


def test_complete_problems_are_none() -> None:
    """Not even those that start with "why", or have an "it" of their own."""
    problems = MESSAGES["problems"].strip().split("\n")
    assert len(problems) > 130
    assert [one for one in problems if refers_back(one)] == []


@pytest.mark.parametrize("name", MATHEMATICS)
def test_benchmark_problems_are_none(shared: Path, name: str) -> None:
    """Whole data sets of problems."""
    with (shared / "benchmarks" / f"{name}.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    problems = [row.get("problem") or row["question"] for row in rows]
    assert [one for one in problems if refers_back(one)] == []


@pytest.mark.parametrize("text", ["", "   ", "\n", "why?\nx^2 = 4", "why? " + "a" * 500])
def test_a_message_without_words_or_with_many_is_none(text: str) -> None:
    """An empty one never gets this far, a long one is a problem."""
    assert not refers_back(text)


def test_signs_alone_ask_something() -> None:
    assert refers_back("??")
