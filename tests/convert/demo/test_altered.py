"""Solutions with one step made wrong: what is altered, and what follows from it. Without PyTorch."""

from __future__ import annotations

from random import Random

import pytest

from convert.demo.problems import KINDS, Draft, Language, Step
from convert.demo.process.altered import Change, altered, right, slip
from convert.demo.solutions import Mode, draw_draft
from qmath_cli.prompting.solution_steps import steps_of

SUM = Draft(
    "What is 27 + 15?",
    "42",
    (Step("We add.", "print(27 + 15)"),),
    "It is ${box}$.",
    "$27 + 15 = 42$",
)


@pytest.mark.parametrize(
    ("change", "text", "others"),
    [
        (Change.DIGIT, "a 7", {f"a {d}" for d in "12345689"}),
        (Change.SIGN, "(-3)", {"(3)"}),
        (Change.SIGN, r"\boxed{3}", {r"\boxed{-3}"}),
        (Change.OPERATOR, "2 + 3", {"2 - 3", "2 * 3"}),
        (Change.OPERATOR, "2**3", {"2*3"}),
        (Change.NAME, "gcd(4, 6)", {"lcm(4, 6)"}),
        (Change.NAME, "words", set()),
    ],
)
def test_a_slip_changes_one_thing(change: Change, text: str, others: set[str]) -> None:
    found = {slip(Random(seed), text, change) for seed in range(200)}
    assert found == (others or {None})


@pytest.mark.parametrize("mode", list(Mode))
def test_the_verdicts_are_those_of_the_steps(mode: Mode) -> None:
    """As many as there are steps; of a right solution all good, of an altered one the altered step is wrong."""
    rng, changed = Random("verdicts"), 0
    for kind in KINDS:
        for language in Language:
            draft = draw_draft(rng, kind, language, held_out=False)
            whole, other = right(draft, mode), altered(rng, draft, mode)
            assert len(whole.verdicts) == len(steps_of(whole.text))
            assert set(whole.verdicts) == {1}
            assert len(whole.own) == len(whole.text)
            if other is not None:
                changed += 1
                steps = zip(steps_of(whole.text), steps_of(other.text), strict=True)
                assert other.wrong == next(i for i, (a, b) in enumerate(steps) if a != b)
                assert other.verdicts.index(0) == other.wrong
                assert len(other.verdicts) == len(steps_of(other.text))
    assert changed > len(KINDS)


def test_an_altered_program_has_its_real_output() -> None:
    """And the answer follows it, or contradicts it and is wrong too."""
    for seed in range(60):
        other = altered(Random(seed), SUM, Mode.TIR)
        if other is not None and other.wrong == 1:
            program, closing = steps_of(other.text)[1:]
            code, output = program.split("\n")[1], program.split("\n")[-2]
            carried = rf"\boxed{{{output}}}" in closing
            assert "Error" in output or str(eval(code.removeprefix("print"))) == output
            assert other.verdicts == (1, 0, 1 if carried else 0)


def test_an_altered_program_that_does_not_end_is_not_used() -> None:
    """No step is left hanging: another change is drawn, or none."""
    endless = Draft(
        "?", "1", (Step("We count.", "n = 1\nwhile n < 5:\n    n = n + 1\nprint(n - 4)"),), "${box}$", "$1$"
    )
    texts = [altered(Random(seed), endless, Mode.TIR) for seed in range(12)]
    assert all(one is None or "n + 0" not in one.text for one in texts)
