"""The steps of a solution: what is one, and that nothing in it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.prompting.solution_steps import mode_of, steps_of
from qmath_cli.records import Mode

PROGRAM = "```python\nx = 1\n\nprint(x)\n```"
OUTPUT = "```output\n1\n\n2\n```"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("One\nparagraph.", ["One\nparagraph."]),
        ("One.\n\nTwo.\n \t\n\n\nThree.", ["One.", "Two.", "Three."]),
        (f"First.\n\n{PROGRAM}\n{OUTPUT}\nSo $1$.", ["First.", f"{PROGRAM}\n{OUTPUT}", "So $1$."]),
        (f"First:\n{PROGRAM}\n\n{OUTPUT}\n\nSo.", ["First:", f"{PROGRAM}\n\n{OUTPUT}", "So."]),
        (f"{PROGRAM}\nThen\n{PROGRAM}", [PROGRAM, "Then", PROGRAM]),
        (f"{OUTPUT}\n\nAlone.", [OUTPUT, "Alone."]),
        (f"Words.\n\n{OUTPUT}", ["Words.", OUTPUT]),
        ("A.\n\n```python\nx = 1\n\ny =", ["A.", "```python\nx = 1\n\ny ="]),
        (f"{PROGRAM}\n```output\n1", [f"{PROGRAM}\n```output\n1"]),
        ("~~~\na\n\n```\nb\n~~~\nc", ["~~~\na\n\n```\nb\n~~~", "c"]),
        ("  indented\n\n\tmore", ["  indented", "\tmore"]),
        ("a `x` b\n\n``` not a fence ``` here", ["a `x` b", "``` not a fence ``` here"]),
        ("<extra_0>\n\n<|im_end|>", ["<extra_0>", "<|im_end|>"]),
        ("", []),
        ("\n \n\t\n", []),
    ],
)
def test_a_step_is_a_paragraph_or_a_program_with_its_output(text: str, steps: list[str]) -> None:
    assert list(steps_of(text)) == steps


@given(st.text(alphabet="a \n\t`~<|$\\", max_size=60), st.sampled_from(["", PROGRAM, OUTPUT, "```"]))
def test_the_steps_are_the_text_but_for_the_blank_lines_between_them(text: str, more: str) -> None:
    """Each is in the text as it stands, in order, and what lies between two is blank."""
    whole, at = f"{text}\n{more}\n{text}", 0
    for step in steps_of(whole):
        start = whole.index(step, at)
        assert not whole[at:start].strip()
        assert step.strip()
        at = start + len(step)
    assert not whole[at:].strip()


def test_a_text_with_a_program_is_a_solution_with_programs() -> None:
    assert mode_of(f"First.\n\n{PROGRAM}\n{OUTPUT}\nSo.") is Mode.TIR
    assert mode_of("In words.\n\n```output\n1\n```") is Mode.COT
