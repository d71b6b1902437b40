"""The grader gives a verdict on any answer, from any thread, and leaves no process behind."""

import os
import signal
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmath_cli.grading.child import judge
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


def test_exact_refuses_a_rounded_value() -> None:
    """Under the strict rules; what is equal without rounding stays equal."""
    with Grader(Grade.STRICT) as usual, Grader(Grade.STRICT, exact=True) as exact:
        assert usual("1/3", "0.333").mark is Mark.CORRECT
        assert exact("1/3", "0.333").mark is Mark.WRONG
        assert exact("1/4", "0.25").mark is Mark.CORRECT


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (TypeError("unsupported operand type(s) for -"), "the answers could not be compared: an internal error"),
        (AssertionError(), "the answers could not be compared: an internal error"),
        (RecursionError("maximum recursion depth exceeded"), "an answer is nested too deeply"),
        (MemoryError(), "the comparison needs more memory than it may use"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_the_reason_of_a_failure_is_for_people(error: Exception, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No text of a Python exception is in it."""

    def fail(*_: str) -> Verdict:
        raise error

    monkeypatch.setattr("qmath_cli.grading.strict.verdict.compare", fail)
    assert judge(Grade.STRICT, "1", "2") == Verdict(Mark.UNDECIDED, "failure", why)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send itself a Ctrl-C")
def test_an_interrupted_pair_leaves_nothing_to_the_next() -> None:
    """After Ctrl-C in the middle of a pair, the next pair gets a verdict of its own."""
    with Grader(Grade.STRICT, limit=1.0) as one:
        one("x+x", "2x")
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            one(ENDLESS, "5")
        assert one("x+x", "2x").mark is Mark.CORRECT


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL exists on POSIX only")
def test_a_child_that_died_between_two_pairs_costs_no_verdict() -> None:
    """As when the system kills it for its memory."""
    with Grader(Grade.STRICT) as one:
        one("x+x", "2x")
        assert one._child is not None
        one._child._process.kill()
        one._child._process.wait()
        assert one("x+x+x", "3x").mark is Mark.CORRECT


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
