"""The report of an evaluation as the object of `eval --json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.evaluation.statistics import mcnemar
from qmath_cli.solving.sample_record import server_record
from qmath_cli.terminal.reports.evaluation import failures
from qmath_cli.terminal.reports.evaluation.figures import aligned, name_of, pairs

SCHEMA = "qmath.eval/1"


def record(data: Dataset, runs: Sequence[ScoredRun], *, partial: bool = False) -> dict[str, Any]:
    """The report as `qmath.eval/1`: one run as a flat object, several runs as a list with paired differences."""
    if len(runs) == 1:
        return {"schema": SCHEMA, "partial": partial, **_record(data, runs[0])}
    return {
        "schema": SCHEMA,
        "partial": partial,
        "runs": [_record(data, one) for one in runs],
        "paired": [
            {"first": name_of(a), "second": name_of(b), **asdict(mcnemar(*aligned(a, b)))}
            for a, b in pairs([run.score for run in runs])
        ],
    }


def _record(data: Dataset, run: ScoredRun) -> dict[str, Any]:
    one = run.score
    any_finished = one.items > 0
    return {
        "data": one.data,
        "items": one.items,
        "k": one.k,
        "accuracy": one.accuracy if any_finished else None,
        "ci95": list(one.ci95) if any_finished else None,
        "pass": _by_size(one.passed, any_finished=any_finished),
        "maj": _by_size(one.maj, any_finished=any_finished),
        "rm": _by_size(one.rm, any_finished=any_finished),
        "rm_vote": _by_size(one.rm_vote, any_finished=any_finished),
        "prm": _by_size(one.prm, any_finished=any_finished),
        "prm_vote": _by_size(one.prm_vote, any_finished=any_finished),
        "grade": str(one.grade),
        **asdict(one.rates),
        "failed": [item.id for item in failures.failed(data, one)],
        "model": one.setup.model if one.setup else None,
        "quantization": one.setup.quantization if one.setup else None,
        "mode": str(one.setup.mode) if one.setup else None,
        "servers": [server_record(server) for server in one.setup.servers] if one.setup else [],
        "sampling": asdict(one.setup.sampling) if one.setup else None,
        "run": one.setup.key if one.setup else None,
        "records": str(run.records) if run.records is not None else None,
        "shape": run.shape.record() if run.shape is not None else None,
        "subjects": [asdict(part) for part in one.subjects],
        "levels": [asdict(part) for part in one.levels],
        "published": {str(published.method): published.accuracy for published in one.published},
        "remarks": list(one.remarks),
    }


def _by_size(shares: Mapping[int, float], *, any_finished: bool) -> dict[str, float]:
    """Shares by the number of samples; none where no problem is finished."""
    return {str(size): share for size, share in shares.items()} if any_finished else {}
