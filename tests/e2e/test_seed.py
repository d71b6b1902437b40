"""A seed gives the same eight texts again, with their programs."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.run import answer_record, qmath

ARGUMENTS = ("-k", "8", "--temperature", "1.6", "--stop-at", "0", "--json")
PROBLEM = "Find the eigenvalues of [[2,1],[1,3]]."


def texts(home: Path, seed: int) -> list[str]:
    done = qmath(home, "solve", PROBLEM, *ARGUMENTS, "--seed", str(seed))
    return [sample["text"] for sample in answer_record(done)["samples"]]


def test_the_same_seed_gives_the_same_eight_texts(tmp_path: Path) -> None:
    """The time that their programs take makes no difference; another seed gives other texts."""
    first = texts(tmp_path, 5)
    assert texts(tmp_path, 5) == first
    assert len(set(first)) > 1
    assert texts(tmp_path, 500) != first
