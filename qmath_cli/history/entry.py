"""What the history holds of a problem: its whole solution, what made it, and the problems that its prompt contained.

The codec of the column `record`. Reading what was written gives an equal solution, but for times, which are rounded.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any

from qmath_cli.records import (
    Expected,
    Finish,
    Language,
    Mode,
    ModelInfo,
    Pick,
    Problem,
    Sampling,
    Solution,
    Timing,
    Usage,
    VoteGroup,
    Votes,
)
from qmath_cli.solving.sample_record import field_of, record_of, sample_of, server_of, server_record

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Solved:
    """A solution with what made it.

    Attributes:
        solution: The solution.
        model: The model; None where nobody has written down which it was, as in a saved session.
        pick: How the sample that is shown was picked.
        earlier: The numbers of the problems that its prompt contained, the first one first.
        number: Its own number in the history; None if it is not there.
    """

    solution: Solution
    model: ModelInfo | None = None
    pick: Pick = Pick.MAJ
    earlier: tuple[int, ...] = ()
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the history; the time has a time zone."""

    number: int
    at: datetime
    problem: str
    answer: str | None
    finish: Finish
    mode: Mode
    language: Language
    model: str


def written(solved: Solved) -> str:
    """The column `record`: JSON in ASCII, so that any text can be stored, lone surrogates included."""
    solution = solved.solution
    record = {
        "problem": {
            "text": solution.problem.text,
            "language": str(solution.problem.language),
            "id": solution.problem.id,
            "reference": solution.problem.reference,
            "answer_language": solution.problem.answer_language,
        },
        "mode": str(solution.mode),
        "answer": solution.answer,
        "finish_reason": str(solution.finish),
        "samples": [record_of(sample) for sample in solution.samples],
        "sampling": asdict(solution.sampling),
        "votes": asdict(solution.votes),
        "usage": asdict(solution.usage),
        "timing": asdict(solution.timing),
        "expected": None if solution.expected is None else asdict(solution.expected),
        "pick": str(solved.pick),
        "earlier": list(solved.earlier),
        "model": None if solved.model is None else _model(solved.model),
    }
    return json.dumps(record)


def read(text: str, number: int) -> Solved:
    """What `written` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is no such record.
    """
    record: Record = json.loads(text)
    model = field_of(record, "model", dict, NoneType)
    return Solved(
        _solution(record),
        None if model is None else _model_of(model),
        Pick(record["pick"]),
        tuple(int(one) for one in record["earlier"]),
        number,
    )


def numbered(solved: Solved, number: int | None) -> Solved:
    """The same with its number."""
    return replace(solved, number=number)


def _model(model: ModelInfo) -> Record:
    return {
        "name": model.name,
        "path": str(model.path),
        "quantization": model.quantization,
        "sha256": model.sha256,
        "base_name": model.base_name,
        "embedded": model.embedded,
        "servers": [server_record(one) for one in model.servers],
    }


def _model_of(record: Record) -> ModelInfo:
    servers = tuple(server_of(one) for one in record.get("servers", ()))  # absent in entries of earlier versions
    return ModelInfo(**{**record, "path": Path(record["path"]), "servers": servers})


def _solution(record: Record) -> Solution:
    expected = field_of(record, "expected", dict, NoneType)
    problem = field_of(record, "problem", dict)
    asked_in = Language(problem["answer_language"]) if problem.get("answer_language") else None
    votes = field_of(record, "votes", dict)
    groups = tuple(VoteGroup(**{**one, "members": tuple(one["members"])}) for one in votes["groups"])
    return Solution(
        problem=Problem(**{**problem, "language": Language(problem["language"]), "answer_language": asked_in}),
        mode=Mode(record["mode"]),
        answer=field_of(record, "answer", str, NoneType),
        finish=Finish(record["finish_reason"]),
        samples=tuple(sample_of(one) for one in field_of(record, "samples", list)),
        sampling=Sampling(**field_of(record, "sampling", dict)),
        votes=Votes(int(votes["k"]), int(votes["sampled"]), groups),
        usage=Usage(**field_of(record, "usage", dict)),
        timing=Timing(**field_of(record, "timing", dict)),
        expected=None if expected is None else Expected(**expected),
    )
