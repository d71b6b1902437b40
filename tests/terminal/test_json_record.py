"""What `--json` prints is what the published schemas say."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qmath_cli.doctor import CheckResult, Status
from qmath_cli.records import (
    Event,
    Expected,
    Finish,
    Language,
    Mode,
    ModelFile,
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

MODEL = ModelFile("7b-instruct:q4_k_m", Path("x.gguf"), "q4_k_m", "0" * 64)
RUN = ProgramRun("print(1)", Output("1", RunStatus.OK, 0.25))


def schema(name: str) -> dict[str, Any]:
    """A schema from the package."""
    folder = resources.files("qmath_cli.terminal") / "schemas"
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


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
    jsonschema.validate(json.loads(json.dumps(record, allow_nan=False)), schema("qmath.solve-1"))


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
    jsonschema.validate(event_record(event, MODEL), schema("qmath.event-1"))


def test_the_record_says_what_the_solution_says() -> None:
    """Names and values, spelled as the documentation spells them."""
    record = solution_record(solution(Finish.ANSWERED), MODEL, 1.5)
    assert list(record) == [
        "schema",
        "problem",
        "answer",
        "finish_reason",
        "mode",
        "language",
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
    }
    assert record["votes"] == {"k": 2, "sampled": 1, "groups": [{"answer": "1", "count": 1, "reward": 0.5}]}
    assert record["timing"]["load_s"] == 1.5
    assert record["samples"][0]["programs"] == [{"code": "x", "output": "y", "status": "ok", "seconds": 1.0}]


def test_the_schemas_refuse_what_they_do_not_know() -> None:
    """A field that is missing or too many is an error, so that the documentation cannot fall behind."""
    record = solution_record(solution(Finish.ANSWERED), MODEL)
    for broken in ({**record, "new": 1}, {name: value for name, value in record.items() if name != "votes"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema("qmath.solve-1"))


def test_findings_and_errors_have_schemas() -> None:
    """`doctor --json`, and what any command prints under `--json` when it fails."""
    checks = [asdict(CheckResult("python", Status.OK, "3.11"))]
    jsonschema.validate({"schema": "qmath.doctor/1", "ok": True, "checks": checks}, schema("qmath.doctor-1"))
    jsonschema.validate({"error": {"code": 6, "message": "m", "hint": ""}}, schema("qmath.error-1"))
