"""The held-out text as problems: more of them go on where fewer ended, and each has an answer to compare with."""

from __future__ import annotations

from qmath_cli.prompting import chat
from qmath_cli.runtime import held_out


def test_more_problems_go_on_with_the_same_run() -> None:
    """Their answers are stored by id, in a run that is known by the text's hash."""
    few, many = held_out.problems(12), held_out.problems(40)
    assert many.items[:12] == few.items
    assert many.sha256 == few.sha256
    assert len({item.id for item in many.items}) == 40


def test_proofs_are_read_and_not_asked() -> None:
    """A problem without an answer cannot be right or wrong."""
    kinds = {item.subject for item, _ in held_out.written_solutions(60)}
    assert kinds - {item.subject for item in held_out.problems(60).items} == {"squares"}
    assert all(item.reference and item.official for item in held_out.problems(60).items)


def test_some_solutions_have_programs_with_outputs() -> None:
    """So that a comparison in both modes is one of both."""
    with_programs = [text for _, text in held_out.written_solutions(60) if f"{chat.OUTPUT_FENCE}\n" in text]
    assert 15 < len(with_programs) < 45
