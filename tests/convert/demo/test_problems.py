"""The problem generators: seeded, true, and in both languages."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from convert.demo.problems import KINDS, Language
from convert.demo.problems.base import frac, polynomial, python_polynomial
from convert.demo.programs import Session
from convert.demo.solutions import chain_of_thought, draw_draft, is_held_out, tool_integrated, with_mistake

CASES = [(kind, language) for kind in KINDS for language in Language]


@pytest.mark.parametrize(("kind", "language"), CASES)
def test_the_programs_of_a_kind_print_its_independently_computed_answer(kind: str, language: Language) -> None:
    """`tool_integrated` runs every program and rejects a draft whose last output is not its answer."""
    for seed in range(12):
        draft = KINDS[kind](Random(seed), language)
        parts = tool_integrated(draft)
        assert parts[-1].text.endswith("<|im_end|>")
        assert rf"\boxed{{{draft.answer}}}" in parts[-1].text
        assert rf"\boxed{{{draft.answer}}}" in chain_of_thought(draft)[0].text


@pytest.mark.parametrize(("kind", "language"), CASES)
def test_a_seed_determines_the_draft(kind: str, language: Language) -> None:
    """The same seed draws the same problem, programs and answer; other seeds draw other problems."""
    drafts = [KINDS[kind](Random(seed), language) for seed in range(30)]
    assert drafts == [KINDS[kind](Random(seed), language) for seed in range(30)]
    assert len({draft.problem for draft in drafts}) > 10


def test_there_are_at_least_24_kinds() -> None:
    """The demo solves more than arithmetic."""
    assert len(KINDS) >= 24


def test_chinese_problems_have_chinese_sentences_around_the_same_programs() -> None:
    """The language of the problem is the language of the solution."""
    for kind in KINDS:
        draft = KINDS[kind](Random(1), Language.ZH)
        sentences = [step.prose for step in draft.steps] + [draft.closing]
        assert all(any("\u4e00" <= c <= "\u9fff" for c in s) for s in sentences), kind


@pytest.mark.parametrize("language", list(Language))
def test_a_held_out_problem_is_never_drawn_for_training(language: Language) -> None:
    """The side of the split is a function of the text alone, so the two sides have no text in common."""
    sides = {
        side: {draw_draft(Random(seed), "gcd", language, held_out=side).problem for seed in range(60)}
        for side in (False, True)
    }
    assert not sides[False] & sides[True]
    assert all(hashlib.sha256(text.encode()).digest()[0] % 20 == 0 for text in sides[True])
    assert not any(is_held_out(text) for text in sides[False])


def test_the_recovery_from_a_missing_line_is_a_real_one() -> None:
    """The first program fails with a real error, is not learned, and the second one is right."""
    draft = with_mistake(Random(0), KINDS["quadratic equations"](Random(0), Language.EN), Language.EN)
    parts = tool_integrated(draft)
    assert not parts[0].learned
    assert "NameError: name '" in parts[1].text
    assert "(line " in parts[1].text
    assert parts[2].learned


def test_a_congruence_without_an_inverse_needs_a_second_program() -> None:
    """The kind whose first program fails by the nature of the problem."""
    drafts = [KINDS["congruences"](Random(seed), Language.EN) for seed in range(40)]
    long = next(draft for draft in drafts if len(draft.steps) == 2)
    parts = tool_integrated(long)
    assert parts[0].learned
    assert "ValueError: base is not invertible for the given modulus (line 1: " in parts[1].text


def test_what_the_executor_writes_is_read_and_not_learned() -> None:
    """The loss is on the hand-over to the executor, not on what comes back."""
    parts = tool_integrated(KINDS["gcd"](Random(3), Language.EN))
    assert [part.learned for part in parts] == [True, False, True]
    assert parts[0].text.endswith("```\n```output")
    assert parts[1].text.startswith("\n")
    assert parts[1].text.endswith("\n```\n")


def test_a_session_feeds_back_as_the_executor_does() -> None:
    """Names live on; a last expression shows its value; an error is one line; silence is `Done`."""
    session = Session()
    assert session.run("a = 3") == "Done"
    assert session.run("print(a)\na + 1") == "3\n4"
    assert session.run("print(1)\n\n1 / 0") == "1\nZeroDivisionError: division by zero (line 3: 1 / 0)"


def test_polynomials_are_written_as_people_and_as_python_write_them() -> None:
    """Signs, ones and zeros are where they belong."""
    assert polynomial((1, -5, 6)) == "x^2 - 5x + 6"
    assert python_polynomial((-1, 0, 12, 0)) == "-x**3 + 12*x"
    assert polynomial((0, 0)) == "0"
    assert frac(-3) == "-3"
