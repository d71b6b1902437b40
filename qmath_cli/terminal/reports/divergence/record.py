"""The report of `qmath compare` as one JSON object: divergences in nats, shares between 0 and 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from qmath_cli.benchmark.divergence.base_file import BaseHeader
from qmath_cli.evaluation.changed import ModelComparison

SCHEMA = "qmath.compare/1"


def record(base: BaseHeader, found: Sequence[ModelComparison], *, partial: bool = False) -> dict[str, object]:
    """`compare --json`: the base, the text, and the statistics of every model."""
    return {
        "schema": SCHEMA,
        "base": base.model,
        "text": base.source,
        "partial": partial,
        "models": [_model(one) for one in found],
    }


def _model(one: ModelComparison) -> dict[str, object]:
    return {
        "model": one.model,
        **_finite(asdict(one.divergence)),
        "kld_clustered": None if one.clustered is None else asdict(one.clustered),
        "kld_less_first": None if one.nearer is None else asdict(one.nearer),
        "answers": None if one.answers is None else asdict(one.answers),
    }


def _finite(values: dict[str, object]) -> dict[str, object]:
    """JSON has no NaN; the names of quantiles are text there."""
    changed: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            changed[key] = None
        elif isinstance(value, dict):
            changed[key] = _finite({str(name): one for name, one in value.items()})
        else:
            changed[key] = value
    return changed
