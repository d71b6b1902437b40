"""What a model is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.records import ModelInfo
from qmath_cli.runtime.question import Question, question
from qmath_cli.settings import Settings

DEMO = ModelInfo("demo:q8_0", Path("demo.gguf"), embedded=True)
REAL = ModelInfo("7b-instruct:q8_0", Path("x.gguf"))


@pytest.mark.parametrize("problem", ["hello", "sqrt(72)", "x², find the roots"])
def test_a_real_model_is_asked_what_was_typed(problem: str) -> None:
    """Whatever it is."""
    assert question(REAL, problem, Settings()) == Question(problem)


def test_the_demo_is_asked_in_its_own_words() -> None:
    """Where it knows the kind."""
    assert question(DEMO, "sqrt(72)", Settings()) == Question("Simplify sqrt(72).")


@pytest.mark.parametrize("tries", [False, True])
def test_the_demo_tries_other_kinds_only_where_it_is_told_to(tries: bool) -> None:
    """By the setting `try_unknown`; the text is then as it was typed."""
    assert question(DEMO, "hello", Settings(try_unknown=tries)) == Question("hello", known=tries)
