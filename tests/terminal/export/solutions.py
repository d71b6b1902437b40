"""Solutions to export."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.history.entry import Solved
from qmath_cli.records import (
    Finish,
    Language,
    Mode,
    ModelInfo,
    Problem,
    Sample,
    Sampling,
    Solution,
    Usage,
    VoteGroup,
    Votes,
)
from qmath_cli.terminal.export import export

MODEL = ModelInfo("demo:q8_0", Path("demo.gguf"), "q8_0")


def solution(
    problem: str = "What is \\(\\frac{1}{2}\\)?",
    text: str = "It is \\(\\frac{1}{2}\\).",
    answer: str | None = r"\frac{1}{2}",
    language: Language = Language.EN,
) -> Solution:
    """A solution with one sample."""
    sample = Sample(text, answer, Finish.ANSWERED if answer else Finish.NO_ANSWER)
    votes = Votes(1, 1, (VoteGroup(answer, 1, None, (0,)),) if answer else ())
    given = Problem(problem, language)
    return Solution(given, Mode.TIR, answer, sample.finish, (sample,), Sampling(), votes, Usage(1, 2, 3))


def exported(found: Solution, folder: Path, suffix: str) -> str:
    """The text of a solution's document."""
    path = folder / f"solution{suffix}"
    export([Solved(found, MODEL)], path, overwrite=True)
    return path.read_text(encoding="utf-8")
