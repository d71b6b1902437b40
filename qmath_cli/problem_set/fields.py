"""A problem from the fields of a row: what they may be called, and what they may hold.

The names are those of published data sets and of spreadsheets: `question`, `Problem`, `ground_truth`, `题目` ... Upper
case, blanks and a final dot make no difference. Where a row has several, the first name of a table counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from qmath_cli.prompting.chat import language_of
from qmath_cli.records import Language, Problem

PROBLEM = ("problem", "question", "prompt", "exercise", "task", "text", "input", "query", "题目", "问题")
EXPECTED = ("expected", "expected_answer", "reference", "reference_answer", "ground_truth", "gold", "target", "answer")
EXPECTED_ZH = ("参考答案", "答案")
ID = ("id", "idx", "index", "no", "nr", "number", "unique_id", "编号", "题号")
LANGUAGE = ("language", "lang", "语言")

_LANGUAGES = {
    **dict.fromkeys(("en", "english", "英文", "英语"), Language.EN),
    **dict.fromkeys(("zh", "cn", "chinese", "中文", "汉语"), Language.ZH),
}
_HASHES = "####"  # GSM8K writes the worked solution, this, and the answer into one field


@dataclass(frozen=True, slots=True)
class BadEntry:
    """A row that is no problem, and why."""

    line: int
    why: str


def names_a_problem(names: Iterable[str]) -> bool:
    """Whether one of these is a name for the problem."""
    return any(normal_name(name) in PROBLEM for name in names)


def entry(line: int, row: Mapping[str, object]) -> Problem | BadEntry:
    """The problem of a row; its id is empty where the row has none.

    Args:
        line: Where the row begins, counted from 1.
        row: Values by name.
    """
    values = {normal_name(name): value for name, value in row.items() if value is not None and value != ""}
    found = {}
    for what, names in (("problem", PROBLEM), ("expected", (*EXPECTED, *EXPECTED_ZH)), ("id", ID)):
        name = next((name for name in names if name in values), None)
        if name is None:
            continue
        text = _text(values[name])
        if text is None:
            return BadEntry(line, f"'{name}' is neither a text nor a number")
        found[what] = text
    if "problem" not in found:
        return BadEntry(line, "there is no 'problem', or it is empty")
    language = next((str(values[name]) for name in LANGUAGE if name in values), "")
    return problem(line, found["problem"], found.get("id", ""), found.get("expected", ""), language)


def problem(line: int, text: str, name: str = "", expected: str = "", language: str = "") -> Problem | BadEntry:
    """A problem from its parts, if its text is one. A language that is neither English nor Chinese is found again."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        return BadEntry(line, "the problem is empty")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text + name + expected):
        return BadEntry(line, "the problem is not text")
    known = _LANGUAGES.get(language.strip().lower().partition("-")[0].partition("_")[0])
    reference = after_hashes(expected)
    return Problem(text, known or language_of(text), " ".join(name.split()), reference or None)


def after_hashes(answer: str) -> str:
    """The answer itself where a worked solution stands before it."""
    return answer.rpartition(_HASHES)[2].strip()


def normal_name(name: str) -> str:
    """A field's name as the tables above have it: lower case, without blanks around it and a final dot."""
    return "_".join(name.strip().strip(".").lower().replace("-", " ").split())


def _text(value: object) -> str | None:
    """A text or a number as text; the one element of a list; None for anything else."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)
