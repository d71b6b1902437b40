"""The strict rules: a table of graded pairs, and the cases where strict and official verdicts differ."""

import json
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.grading.extract import last_boxed
from qmath_cli.grading.grader import Grader
from qmath_cli.grading.strict.verdict import compare
from qmath_cli.mathematics.meaning import equality
from qmath_cli.mathematics.meaning.expressions import meaning
from qmath_cli.mathematics.typed.reader import read
from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

TABLE = tomllib.loads((Path(__file__).parents[1] / "data" / "grade_pairs.toml").read_text(encoding="utf-8"))["group"]
PAIRS = [
    pytest.param(answer, expected, mark, id=f"{group['topic']}: {answer} | {expected}")
    for group in TABLE
    for name, mark in (("equal", Mark.CORRECT), ("different", Mark.WRONG))
    for answer, expected in group[name]
]
MARKS = {"equal": Mark.CORRECT, "different": Mark.WRONG}
ANSWERS = [
    pytest.param(answer, expected, MARKS[verdict], id=f"{answer} | {expected}")
    for line in (Path(__file__).parents[1] / "data" / "answers.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for answer, expected, verdict in [line.split(" ||| ")]
]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One warm strict grader."""
    with Grader(Grade.STRICT) as one:
        yield one


def test_the_table_is_large_enough_to_mean_something() -> None:
    """At least 300 pairs, at least 80 of which look alike and differ."""
    assert len(PAIRS) >= 300
    assert sum(len(group["different"]) for group in TABLE) >= 80


@pytest.mark.parametrize(("answer", "expected", "mark"), PAIRS)
def test_a_pair_is_graded_as_a_mathematician_would(answer: str, expected: str, mark: Mark, grader: Grader) -> None:
    """Equal pairs are correct, look-alikes are wrong, none is undecided."""
    verdict = grader(answer, expected)
    assert verdict.mark is mark, verdict


@pytest.mark.parametrize("answer", ["3 4", "5 +* 7", r"\frac{1}{"])
def test_what_cannot_be_read_is_undecided_with_a_reason(answer: str, grader: Grader) -> None:
    """An unreadable answer is not wrong."""
    verdict = grader(answer, "12")
    assert verdict.mark is Mark.UNDECIDED
    assert verdict.why


@pytest.mark.parametrize(("answer", "expected", "mark"), ANSWERS)
def test_an_answer_as_people_write_it_is_graded_as_a_mathematician_would(
    answer: str, expected: str, mark: Mark, grader: Grader
) -> None:
    """Plain text, Unicode, sympy's spelling, units, words around a number."""
    verdict = grader(answer, expected)
    assert verdict.mark is mark, verdict


def test_a_set_of_numbers_and_a_number_are_different(grader: Grader) -> None:
    """Both are understood, and they are different kinds."""
    verdict = grader("5", r"(-\infty, 1) \cup (2, \infty)")
    assert (verdict.mark, verdict.rule) == (Mark.WRONG, "set")


@pytest.mark.parametrize(
    ("answer", "expected", "why"),
    [
        ("3 4", "12", "not understood: two numbers side by side"),
        ("5 blorps", "5 quonks", "the units 'blorps' and 'quonks' are not known"),
        ("not 5", "5", "not understood: the words 'not'"),
        (r"\foo{3}", "3", "not understood: unknown command \\foo"),
        ("(1,2", "(1,2)", "not understood: an opening ( that is not closed"),
    ],
)
def test_the_reason_names_the_piece_that_is_not_understood(
    answer: str, expected: str, why: str, grader: Grader
) -> None:
    """In words, without the name of an exception."""
    verdict = grader(answer, expected)
    assert (verdict.mark, verdict.why) == (Mark.UNDECIDED, why)


def test_numbers_that_agree_without_a_proof_are_undecided() -> None:
    """A constant that no rule decides, equal to hundreds of digits: neither equal nor different."""
    a = r"\sin(\cos 1) + \ln(\sin 2)"
    with pytest.raises(equality.Undecided, match="agree in more than 25 digits"):
        equality._proved_zero(meaning(read(rf"e^{{{a}}} - e^{{{a}}} + 10^{{-4000}}\sin 1")), "25")


def test_a_rounded_value_is_equal_under_a_rule_that_says_so(grader: Grader) -> None:
    """An exact answer rounds to the expected decimal; not the other way round, and not under `exact`."""
    verdict = grader(r"\frac13", "0.333")
    assert (verdict.mark, verdict.rule) == (Mark.CORRECT, "number, equal to the digits given")
    assert grader("0.333", r"\frac13").mark is Mark.WRONG
    assert compare(r"\frac13", "0.333", exact=True).mark is Mark.WRONG


def test_a_sentence_is_its_predicate_unless_both_sides_speak_of_different_things(grader: Grader) -> None:
    """`x is 5` is 5; equal values of two subjects are undecided, of opposite ones different."""
    assert grader("The area is 12", "12").mark is Mark.CORRECT
    assert grader("The minimum is 3", "The maximum is 3").mark is Mark.WRONG
    verdict = grader("The price is 3", "The weight is 3")
    assert (verdict.mark, verdict.why) == (Mark.UNDECIDED, "equal, but said of 'price' and of 'weight'")
    assert grader("a:b", "b").mark is Mark.WRONG


def test_a_condition_that_one_side_lacks_is_forgiven_and_named(grader: Grader) -> None:
    """Both sides with conditions must agree in them."""
    verdict = grader(r"2n-1, n\in\mathbb{N}^*", "2n-1")
    assert verdict.mark is Mark.CORRECT
    assert "its condition on one side only" in verdict.rule
    assert grader(r"k\pi, k\in\mathbb{Z}", r"k\pi, k\in\mathbb{N}").mark is Mark.WRONG


def test_a_half_open_interval_is_not_a_vector(grader: Grader) -> None:
    """A column equals a point with the same coordinates, not an interval with the same ends."""
    column = r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"
    assert grader(column, "(1, 2)").mark is Mark.CORRECT
    assert grader(column, "(1, 2]").mark is Mark.WRONG


def test_strict_and_stored_verdicts_differ_only_where_the_official_rules_lose_a_time_of_day(
    shared: Path, grader: Grader
) -> None:
    """Of 400 real responses the strict grader differs on one problem, `4:30 p.m.`, whose unit rule breaks the text."""
    different = set()
    for line in (shared / "responses" / "math_cot_50.jsonl").read_text(encoding="utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        for text, score in zip(row["code"], row["score"], strict=True):
            verdict = grader(last_boxed(text) or "", row["answer"])
            assert verdict.mark is not Mark.UNDECIDED
            if (verdict.mark is Mark.CORRECT) is not score:
                different.add((row["idx"], row["answer"]))
    assert different == {(3, r"\text{4:30 p.m.}")}


def test_no_damaged_answer_ends_in_an_exception() -> None:
    """Answers with characters lost, changed and added are equal, different or undecided."""
    chance = random.Random(8)
    texts = [text for one in ANSWERS for text in one.values[:2] if isinstance(text, str)]
    for _ in range(2000):
        answer, expected = _damaged(chance, chance.choice(texts)), chance.choice(texts)
        assert isinstance(compare(answer, expected), Verdict)


def _damaged(chance: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(letters) + 1)
        letters[at : at + chance.randint(0, 1)] = chance.choice(
            ["", *"()[]{}^_\\,;:=<|+-*/!%.&$ 0x或个米°²√", r"\frac", r"\pm"]
        )
    return "".join(letters)
