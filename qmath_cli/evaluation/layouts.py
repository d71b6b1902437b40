"""The layout of each data set: the fields that hold problem, answer and subject, and the prompt format of base models.

The entries of `LAYOUTS` follow `parse_question` and `parse_ground_truth` of the Qwen2.5-Math evaluation (parser.py in
QwenLM/Qwen2.5-Math), so that scores are comparable. Reading a damaged line raises a `ValueError`, `KeyError`,
`TypeError`, `AttributeError` or `IndexError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.records import Language

Row = Mapping[str, Any]
"""One line of a file."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one data set is read and prompted.

    Attributes:
        question: Returns a line's problem.
        answer: Returns a line's expected answer.
        language: The language of the problems.
        subject: The field that holds the subject; empty for none.
        level: The field that holds the level; empty for none.
        base: The prompt format of base models.
        choice: Whether the problems are choice questions; Instruct models in CoT get five examples with them.
        solution: Whether `answer` returns a worked solution, from which the official rules extract the answer.
        size: The number of problems in the published file, if known.
    """

    question: Callable[[Row], str]
    answer: Callable[[Row], str]
    language: Language = Language.EN
    subject: str = ""
    level: str = ""
    base: PromptStyle = PromptStyle.MATH
    choice: bool = False
    solution: bool = False
    size: int | None = None


def layout_of(name: str) -> Layout:
    """The layout of a data set; `plain` for a name that is not in `LAYOUTS`."""
    return LAYOUTS.get(name, LAYOUTS["plain"])


def _first(*names: str) -> Callable[[Row], str]:
    """Reads the first of these fields that a row has."""

    def read(row: Row) -> str:
        name = next((name for name in names if row.get(name) is not None), names[0])
        return str(row[name]).strip()

    return read


def _after_hashes(row: Row) -> str:
    _, hashes, answer = str(row["answer"]).rpartition("####")
    if not hashes:
        raise ValueError("no #### before the answer")
    return answer.strip()


def _without_dollars(row: Row) -> str:
    return str(row["answer"]).replace("$", "").strip()


def _final_answer(row: Row) -> str:
    return str(row["final_answer"][0]).strip("$")


def _choice_or_answer(row: Row) -> str:
    return str(row.get("choice_answer") or row["answer"])


def _mmlu_question(row: Row) -> str:
    options = [f"({letter}) {str(option).strip()}" for letter, option in zip("ABCD", row["choices"], strict=True)]
    return f"{row['question'].strip()}\nAnswer Choices: {' '.join(options)}"


def _qa_question(row: Row) -> str:
    options = " ".join(f"({letter}) {text}" for letter, text in row["options"].items())
    return f"{row['question'].strip()}\n选项: {options}"


def _aqua_question(row: Row) -> str:
    options = "(" + "(".join(row["options"])
    return f"{row['question'].strip()}\nAnswer Choices: {options.replace('(', ' (').replace(')', ') ').strip()}"


def _sat_question(row: Row) -> str:
    options = re.sub(r" ([BCD])\) ", r" (\1) ", "(" + row["options"].strip())
    return f"{row['question'].strip()}\nAnswer Choices: {options}"


_QUESTION = _first("question", "problem", "Question", "input")
_ANSWER = _first("answer")
_ZH = Language.ZH

LAYOUTS: Mapping[str, Layout] = {
    "plain": Layout(_first("problem", "question"), _first("answer", "expected"), subject="subject", level="level"),
    "demo": Layout(_first("problem"), _ANSWER, subject="kind"),
    "gsm8k": Layout(_QUESTION, _after_hashes, base=PromptStyle.GSM8K, size=1319),
    "math": Layout(_first("problem"), _first("solution"), subject="type", level="level", solution=True, size=5000),
    "math500": Layout(_first("problem"), _first("solution"), subject="subject", level="level", solution=True, size=500),
    "minerva_math": Layout(_first("problem"), _first("solution"), subject="type", solution=True, size=272),
    "gaokao2023en": Layout(_QUESTION, _without_dollars, size=385),
    "olympiadbench": Layout(_QUESTION, _final_answer, subject="subfield", size=675),
    "college_math": Layout(_QUESTION, _without_dollars, subject="data_topic", size=2818),
    "mmlu_stem": Layout(
        _mmlu_question,
        lambda row: "ABCD"[row["answer"]],
        subject="type",
        base=PromptStyle.MMLU_STEM,
        choice=True,
        size=3018,
    ),
    "sat_math": Layout(_sat_question, _first("Answer"), base=PromptStyle.MMLU_STEM, choice=True, size=32),
    "aqua": Layout(_aqua_question, _first("correct"), base=PromptStyle.MMLU_STEM, choice=True, size=254),
    "aime24": Layout(_QUESTION, _ANSWER, size=30),
    "aime25": Layout(_QUESTION, _ANSWER, size=30),
    "amc23": Layout(_QUESTION, _ANSWER, size=40),
    "cmath": Layout(_QUESTION, _ANSWER, _ZH, level="grade", base=PromptStyle.CMATH, size=600),
    "gaokao_math_cloze": Layout(_QUESTION, _without_dollars, _ZH, base=PromptStyle.CLOZE, size=118),
    "gaokao_math_qa": Layout(_qa_question, _first("label"), _ZH, base=PromptStyle.QA, choice=True, size=351),
    "gaokao2024_I": Layout(_QUESTION, _ANSWER, _ZH, subject="type", base=PromptStyle.CLOZE, choice=True, size=14),
    "gaokao2024_II": Layout(_QUESTION, _ANSWER, _ZH, subject="type", base=PromptStyle.CLOZE, choice=True, size=14),
    "gaokao2024_mix": Layout(_QUESTION, _choice_or_answer, _ZH, base=PromptStyle.CLOZE, choice=True, size=91),
    "cn_middle_school": Layout(_QUESTION, _choice_or_answer, _ZH, base=PromptStyle.CLOZE, choice=True, size=101),
    "math_responses": Layout(_QUESTION, _first("gt_cot", "solution"), subject="type", level="level", solution=True),
}
