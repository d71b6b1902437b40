r"""The official comparison of two answers in normal form.

Reproduces the effect, in order, of `math_equal` in QwenLM/Qwen2.5-Math, evaluation/grader.py (MIT): brackets of any
kind count as the same, `50` equals `0.5` (a percentage), lists are ordered. Where text and numbers do not decide, the
parameter `symbolic` does. It may take any time and memory, so this module runs in the grader's child process only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isclose

_RELATIVE_TOLERANCE = 1e-4  # of numbers; so only 0 is close to 0
_LETTER = re.compile(r"\b[A-E]\b")
_LIST = re.compile(r"[(\[].+[)\]]")  # from the start; what follows the closing bracket is ignored
_GROUP_WITH_COMMA = re.compile(r"\{.*,.*\}")
_BEGIN, _END = r"\begin{pmatrix}", r"\end{pmatrix}"

Symbolic = Callable[[str, str], bool]


def equal(answer: str, reference: str, symbolic: Symbolic) -> bool:
    """Compare two answers under the official rules.

    Args:
        answer: The answer in normal form.
        reference: The expected answer in normal form.
        symbolic: Whether two expressions are equal; called if text and numbers do not decide.

    Returns:
        Whether the answer is accepted.
    """
    if answer.strip().lower() == reference.strip().lower():
        return True
    if reference in set("ABCDE") and _last_letter(answer) == reference:
        return True
    left, right = number(answer), number(reference)
    if left is not None and right is not None:
        return any(isclose(left, close, rel_tol=_RELATIVE_TOLERANCE) for close in (right / 100, right, right * 100))
    if not answer:
        return False
    return _structured(answer.strip(), reference.strip(), symbolic)


def number(text: str) -> float | None:
    """A plain number without its thousands separators; `50%` is 0.5; None for anything else."""
    text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        pass
    if not text.endswith("%"):
        return None
    try:
        return float(text.removesuffix("%").removesuffix("\\")) / 100
    except ValueError:
        return None


def _structured(answer: str, reference: str, symbolic: Symbolic) -> bool:
    """The tests for texts that are no numbers; one that does not hold leaves the decision to the next."""
    if "pmatrix" in answer and "pmatrix" not in reference:
        reference = _as_matrix(reference)
    return (
        _without_brackets(answer, reference)
        or _lists(answer, reference, symbolic)
        or _matrices(answer, reference, symbolic)
        or _equations(answer, reference, symbolic)
        or symbolic(answer, reference)
    )


def _lists(answer: str, reference: str, symbolic: Symbolic) -> bool:
    if _LIST.match(answer) is None or _LIST.match(reference) is None:
        return False
    return _each(answer[1:-1].split(","), reference[1:-1].split(","), symbolic)


def _matrices(answer: str, reference: str, symbolic: Symbolic) -> bool:
    if not _is_matrix(answer) or not _is_matrix(reference):
        return False
    left, right = _rows(answer), _rows(reference)
    return len(left) == len(right) and all(_each(a, b, symbolic) for a, b in zip(left, right, strict=True))


def _each(left: list[str], right: list[str], symbolic: Symbolic) -> bool:
    return len(left) == len(right) and all(equal(a, b, symbolic) for a, b in zip(left, right, strict=True))


def _equations(answer: str, reference: str, symbolic: Symbolic) -> bool:
    ours, theirs = answer.count("="), reference.count("=")
    if ours == theirs == 1:
        left, right = _difference(answer), _difference(reference)
        return symbolic(left, right) or symbolic(f"-({left})", right)
    if _names_a_value(answer) and not theirs:
        return equal(answer.split("=")[1], reference, symbolic)
    if _names_a_value(reference) and not ours:
        return equal(answer, reference.split("=")[1], symbolic)
    return False


def _names_a_value(text: str) -> bool:
    """`x=5`: one equals sign, and at most two characters before it."""
    return text.count("=") == 1 and len(text.partition("=")[0].strip()) <= 2


def _difference(equation: str) -> str:
    left, right = equation.split("=")
    return f"{left.strip()} - ({right.strip()})"


def _last_letter(text: str) -> str:
    letters = _LETTER.findall(text.upper())
    return str(letters[-1]) if letters else ""


def _without_brackets(answer: str, reference: str) -> bool:
    """Whether the texts are equal without brackets; square ones are removed unless the other side has round ones."""
    squares = _within(answer, "[]") and not _within(reference, "()")
    rounds = _within(answer, "()") and not _within(reference, "[]")
    if squares or rounds:
        answer, reference = answer.strip("[]()"), reference.strip("[]()")
    bare = str.maketrans("", "", "{}()")
    return answer.translate(bare).lower() == reference.translate(bare).lower()


def _within(text: str, brackets: str) -> bool:
    return text.startswith(brackets[0]) and text.endswith(brackets[1])


def _as_matrix(text: str) -> str:
    r"""`{a,b}` as a column; the single backslash between its entries is the original's."""
    groups = _GROUP_WITH_COMMA.findall(text)
    return ", ".join(_BEGIN + group.strip("{}").replace(",", "\\") + _END for group in groups)


def _is_matrix(text: str) -> bool:
    return text.startswith((_BEGIN, r"\begin{bmatrix}")) and text.endswith((_END, r"\end{bmatrix}"))


def _rows(matrix: str) -> list[list[str]]:
    inner = matrix[len(_BEGIN) : -len(_END)]
    return [row.strip().split("&") for row in inner.split("\\\\") if row.strip()]
