"""Solved problems to keep."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.history.entry import Solved
from qmath_cli.records import (
    Expected,
    Finish,
    Language,
    Mode,
    ModelInfo,
    Output,
    Pick,
    Problem,
    ProgramRun,
    RunStatus,
    Sample,
    Sampling,
    Solution,
    Timing,
    Usage,
    VoteGroup,
    Votes,
)

MODEL = ModelInfo("demo:q8_0", Path("demo.gguf"), "q8_0", "ab" * 32, "demo", embedded=True)


def solved(problem: str = "What is 1/2?", text: str = "It is half.", answer: str | None = r"\frac{1}{2}") -> Solved:
    """A problem with one sample."""
    finish = Finish.ANSWERED if answer is not None else Finish.NO_ANSWER
    votes = Votes(1, 1, (VoteGroup(answer, 1, None, (0,)),) if answer is not None else ())
    sample = Sample(text, answer, finish)
    return Solved(Solution(Problem(problem), Mode.COT, answer, finish, (sample,), Sampling(), votes), MODEL)


def everything() -> Solved:
    """A problem in which no field has its default."""
    run = ProgramRun("print(1/2)", Output("0.5\n数", RunStatus.ERROR, 0.25, "ValueError"))
    samples = tuple(
        Sample(f"Text {i}", "1", Finish.OUT_OF_TOKENS, (run,), Usage(3, 4, 5, 6), -1.5, i, 1) for i in (0, 1)
    )
    return Solved(
        Solution(
            Problem("这是什么?\ud800", Language.ZH, "id", "2"),
            Mode.TIR,
            "1",
            Finish.TIMEOUT,
            samples,
            Sampling(0.7, 0.8, 20, 0.1, 9, 512),
            Votes(4, 2, (VoteGroup("1", 2, -1.5, (0, 1)),)),
            Usage(6, 8, 10, 12),
            Timing(1.0, 2.0, 3.0, 4.0, 5.0),
            Expected("2", None),
        ),
        MODEL,
        Pick.RM_VOTE,
        (3, 4),
    )
