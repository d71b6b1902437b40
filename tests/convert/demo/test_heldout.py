"""The embedded held-out problems."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from convert.demo.heldout import problems
from convert.demo.problems import KINDS
from convert.demo.solutions import is_held_out

EMBEDDED = Path(__file__).parents[3] / "qmath_cli" / "demo" / "heldout.jsonl"


def test_the_embedded_problems_are_held_out_distinct_and_balanced() -> None:
    """None is in the training data, and every kind is equally often in both languages, up to one."""
    rows = [json.loads(line) for line in EMBEDDED.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len({row["problem"] for row in rows}) == 1000
    assert all(is_held_out(row["problem"]) for row in rows)
    counts = Counter((row["kind"], row["language"]) for row in rows)
    assert len(counts) == 2 * len(KINDS)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_embedded_problems_are_those_that_the_script_writes() -> None:
    """The script gives the same first rows again."""
    lines = EMBEDDED.read_text(encoding="utf-8").splitlines()
    for line, (kind, language, draft) in zip(lines, problems(120), strict=False):
        row = {"problem": draft.problem, "answer": draft.answer, "kind": kind, "language": language.value}
        assert json.loads(line) == row
