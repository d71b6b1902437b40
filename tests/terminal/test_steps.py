"""Solutions are cut into steps that a student can uncover one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.terminal.steps import gives_answer_away, steps

PROGRAM = "```python\nx = 1\n\nprint(x)\n```\n"
OUTPUT = "```output\n1\n\n2\n```\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n", []),
        ("One.", ["One."]),
        ("One.\n\nTwo.\n\nThree.", ["One.\n\n", "Two.\n\n", "Three."]),
        ("One.\n\n\n \n\nTwo.", ["One.\n\n\n \n\n", "Two."]),
        ("\n\nOne.\n\nTwo.\n\n", ["\n\nOne.\n\n", "Two.\n\n"]),
        ("One.\nTwo.\nThree.", ["One.\n", "Two.\n", "Three."]),
        ("We have:\n\n\\[\nx\n\n= 1\n\\]\n\nSo", ["We have:\n\n\\[\nx\n\n= 1\n\\]\n\n", "So"]),
        ("One.\n\n\\[x\\]\n\nwhere x is 2.\n\nTwo.", ["One.\n\n\\[x\\]\n\nwhere x is 2.\n\n", "Two."]),
        ("One.\n\n$$a\n\nb$$\n\nTwo.", ["One.\n\n$$a\n\nb$$\n\n", "Two."]),
        ("Values:\n\n- a\n- b\n\nThen.", ["Values:\n\n- a\n- b\n\n", "Then."]),
        ("我们有：\n\n\\[x\\]\n\n所以。", ["我们有：\n\n\\[x\\]\n\n", "所以。"]),
        ("## Plan\n\nWe add.\n\n## Sum\n\nIt is 2.", ["## Plan\n\nWe add.\n\n", "## Sum\n\nIt is 2."]),
        ("**Plan**\n\nWe add.\n\nIt is 2.", ["**Plan**\n\nWe add.\n\n", "It is 2."]),
        (
            "Intro.\n\n1. A.\n\n   More.\n\n2. B.\n\nThus \\(\\boxed{2}\\).",
            ["Intro.\n\n", "1. A.\n\n   More.\n\n", "2. B.\n\n", "Thus \\(\\boxed{2}\\)."],
        ),
        ("**Step 1**: A.\n\nMore.\n\n**Step 2**: B.", ["**Step 1**: A.\n\nMore.\n\n", "**Step 2**: B."]),
        ("第一步，加。\n\n得 3。\n\n第二步，减。", ["第一步，加。\n\n得 3。\n\n", "第二步，减。"]),
        ("3.5 is one.\n\nFour.\n\n2.5 is another.", ["3.5 is one.\n\n", "Four.\n\n", "2.5 is another."]),
        (
            f"We compute.\n\n{PROGRAM}{OUTPUT}The result is \\boxed{{1}}.",
            [f"We compute.\n\n{PROGRAM}", f"{OUTPUT}The result is \\boxed{{1}}."],
        ),
        (
            f"A.\n{PROGRAM}{OUTPUT}B.\n\nC.\n{PROGRAM}{OUTPUT}",
            [f"A.\n{PROGRAM}", f"{OUTPUT}B.\n\n", f"C.\n{PROGRAM}", OUTPUT],
        ),
        (f"{PROGRAM}{OUTPUT}", [PROGRAM, OUTPUT]),
        ("A.\n\n```python\nx = (\n\n", ["A.\n\n```python\nx = (\n\n"]),
    ],
)
def test_a_solution_is_cut_where_a_person_would(text: str, expected: list[str]) -> None:
    """Nowhere inside a formula or a program; what announces stays with what is announced."""
    assert steps(text) == expected


@given(st.text(st.sampled_from(list("\n\n\n ab.:#*1`$\\[](){}|第步")) | st.characters(), max_size=80))
def test_no_character_is_lost(text: str) -> None:
    """And no step is blank."""
    found = steps(text)
    assert "".join(found) == (text if text.strip() else "")
    assert all(one.strip() for one in found)


@pytest.mark.parametrize(
    ("step", "problem", "answer", "given_away"),
    [
        ("So \\boxed{7}.", "p", "8", True),
        ("It is 7.", "p", "7", True),
        ("It is 7.", "What is 7?", "7", False),
        ("It is 17 or 7.5 or 0.7.", "p", "7", False),
        ("It is \\(\\frac{1}{2}\\).", "p", "\\frac{1}{2}", True),
        ("是7。", "p", "7", True),
        ("We add.", "p", None, False),
        ("We add.", "p", " ", False),
    ],
)
def test_a_step_that_has_the_answer_is_known(step: str, problem: str, answer: str | None, given_away: bool) -> None:
    """In a box, or standing for itself."""
    assert gives_answer_away(step, problem, answer) == given_away


def test_recorded_solutions_have_steps(shared: Path) -> None:
    """Of 400, each has several; the first one of at least 98 % does not have a box in it."""
    rows = (shared / "responses/math_cot_50.jsonl").read_text(encoding="utf-8").splitlines()
    found = [steps(text) for row in rows for text in json.loads(row)["code"]]
    assert all(2 <= len(one) <= 20 for one in found)
    assert sum(not gives_answer_away(one[0]) for one in found) >= 0.98 * len(found)
