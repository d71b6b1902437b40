r"""Qwen's rules: its stored verdicts on real responses, and the oddities in its scores."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qmath_cli.grading.grader import Grader
from qmath_cli.grading.number_words import digits
from qmath_cli.grading.official import answers, match
from qmath_cli.grading.official.normal_form import normalise
from qmath_cli.records import Mark
from qmath_cli.settings import Grade


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, Any]]:
    """50 MATH problems with 8 responses each, as Qwen's evaluation stored them."""
    lines = (shared / "responses" / "math_cot_50.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def grader() -> Any:
    """One warm official grader."""
    with Grader(Grade.OFFICIAL) as one:
        yield one


def test_every_stored_prediction_is_extracted(rows: list[dict[str, Any]]) -> None:
    """All 400 responses give exactly the string that Qwen's evaluation extracted."""
    found = [answers.extract(text, "math", row["gt"]) for row in rows for text in row["code"]]
    stored = [answer for row in rows for answer in row["pred"]]
    assert len(stored) == 400
    assert found == stored


def test_every_stored_verdict_is_reproduced(rows: list[dict[str, Any]], grader: Grader) -> None:
    """All 400 verdicts are as stored, with the expected answer from the worked solution."""
    for row in rows:
        reference = answers.reference_of_solution(row["solution"], "math")
        marks = [grader(answer, reference).mark for answer in row["pred"]]
        assert [mark is Mark.CORRECT for mark in marks] == row["score"], row["idx"]


def test_majority_and_reward_pick_as_the_evaluation_does(rows: list[dict[str, Any]]) -> None:
    """Among the stored predictions and rewards: the first of the most frequent, and the first of the best."""
    from qmath_cli.records import Finish, Pick, Sample
    from qmath_cli.solving import vote

    for row in rows:
        rewards = [score[0] for score in row["pred_score"]]
        samples = [
            Sample("", answer, Finish.ANSWERED, reward=reward, index=i)
            for i, (answer, reward) in enumerate(zip(row["pred"], rewards, strict=True))
        ]
        votes = vote.count(samples, 8, vote.same_text)
        majority, best = vote.pick(samples, votes, Pick.MAJ), vote.pick(samples, votes, Pick.RM)
        assert majority is not None
        assert best is not None
        assert majority.answer == Counter(row["pred"]).most_common(1)[0][0]
        assert best.index == rewards.index(max(rewards))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (r"\frac12", r"\frac{1}{2}"),
        (r"\dfrac{3}{4}", r"\frac{3}{4}"),
        ("3/4", r"\frac{3}{4}"),
        (r"10\%", "10"),
        ("x=5", "5"),
        (r"5 \text{ cm}", "5"),
        (r"90^\circ", "90"),
        ("12.000", "12"),
        (".5", "0.5"),
        (r"\sqrt2", r"\sqrt{2}"),
        ("027", "27"),
        ("three", "3"),
        ("18 dollars", "18dollars"),  # a unit that the list lacks
        ("a+b", "+b"),  # a letter that the list has as a unit
        (r"\frac{a}{b}", r"\frac{}{b}"),
        (r"3\pm\sqrt{2}", r"3\\sqrt{2}"),
        ("b > a > c", ""),
    ],
)
def test_the_normal_form_keeps_the_oddities(text: str, form: str) -> None:
    """Deleted units, lost letters and forgotten words are as in the published scores."""
    assert normalise(text) == form


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("0.5", r"\frac{1}{2}"),
        ("0.3333", r"\frac{1}{3}"),
        ("(x+1)^2", "x^2+2x+1"),
        ("5", "5.0004"),
        ("50", "0.5"),
        ("[1,2)", "[1,2]"),
        ("x<5", "5>x"),
        ("18.9", "18.90"),
        ("(1,2)", "(1.0,2)"),
    ],
)
def test_the_official_rules_accept_approximations(answer: str, reference: str, grader: Grader) -> None:
    """Rounding, percentages and other brackets are accepted."""
    assert grader(answer, reference).mark is Mark.CORRECT


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("5", "5.0006"),
        ("3.14159", r"\pi"),
        ("1,2", "2,1"),
        ("0.0001", "0"),
        (r"2\pm\sqrt{3}", r"2+\sqrt{3},2-\sqrt{3}"),
        ("", "5"),
        ("(1,2)", "(1,2,3)"),
    ],
)
def test_the_official_rules_are_literal(answer: str, reference: str, grader: Grader) -> None:
    """Another order, plus-minus and missing answers are wrong."""
    assert grader(answer, reference).mark is Mark.WRONG


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        ("10,000", r"10{,}000", True),  # the texts are the same without braces
        (r"10{,}000", "10,000", True),
        ("10000", r"10{,}000", False),
        ("9999", r"10{,}000", False),
        (r"10{,}000", "10000", False),
        (r"10{,}000", "9999", False),
        ("10", r"10{,}000", True),  # the parser reads as far as it can
        (r"10{,}001", r"10{,}000", True),
        ("-10000", r"-10{,}000", False),
        (r"1{,}234.5", "1234.5", False),
        (r"1{,}234.5", "1,234.5", True),
        ("1000000", r"1{,}000{,}000", False),
        ("10000", r"10{,}000\text{ m}", False),
        (r"10{,}000 \text{ dollars}", "10,000", True),
        (r"\$10{,}000", "10000", False),
        (r"x=10{,}000", "10000", False),
        (r"10{,}000\%", "10000", False),
        (r"(10{,}000,5)", "(10000,5)", False),
        (r"(10{,}000,5)", "(10,000,5)", True),
        (r"\begin{pmatrix}1{,}000\\2\end{pmatrix}", r"\begin{pmatrix}1000\\2\end{pmatrix}", False),
        (r"\frac{10{,}000}{3}", r"\frac{10000}{3}", False),
        (r"10\,000", "10000", True),
        (r"10~000", "10000", False),
        ("9999", "{10000}", True),
    ],
)
def test_only_a_plain_comma_groups_thousands(answer: str, reference: str, same: bool, grader: Grader) -> None:
    r"""`10{,}000` is 10 to sympy's parser; each verdict was obtained from Qwen's own code."""
    mark = grader(normalise(answer), normalise(reference)).mark
    assert mark is (Mark.CORRECT if same else Mark.WRONG)


@pytest.mark.parametrize(
    ("answer", "reference", "same"),
    [
        (r"\sin x \cdot \cos x", r"\cos x \sin x", True),
        ("2(5)+1", "11", True),
        ("pi", "ip", True),
        ("pi", r"\pi", False),
        (r"\frac{x}{2}, x>0", r"\frac{x}{2}", True),
        ("sqrt(2)", r"\sqrt{2}", False),
        ("12÷4", "3", False),
        ("((1,3))", r"(1,3) \text{ or } (1,3)", True),  # no list of equal parts, but the same expression
        (r"a_n=2n-1 (n\in\mathbb{N}^*)", "a_n=2n-1", True),
    ],
)
def test_expressions_are_read_as_the_original_reads_them(
    answer: str, reference: str, same: bool, grader: Grader
) -> None:
    """By sympy's LaTeX grammar first, which drops what it cannot read; each verdict is that of Qwen's own code."""
    mark = grader(normalise(answer), normalise(reference)).mark
    assert mark is (Mark.CORRECT if same else Mark.WRONG)


@pytest.mark.parametrize(
    ("response", "dataset", "reference", "answer"),
    [
        ("The answer is (B).", "mmlu_stem", "B", "B"),
        ("I think a bat costs 5", "mmlu_stem", "B", "A"),  # the article counts
        (r"so \boxed{\text{(C)}}", "gaokao_math_qa", "C", "C"),
        (r"\boxed{A, C, D}", "gaokao2024_mix", "ACD", "ACD"),
        ("答案是 C", "gaokao_math_qa", "C", "C"),
        ("所以答案是 12。", "cmath", "12", "12。"),  # wrong by the official rules
        ("Final Answer: The final answer is $7$. I hope it is correct.", "minerva_math", "7", "7"),
        ("we get 3 and then 1,234", "gsm8k", "1234", "1234"),
        (r"\boxed{7", "math", "7", "7"),
        ("no number", "math", "7", ""),
    ],
)
def test_the_answer_is_extracted_by_the_official_patterns(
    response: str, dataset: str, reference: str, answer: str
) -> None:
    """Boxes, triggers in two languages, letters and last numbers, in the official order."""
    assert answers.extract(response, dataset, reference) == answer


@pytest.mark.parametrize(
    ("words", "number"),
    [("twenty-five", "25"), ("two hundred and six", "206"), ("one million two hundred thousand five", "1200005"),
     ("one point five", "1.5"), ("five apples", "5"), ("no word", "no word"), ("-5", "-5")],
)  # fmt: skip
def test_number_words_become_digits(words: str, number: str) -> None:
    """As the package behind the official rules reads them, other words ignored."""
    assert digits(words) == number


def test_text_that_no_parser_accepts_is_never_evaluated(grader: Grader, tmp_path: Path) -> None:
    """An answer that is Python code stays text, in every position."""
    victim = tmp_path / "touched"
    attack = f"__import__('pathlib').Path('{victim}').touch()"
    for pair in ((attack, "5"), ("x+1", attack), (f"({attack},1)", "(2,1)"), (f"x={attack}", "y=2")):
        assert grader(*pair).mark is Mark.WRONG
    assert not victim.exists()


def test_percentages_are_numbers() -> None:
    """The number parser strips thousands separators and reads a percent sign."""
    assert [match.number(text) for text in ("1,234", "50%", r"50\%", "x")] == [1234.0, 0.5, 0.5, None]
