"""What the status line says while a batch runs."""

from __future__ import annotations

from qmath_cli.records import TextDelta
from qmath_cli.records.activity import Idle, Loading
from qmath_cli.terminal.reports.batch import BatchProgress


def test_before_the_first_token_it_says_what_the_wait_is_for() -> None:
    """With the number of problems, so that a wrong file is seen early."""
    progress = BatchProgress(3)
    progress.activity(Loading("models/x.gguf", 0.25))
    assert progress.text() == "0/3 problems · loading 25% · x.gguf"


def test_tokens_count_before_any_problem_is_finished() -> None:
    """They come from all problems."""
    progress = BatchProgress(3)
    progress.activity(Idle())
    for sample in (0, 1):
        progress.tick(TextDelta(sample, "a"))
    assert progress.text().startswith("0/3 problems · 2 tokens")


def test_a_solution_does_not_end_it() -> None:
    """There are more problems."""
    progress = BatchProgress(3)
    progress.tick(TextDelta(0, "a"))
    progress.solved()
    assert progress.text().startswith("1/3 problems")
