"""The built-in text: reproducible, large and broad enough, right, and held-out text that is another one."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from qmath_cli.calibration import held_out, measured
from qmath_cli.calibration.solution import WorkedSolution, as_prompt, as_text
from qmath_cli.calibration.text import NAME, SOLUTIONS, calibration_solutions, held_out_solutions
from qmath_cli.grading.extract import last_boxed
from qmath_cli.records import Language, Mode
from qmath_cli.sandbox.executor import RestrictedExecutor

HALVES = {"measured": measured.KINDS, "held out": held_out.KINDS}


@pytest.fixture(scope="module")
def text() -> list[WorkedSolution]:
    return list(calibration_solutions())


@pytest.fixture(scope="module")
def fresh() -> list[WorkedSolution]:
    return list(held_out_solutions(200))


def test_the_same_seed_gives_the_same_text(text: list[WorkedSolution]) -> None:
    """Fewer solutions are a beginning of more; another seed gives other ones."""
    assert list(calibration_solutions(40)) == text[:40]
    assert list(calibration_solutions(40, seed=1)) != text[:40]


def test_a_name_stands_for_one_text(text: list[WorkedSolution]) -> None:
    """Importance matrices name their text: another text needs another name, and another hash here."""
    assert NAME == "qmath-calibration-1"
    assert hashlib.sha256(as_text(text).encode()).hexdigest()[:16] == "2c2ab6f5dff88383"


def test_it_has_at_least_100_000_tokens_of_qwen2(text: list[WorkedSolution], shared: Path) -> None:
    """Counted with the released tokenizer; as one text it has the tokens of its segments, each by itself."""
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(shared / "qwen2-tokenizer" / "tokenizer.json"))
    pieces = tokenizer.encode_batch([segment.text for segment in as_prompt(text).segments])
    tokens = [token for piece in pieces for token in piece.ids]
    assert len(tokens) > 100_000
    assert tokenizer.encode(as_text(text)).ids == tokens


def test_both_languages_and_both_modes_are_a_good_part(text: list[WorkedSolution]) -> None:
    """At least a fifth of the solutions has each language with each mode."""
    counts = Counter((one.language, one.mode) for one in text)
    assert min(counts[language, mode] for language in Language for mode in Mode) > SOLUTIONS / 5


@pytest.mark.parametrize("half", HALVES)
def test_programs_print_what_stands_behind_them(half: str) -> None:
    """The outputs are computed by the kinds; the executor prints the same."""
    with closing(RestrictedExecutor(spares=False)) as executor:
        for name, kind in HALVES[half].items():
            exercise = kind(Random(f"test {name}"))
            with closing(executor.open()) as worker:
                for one in exercise.calculations:
                    assert worker.run(one.code).text == one.output, name


def test_every_solution_boxes_its_answer(text: list[WorkedSolution], fresh: list[WorkedSolution]) -> None:
    """Proofs have none."""
    for one in [*text, *fresh]:
        assert last_boxed(one.response) == (one.answer or None), one.response


def test_control_tokens_are_those_of_the_chat(text: list[WorkedSolution]) -> None:
    """Neither problems nor solutions hold any, and a conversation has six."""
    assert not [one for one in text if "<|" in one.problem + one.response]
    special = "".join(segment.text for segment in as_prompt(text[:5]).segments if segment.special)
    assert special.count("<|") == 5 * 6


def test_no_placeholder_is_left(text: list[WorkedSolution], fresh: list[WorkedSolution]) -> None:
    """Neither of a sentence nor of a sum."""
    for one in [*text, *fresh]:
        assert "{}" not in one.problem + one.response
        assert "+ -" not in one.problem, one.problem


def test_held_out_text_is_of_other_kinds_in_other_words(
    text: list[WorkedSolution], fresh: list[WorkedSolution]
) -> None:
    """The halves share no kind, no problem, and no sentence that opens a solution."""
    assert not set(measured.KINDS) & set(held_out.KINDS)
    assert not {one.problem for one in text} & {one.problem for one in fresh}
    openings = [{words for words in half.MANNER.openings if words[0]} for half in (measured, held_out)]
    assert not openings[0] & openings[1]
