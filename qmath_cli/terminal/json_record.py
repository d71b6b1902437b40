"""Records as JSON: `solve --json` prints one object, `--jsonl` one object per event.

The JSON Schemas are in the folder `schemas`. A value that is unknown is null.
"""

from __future__ import annotations

from typing import Any

from qmath_cli.records import (
    Event,
    Expected,
    ModelInfo,
    ProgramFinished,
    ProgramStarted,
    SampleFinished,
    Sampling,
    ServerInfo,
    ShapeDecision,
    Solution,
    TextDelta,
    Timing,
    Votes,
)
from qmath_cli.solving.sample_record import program_record, record_of, server_record

SOLVE = "qmath.solve/1"
EVENT = "qmath.event/1"

Record = dict[str, Any]


def solution_record(
    solution: Solution,
    model: ModelInfo,
    load_s: float = 0.0,
    scorer: ServerInfo | None = None,
    shape: ShapeDecision | None = None,
) -> Record:
    """A solution as `qmath.solve/1`.

    Args:
        solution: The solution.
        model: The model that produced it.
        load_s: Seconds that loading the model took, for a solution that does not record them.
        scorer: The server that scored the samples; None for none.
        shape: How samples were computed on this machine; None where that is not known.

    Returns:
        The object, ready for `json.dumps`.
    """
    return {
        "schema": SOLVE,
        "problem": solution.problem.text,
        "answer": solution.answer,
        "finish_reason": str(solution.finish),
        "mode": str(solution.mode),
        "language": str(solution.problem.language),
        "answer_language": solution.problem.answer_language,
        "votes": _votes(solution.votes),
        "expected": _expected(solution.expected),
        "model": _model(model),
        **({} if scorer is None else {"reward_server": server_record(scorer)}),
        **({} if shape is None else {"shape": shape.record()}),
        "sampling": _sampling(solution.sampling),
        "usage": {
            "prompt_tokens": solution.usage.prompt_tokens,
            "completion_tokens": solution.usage.completion_tokens,
            "prefilled_tokens": solution.usage.prefilled_tokens,
            "cached_tokens": solution.usage.cached_tokens,
            "drafted_tokens": solution.usage.drafted_tokens,
            "accepted_tokens": solution.usage.accepted_tokens,
            "draft_gain": round(solution.usage.draft_gain, 3),
        },
        "timing": _timing(solution.timing, load_s),
        "samples": [record_of(sample) for sample in solution.samples],
    }


def event_record(
    event: Event,
    model: ModelInfo,
    load_s: float = 0.0,
    scorer: ServerInfo | None = None,
    shape: ShapeDecision | None = None,
) -> Record:
    """An event as `qmath.event/1`; the last one holds the whole solution. Arguments as for `solution_record`."""
    match event:
        case TextDelta():
            return _event("text", sample=event.sample, text=event.text)
        case ProgramStarted():
            return _event("program_started", sample=event.sample, code=event.code)
        case ProgramFinished():
            return _event("program_finished", sample=event.sample, program=program_record(event.run))
        case SampleFinished():
            return _event("sample_finished", sample=event.sample.index, result=record_of(event.sample))
        case Solution():
            return _event("solution", solution=solution_record(event, model, load_s, scorer, shape))


def _event(name: str, **fields: object) -> Record:
    return {"schema": EVENT, "event": name, **fields}


def _votes(votes: Votes) -> Record:
    groups = [{"answer": group.answer, "count": group.count, "reward": group.reward} for group in votes.groups]
    return {"k": votes.k, "sampled": votes.sampled, "groups": groups}


def _expected(expected: Expected | None) -> Record | None:
    return None if expected is None else {"answer": expected.answer, "equal": expected.equal}


def _model(model: ModelInfo) -> Record:
    return {
        "name": model.name,
        "file": None if model.servers else str(model.path),
        "sha256": model.sha256 or None,
        "quantization": model.quantization or None,
        "servers": [server_record(one) for one in model.servers],
    }


def _sampling(sampling: Sampling) -> Record:
    return {
        "seed": sampling.seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "max_tokens": sampling.max_tokens,
    }


def _timing(timing: Timing, load_s: float) -> Record:
    return {
        "load_s": round(timing.load_s or load_s, 3),
        "first_token_s": round(timing.first_token_s, 3),
        "prefill_tps": round(timing.prefill_tps, 2),
        "decode_tps": round(timing.decode_tps, 2),
        "total_s": round(timing.total_s, 3),
    }
