"""The lines of a file of the user's own: problem and answer under the names that `qmath batch` knows, too.

The names are in `problem_set.fields`. Upper case, blanks and a final dot make no difference.
"""

from __future__ import annotations

from qmath_cli.evaluation import fields
from qmath_cli.evaluation.fields import FieldError, Row
from qmath_cli.problem_set.fields import EXPECTED, EXPECTED_ZH, ID, PROBLEM, after_hashes, normal_name

_ANSWER = (*EXPECTED, *EXPECTED_ZH)
_ID = tuple(dict.fromkeys(("idx", "id", *ID)))


def named(row: Row) -> Row:
    """The line with its fields' names in their normal form; of several with the same, the first counts."""
    found: dict[str, object] = {}
    for name, value in row.items():
        found.setdefault(normal_name(name), value)
    return found


def problem(row: Row) -> str:
    """The problem. Raises `FieldError` if there is none."""
    return fields.text(row, *_known(row, PROBLEM, "'problem' or 'question'"))


def answer(row: Row) -> str:
    """The expected answer, without a worked solution before `####`. Raises `FieldError` if there is none."""
    names = _known(row, _ANSWER, "'answer' or 'expected'")
    return fields.checked(names[0], after_hashes(fields.answer(row, *names)))


def identity(row: Row) -> str | None:
    """The id that the line gives, as a number or a text; None if it gives none."""
    return next((str(row[name]) for name in _ID if fields.is_id(row.get(name))), None)


def _known(row: Row, names: tuple[str, ...], usual: str) -> tuple[str, ...]:
    """Those of the names that the line has."""
    found = tuple(name for name in names if name in row)
    if not found:
        raise FieldError(f"it has no field {usual}")
    return found
