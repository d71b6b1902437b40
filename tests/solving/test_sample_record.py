"""Samples as JSON: what was written is read again, and nothing else is read."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.records import Finish, Output, ProgramRun, RunStatus, Sample, StepScore, Usage
from qmath_cli.solving.sample_record import program_record, record_of, sample_of

COUNTS = st.integers(0, 1 << 40)
OUTPUTS = st.builds(
    Output,
    text=st.text(),
    status=st.sampled_from(RunStatus),
    seconds=st.integers(0, 10**7).map(lambda milliseconds: milliseconds / 1000),
    error=st.text(),
)
SAMPLES = st.builds(
    Sample,
    text=st.text(),
    answer=st.none() | st.text(),
    finish=st.sampled_from(Finish),
    runs=st.lists(st.builds(ProgramRun, code=st.text(), output=OUTPUTS), max_size=3).map(tuple),
    usage=st.builds(Usage, *[COUNTS] * len(fields(Usage))),
    reward=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    index=COUNTS,
    unrun_programs=COUNTS,
    steps=st.none() | st.lists(st.builds(StepScore, text=st.text(), score=st.floats(0, 1)), max_size=3).map(tuple),
)
SAMPLE = Sample("t", "1", Finish.ANSWERED, (ProgramRun("c", Output("o", RunStatus.OK, 0.5, "")),), Usage(1, 2, 3, 4))


@given(SAMPLES)
def test_a_sample_comes_back_from_json_as_it_was(sample: Sample) -> None:
    """Every field of it, through the text of a file."""
    assert sample_of(json.loads(json.dumps(record_of(sample)))) == sample


def test_a_record_has_every_field_of_a_sample() -> None:
    """A new field that is not written would be lost without an error."""
    scored = replace(SAMPLE, steps=(StepScore("t", 0.5),))
    assert len(record_of(scored)) == len(fields(Sample)) == len(record_of(SAMPLE)) + 1
    assert len(program_record(SAMPLE.runs[0])) == len(fields(ProgramRun)) - 1 + len(fields(Output))
    assert len(record_of(SAMPLE)["usage"]) == len(fields(Usage))


def test_seconds_are_rounded_to_milliseconds() -> None:
    assert program_record(ProgramRun("c", Output("o", RunStatus.OK, 0.12345)))["seconds"] == 0.123


@pytest.mark.parametrize("name", record_of(SAMPLE))
def test_a_record_without_one_of_its_fields_is_refused(name: str) -> None:
    record = record_of(SAMPLE)
    del record[name]
    with pytest.raises(KeyError):
        sample_of(record)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", None),
        ("answer", 5),
        ("finish_reason", "finished"),
        ("programs", {}),
        ("programs", [{}]),
        ("programs", [{**program_record(SAMPLE.runs[0]), "status": "fine"}]),
        ("programs", [{**program_record(SAMPLE.runs[0]), "output": None}]),
        ("programs", [{**program_record(SAMPLE.runs[0]), "seconds": "long"}]),
        ("unrun_programs", None),
        ("usage", None),
        ("usage", {"prompt_tokens": None}),
        ("usage", {"tokens": 1}),
        ("reward", "high"),
        ("index", "0"),
    ],
)
def test_a_record_with_a_wrong_value_is_refused(name: str, value: Any) -> None:
    """Where it is read, and not where the value is used."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        sample_of({**record_of(SAMPLE), name: value})
