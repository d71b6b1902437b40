"""The grader gives a verdict on any answer, from any thread, and leaves no process behind."""

import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mark, Verdict
from qmath_cli.settings import Grade

LATEX = [r"\frac", r"\sqrt", "{", "}", "^", "_", r"\pm", "(", ")", "[", "]", r"\{", r"\}", ",", ";", ":", "=", "<",
         r"\le", "1", "2", "x", "y", r"\pi", r"\infty", r"\cup", r"\text{", "元", "，", "\\\\", "&", r"\begin{pmatrix}",
         r"\end{pmatrix}", "%", "|", "!", ".", " ", "\x1b[31m", "\x00", "'", '"', "答案是", "A", "or"]  # fmt: skip


#: An integral on which sympy works for more than a minute.
ENDLESS = r"\int_0^1 \frac{\arctan x^2 \ln(1+x)}{1+x^7}dx"


@pytest.fixture(scope="module", params=list(Grade))
def grader(request: pytest.FixtureRequest) -> Iterator[Grader]:
    """A warm grader of each kind."""
    with Grader(request.param, limit=1.0) as one:
        yield one


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answer=st.lists(st.sampled_from(LATEX), max_size=14).map("".join), reference=st.sampled_from(["5", "x^2", "(1,2)"])
)
def test_no_answer_breaks_the_grader(answer: str, reference: str, grader: Grader) -> None:
    """Shuffled LaTeX, control characters and Chinese give a verdict, never an exception."""
    assert isinstance(grader(answer, reference), Verdict)
    assert isinstance(grader(reference, answer), Verdict)


@pytest.mark.parametrize(
    "answer",
    [
        ENDLESS,
        "9^{9^{9^9}}",
        "(10^{10})!",
        r"\frac{1}{" * 300 + "2" + "}" * 300,
        r"\frac{1}{" * 3000,
        "x" * 10_000,
        "(" * 3000,
        "\ud800",
        "\x00\x1b]0;title\x07",
    ],
    ids=[
        "integral",
        "tower",
        "factorial",
        "nested",
        "ten thousand characters",
        "one long word",
        "brackets",
        "surrogate",
        "control",
    ],
)
def test_a_hostile_answer_affects_its_own_verdict_only(answer: str, grader: Grader) -> None:
    """The pair is not correct, and the next pair is graded as usual."""
    assert grader(answer, "5").mark is not Mark.CORRECT
    assert grader("x=5", "5").mark is Mark.CORRECT


def test_the_same_text_is_correct_however_hostile(grader: Grader) -> None:
    """Equality of texts needs no algebra."""
    assert grader("9^{9^{9^9}}", "9^{9^{9^9}}").mark is Mark.CORRECT


def test_a_pair_over_its_limit_is_undecided_and_not_wrong() -> None:
    """The strict grader names the limit."""
    with Grader(Grade.STRICT, limit=0.5) as one:
        verdict = one(ENDLESS, "5")
    assert (verdict.mark, verdict.why) == (Mark.UNDECIDED, "no verdict within 0.5 s")


def test_many_threads_share_one_grader(grader: Grader) -> None:
    """Answers do not cross between threads."""
    marks: dict[int, Mark] = {}

    def ask(number: int) -> None:
        marks[number] = grader(f"{number}+1", str(number + 1 + number % 2)).mark

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert marks == {number: (Mark.WRONG if number % 2 else Mark.CORRECT) for number in range(1, 21)}


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="children are listed by /proc only on Linux")
def test_no_process_is_left_behind() -> None:
    """After `close` the child is gone and reaped."""
    before = children()
    with Grader(Grade.STRICT) as one:
        one("x+x", "2x")
        assert len(children() - before) == 1
    assert children() == before


def children() -> set[str]:
    """The process ids of this process's children."""
    found: set[str] = set()
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children", encoding="ascii") as stream:
            found.update(stream.read().split())
    return found
