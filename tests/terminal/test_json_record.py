"""The records of a solve match the published schemas."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from qmath_cli.records import (
    Event,
    Expected,
    Finish,
    Language,
    Mode,
    ModelInfo,
    Output,
    Problem,
    ProgramFinished,
    ProgramRun,
    ProgramStarted,
    RunStatus,
    Sample,
    SampleFinished,
    Sampling,
    Solution,
    TextDelta,
    Usage,
    VoteGroup,
    Votes,
)
from qmath_cli.terminal.json_record import event_record, solution_record
from tests.terminal.schemas import schema, validate

MODEL = ModelInfo("7b-instruct:q4_k_m", Path("x.gguf"), "q4_k_m", "0" * 64)
RUN = ProgramRun("print(1)", Output("1", RunStatus.OK, 0.25))


def solution(finish: Finish, status: RunStatus = RunStatus.OK) -> Solution:
    """A solution that ended in this way, with everything set that can be null."""
    answer = "1" if finish is Finish.ANSWERED else None
    sample = Sample("text", answer, finish, (ProgramRun("x", Output("y", status, 1.0)),), Usage(1, 2, 3), 0.5)
    groups = (VoteGroup("1", 1, 0.5, (0,)),) if answer else ()
    expected = Expected("1", None) if answer else None
    votes = Votes(2, 1, groups)
    return Solution(
        Problem("p", Language.ZH), Mode.COT, answer, finish, (sample,), Sampling(), votes, expected=expected
    )


@pytest.mark.parametrize("finish", list(Finish))
@pytest.mark.parametrize("status", list(RunStatus))
def test_every_solution_fits_its_schema(finish: Finish, status: RunStatus) -> None:
    """Whatever the end of the solve and of its program; and it survives JSON."""
    record = solution_record(solution(finish, status), MODEL, 1.5)
    validate(json.loads(json.dumps(record, allow_nan=False)))


@pytest.mark.parametrize(
    "event",
    [
        TextDelta(0, "a"),
        ProgramStarted(1, "print(1)"),
        ProgramFinished(1, RUN),
        SampleFinished(Sample("t", None, Finish.OUT_OF_TOKENS, (RUN,))),
        solution(Finish.ANSWERED),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_event_fits_its_schema(event: Event) -> None:
    """One line of `--jsonl` per kind of event."""
    validate(event_record(event, MODEL))


def test_the_record_has_the_values_of_the_solution() -> None:
    """Names and values, spelled as the documentation spells them."""
    record = solution_record(solution(Finish.ANSWERED), MODEL, 1.5)
    assert list(record) == [
        "schema",
        "problem",
        "answer",
        "finish_reason",
        "mode",
        "language",
        "answer_language",
        "votes",
        "expected",
        "model",
        "sampling",
        "usage",
        "timing",
        "samples",
    ]
    assert record["model"] == {
        "name": "7b-instruct:q4_k_m",
        "file": "x.gguf",
        "sha256": "0" * 64,
        "quantization": "q4_k_m",
        "servers": [],
    }
    assert record["votes"] == {"k": 2, "sampled": 1, "groups": [{"answer": "1", "count": 1, "reward": 0.5}]}
    assert record["timing"]["load_s"] == 1.5
    assert record["samples"][0]["programs"] == [
        {"code": "x", "output": "y", "status": "ok", "seconds": 1.0, "error": ""}
    ]


def test_the_schemas_refuse_unknown_and_missing_fields() -> None:
    """So that a schema cannot fall behind the program."""
    record = solution_record(solution(Finish.ANSWERED), MODEL)
    for broken in ({**record, "new": 1}, {name: value for name, value in record.items() if name != "votes"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema("qmath.solve/1"))
