"""Recorded responses as an evaluation: `eval --from` grades what some model wrote somewhere else.

Reads the layout of the Qwen2.5-Math evaluation's output files (`question`, `code` or `response` as a list of texts, the
expected answer in `gt_cot`, `solution`, `answer` or `gt`, rewards in `pred_score`), and runs stored by this program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.records import Done
from qmath_cli.grading.extract import last_boxed
from qmath_cli.records import Finish, Sample


def read(path: Path, *, skip_bad: bool = False) -> tuple[Dataset, list[Done], int]:
    """Problems, samples, and how many samples every problem has at least.

    Raises `DataError` for a file without responses, and for a damaged line unless `skip_bad`.
    """
    layout = "math_responses" if _has_solutions(path) else "plain"
    data, rows = datasets.load_rows(path.stem, path, layout, skip_bad=skip_bad)
    stored: list[Done] = []
    fewest = 0
    for item, row in zip(data.items, rows, strict=True):
        texts = row.get("code") or row.get("response") or row.get("responses")
        if not isinstance(texts, list) or not texts:
            raise DataError(f"{path}: a problem without responses", "each line needs a list `code` or `response`")
        stored += [Done(item.id, _sample(text, i, row)) for i, text in enumerate(texts)]
        fewest = min(fewest or len(texts), len(texts))
    return data, stored, fewest


def _sample(text: str, index: int, row: Mapping[str, Any]) -> Sample:
    answer = last_boxed(text)
    finish = Finish.NO_ANSWER if answer is None else Finish.ANSWERED
    rewards = row.get("pred_score")
    reward = rewards[index] if rewards else None
    return Sample(text, answer, finish, reward=reward[0] if isinstance(reward, list) else reward, index=index)


def _has_solutions(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8") as stream:
            first = json.loads(next(line for line in stream if line.strip()))
    except (OSError, ValueError, StopIteration) as exc:
        raise DataError(f"cannot read responses from {path}: {exc}") from exc
    return isinstance(first, dict) and bool(first.get("gt_cot") or first.get("solution"))
