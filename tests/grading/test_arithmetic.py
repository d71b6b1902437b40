"""The strict rules on random arithmetic whose value is known without a parser."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from qmath_cli.grading.strict.verdict import compare
from qmath_cli.records import Mark
from tests.grading.arithmetic import samples

EXPRESSIONS = 5_000
SEED = 20_241

_SIGNS = str.maketrans({"^": "**", "÷": "/", "×": "*", "·": "*", "[": "(", "]": ")"})


@pytest.mark.slow
def test_arithmetic_equals_its_value_and_no_other() -> None:
    """Every expression equals its value, differs from another value, and none is undecided."""
    wrong = []
    for one in samples(EXPRESSIONS, SEED):
        for value, mark in ((one.value, Mark.CORRECT), (one.wrong, Mark.WRONG)):
            verdict = compare(one.expression, value)
            if verdict.mark is not mark:
                wrong.append(f"{one.expression} | {value}: {verdict.mark.value}, not {mark.value} {verdict.why}")
    assert not wrong, f"{len(wrong)} of {2 * EXPRESSIONS}\n" + "\n".join(wrong)


def test_python_gives_the_plain_expressions_the_same_values() -> None:
    """The values above rest on the generator; Python's own precedence agrees with it."""
    plain = [one for one in samples(2_000, SEED) if not re.search(r"[\\{]", one.expression + one.value)]
    assert len(plain) > 700
    assert [one for one in plain if _value(one.expression) != _value(one.value)] == []


def _value(text: str) -> Fraction:
    """What Python computes for an expression in plain text."""
    text = re.sub(r"(\d+) (\d+/\d+)", r"(\1+\2)", text).translate(_SIGNS)
    text = re.sub(r"(?<=[\d)])(?=\()", "*", text)
    value = eval(re.sub(r"\d+(?:\.\d+)?", r"Fraction('\g<0>')", text), {"Fraction": Fraction})
    assert isinstance(value, Fraction)
    return value
