"""Reads recorded responses, which `eval --from` grades without running a model.

The format is that of the output files of the Qwen2.5-Math evaluation: one JSON object per problem, with the problem in
`question` or `problem`, the responses as a list of texts in `code`, `response` or `responses`, the expected answer in
`gt_cot`, `solution`, `answer` or `expected`, and rewards, where known, in `pred_score`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError
from qmath_cli.evaluation import datasets, lines
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.fields import FieldError
from qmath_cli.evaluation.layouts import LAYOUTS
from qmath_cli.evaluation.records import ItemSample
from qmath_cli.grading.extract import last_boxed
from qmath_cli.records import Finish, Sample


def read(path: Path, *, skip_bad: bool = False) -> tuple[Dataset, list[ItemSample], int]:
    """Read a file of responses.

    Args:
        path: A JSONL file.
        skip_bad: Skip damaged lines; the data set counts them.

    Returns:
        The problems, their samples, and the number of samples that every problem has at least.

    Raises:
        DataError: The file cannot be read, a problem has no responses, or a line is damaged and `skip_bad` is false.
    """
    layout = LAYOUTS["math_responses" if _has_solutions(path) else "plain"]
    data, rows = datasets.load_rows(path.stem, path, layout, skip_bad=skip_bad)
    samples: list[ItemSample] = []
    counts: list[int] = []
    for item, row in zip(data.items, rows, strict=True):
        texts = row.get("code") or row.get("response") or row.get("responses")
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise DataError(
                f"{path}: problem {item.label} is without responses",
                "each line needs a list of texts `code` or `response`; or the file is a run of qmath eval",
            )
        rewards = row.get("pred_score")  # one number, or a list of one number, per response
        if rewards is not None and not _are_rewards(rewards, len(texts)):
            raise DataError(f"{path}: problem {item.label}: `pred_score` is not one number per response")
        samples += [ItemSample(item.id, _sample(text, i, row)) for i, text in enumerate(texts)]
        counts.append(len(texts))
    return data, samples, min(counts)


def _sample(text: str, index: int, row: Mapping[str, Any]) -> Sample:
    answer = last_boxed(text)
    finish = Finish.NO_ANSWER if answer is None else Finish.ANSWERED
    rewards = row.get("pred_score")
    reward = rewards[index] if rewards else None
    return Sample(text, answer, finish, reward=reward[0] if isinstance(reward, list) else reward, index=index)


def _are_rewards(found: object, count: int) -> bool:
    """Whether these are numbers, or lists of one number, for so many responses; an empty list is none."""
    if not isinstance(found, list) or len(found) not in (0, count):
        return False
    single = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in found]
    return all(isinstance(one, int | float) and math.isfinite(one) for one in single)


def _has_solutions(path: Path) -> bool:
    """Whether the first line that can be read has a worked solution."""
    for _, line in lines.numbered(lines.read(path)):
        with suppress(FieldError):
            first = lines.row(line)
            return bool(first.get("gt_cot") or first.get("solution"))
    return False
