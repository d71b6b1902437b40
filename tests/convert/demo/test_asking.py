"""Many problems at once on the embedded demo."""

from __future__ import annotations

from pathlib import Path

from convert.demo.asking import Question, ask, attempts_on
from convert.demo.score import table
from qmath_cli.records import Mode, Sampling

DEMO = Path(__file__).parents[3] / "qmath_cli" / "demo" / "demo-q8_0.gguf"


def test_every_question_has_one_sample_per_sampling_with_a_program_that_ran() -> None:
    """There are more attempts than slots, and none is lost."""
    questions = [
        Question("Find the roots of x^2 - 5x + 6 = 0.", "2, 3", "quadratic equations", "en"),
        Question("求方程 x^2 - 5x + 6 = 0 的根。", "2, 3", "quadratic equations", "zh"),
        Question("What is 17 * 23?", "391", "integers", "en"),
    ]
    samplings = [Sampling(max_tokens=400), Sampling(max_tokens=400, seed=1)]
    with attempts_on(DEMO, slots=3, threads=1) as attempts:
        found = list(ask(attempts, questions, Mode.TIR, samplings, slots=3))
    assert sorted((place, sample.index) for place, sample in found) == [(p, i) for p in range(3) for i in range(2)]
    assert all(sample.answer == questions[place].answer for place, sample in found)
    assert all(len(sample.runs) == 1 for _, sample in found)


def test_the_table_counts_kinds_and_languages() -> None:
    """Shares by kind, by language and in all."""
    questions = [Question("a", "1", "gcd", "en"), Question("b", "1", "gcd", "zh"), Question("c", "1", "lcm", "zh")]
    rows = table(questions, [True, False, True])
    assert rows[2:] == [
        "| gcd | 2 | 100.0% | 0.0% | 50.0% |",
        "| lcm | 1 |  | 100.0% | 100.0% |",
        "| all | 3 | 100.0% | 50.0% | 66.7% |",
    ]
