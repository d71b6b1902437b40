"""Samples as JSON and back: the one codec of stored runs, saved sessions and `--json`.

A record holds everything of a sample, so that reading what was written gives an equal `Sample`. Times are seconds,
rounded to a millisecond. What a stored run or session holds around its samples is theirs to write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import NoneType
from typing import Any

from qmath_cli.records import Finish, Output, ProgramRun, RunStatus, Sample, ServerInfo, ServerKind, StepScore, Usage

Record = dict[str, Any]


def record_of(sample: Sample) -> Record:
    """A sample as a JSON object."""
    return {
        "index": sample.index,
        "text": sample.text,
        "answer": sample.answer,
        "finish_reason": str(sample.finish),
        "programs": [program_record(run) for run in sample.runs],
        "unrun_programs": sample.unrun_programs,
        "usage": asdict(sample.usage),
        "reward": sample.reward,
        **({} if sample.steps is None else {"steps": [asdict(step) for step in sample.steps]}),
    }


def program_record(run: ProgramRun) -> Record:
    """A program that ran, as a JSON object."""
    return {
        "code": run.code,
        "output": run.output.text,
        "status": str(run.output.status),
        "seconds": round(run.output.seconds, 3),
        "error": run.output.error,
    }


def server_record(server: ServerInfo) -> Record:
    """A server as a JSON object; what it does not tell is null."""
    return {
        "address": server.address,
        "kind": str(server.kind),
        "version": server.version or None,
        "model": server.model,
        "context": server.context or None,
        "deterministic": server.deterministic,
    }


def server_of(record: Mapping[str, Any]) -> ServerInfo:
    """The server that `server_record` wrote. Raises as `sample_of`."""
    return ServerInfo(
        address=field_of(record, "address", str),
        kind=ServerKind(record["kind"]),
        version=field_of(record, "version", str, NoneType) or "",
        model=field_of(record, "model", str),
        context=field_of(record, "context", int, NoneType) or 0,
        deterministic=field_of(record, "deterministic", bool),
    )


def sample_of(record: Mapping[str, Any]) -> Sample:
    """The sample that `record_of` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is no such record.
    """
    usage = field_of(record, "usage", dict)
    return Sample(
        text=field_of(record, "text", str),
        answer=field_of(record, "answer", str, NoneType),
        finish=Finish(record["finish_reason"]),
        runs=tuple(_run_of(one) for one in field_of(record, "programs", list)),
        usage=Usage(**{name: field_of(usage, name, int) for name in usage}),
        reward=field_of(record, "reward", float, int, NoneType),
        index=field_of(record, "index", int),
        unrun_programs=field_of(record, "unrun_programs", int),
        steps=tuple(_step_of(one) for one in field_of(record, "steps", list)) if "steps" in record else None,
    )


def field_of(record: Mapping[str, Any], name: str, *kinds: type) -> Any:  # noqa: ANN401  one of `kinds`
    """A field's value. Raises `KeyError` where it is missing, `TypeError` where it is of none of these types."""
    value = record[name]
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is {value!r}")
    return value


def _step_of(record: Mapping[str, Any]) -> StepScore:
    return StepScore(field_of(record, "text", str), field_of(record, "score", float, int))


def _run_of(record: Mapping[str, Any]) -> ProgramRun:
    text, error = field_of(record, "output", str), field_of(record, "error", str)
    output = Output(text, RunStatus(record["status"]), field_of(record, "seconds", float, int), error)
    return ProgramRun(field_of(record, "code", str), output)
