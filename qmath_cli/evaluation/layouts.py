"""The layout of each data set: the fields that hold problem, answer and subject, and the prompt format of base models.

The entries of `LAYOUTS` follow `parse_question` and `parse_ground_truth` of the Qwen2.5-Math evaluation (parser.py in
QwenLM/Qwen2.5-Math), so that scores are comparable. Reading a damaged line raises a
`FieldError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qmath_cli.evaluation import fields, own
from qmath_cli.evaluation.fields import FieldError, Row
from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.records import Language


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


def _text(*names: str) -> Callable[[Row], str]:
    """Reads the first of these fields that has a text."""
    return lambda row: fields.text(row, *names)


def _answer(*names: str, optional: bool = False) -> Callable[[Row], str]:
    """Reads the first of these fields that has an answer."""
    return lambda row: fields.answer(row, *names, optional=optional)


def _after_hashes(row: Row) -> str:
    _, hashes, answer = fields.answer(row, "answer").rpartition("####")
    if not hashes:
        raise FieldError("the field 'answer' has no #### before the answer")
    return fields.checked("answer", answer)


def _without_dollars(*, optional: bool = False) -> Callable[[Row], str]:
    """Reads the answer without the signs of its mathematics."""

    def read(row: Row) -> str:
        written = fields.answer(row, "answer", optional=optional)
        return fields.checked("answer", written.replace("$", ""), optional=optional)

    return read


def _final_answer(row: Row) -> str:
    found = row.get("final_answer")
    if isinstance(found, list) and found:
        found = found[0]
    return fields.checked("final_answer", fields.checked("final_answer", found).strip("$"))


def _choice(row: Row) -> str:
    """The letter of a choice question; the answer of the others, which have an empty letter in the published files."""
    return fields.answer(row, "choice_answer" if row.get("choice_answer") else "answer")


def _letter(name: str, letters: str) -> Callable[[Row], str]:
    """Reads the letter of a choice."""
    return lambda row: fields.letter(name, row.get(name), letters)


def _mmlu_question(row: Row) -> str:
    options = row.get("choices")
    if not isinstance(options, list) or len(options) != len("ABCD"):
        raise FieldError("the field 'choices' is not a list of four")
    if not all(isinstance(option, str | int | float) for option in options):
        raise FieldError("the field 'choices' holds something that is neither text nor number")
    shown = [f"({letter}) {str(option).strip()}" for letter, option in zip("ABCD", options, strict=True)]
    return f"{fields.text(row, 'question')}\nAnswer Choices: {' '.join(shown)}"


def _qa_question(row: Row) -> str:
    options = " ".join(f"({letter}) {text}" for letter, text in _options(row).items())
    return f"{fields.text(row, 'question')}\n选项: {options}"


def _qa_answer(row: Row) -> str:
    """One letter or several; each must be that of an option."""
    found = fields.answer(row, "label")
    letters = found.replace(" ", "").replace(",", "")
    if not set(letters) <= set(_options(row)):
        raise FieldError(f"the field 'label' is {found[:40]!r}, and the options are {', '.join(_options(row))}")
    return found


def _options(row: Row) -> Mapping[str, object]:
    found = row.get("options")
    if not isinstance(found, dict) or not found:
        raise FieldError("the field 'options' is not an object with the options by letter")
    return found


def _aqua_question(row: Row) -> str:
    found = row.get("options")
    if not isinstance(found, list) or not all(isinstance(option, str) for option in found):
        raise FieldError("the field 'options' is not a list of texts")
    options = "(" + "(".join(found)
    return f"{fields.text(row, 'question')}\nAnswer Choices: {options.replace('(', ' (').replace(')', ') ').strip()}"


def _sat_question(row: Row) -> str:
    options = re.sub(r" ([BCD])\) ", r" (\1) ", "(" + fields.text(row, "options"))
    return f"{fields.text(row, 'question')}\nAnswer Choices: {options}"


_QUESTION = _text("question", "problem", "Question", "input")
_ANSWER = _answer("answer")
_ZH = Language.ZH

LAYOUTS: Mapping[str, Layout] = {
    "plain": Layout(own.problem, own.answer, subject="subject", level="level"),
    "demo": Layout(_text("problem"), _ANSWER, subject="kind"),
    "gsm8k": Layout(_QUESTION, _after_hashes, base=PromptStyle.GSM8K, size=1319),
    "math": Layout(_text("problem"), _text("solution"), subject="type", level="level", solution=True, size=5000),
    "math500": Layout(_text("problem"), _text("solution"), subject="subject", level="level", solution=True, size=500),
    "minerva_math": Layout(_text("problem"), _text("solution"), subject="type", solution=True, size=272),
    "gaokao2023en": Layout(
        _QUESTION,
        _without_dollars(optional=True),  # the published file has two without
        size=385,
    ),
    "olympiadbench": Layout(_QUESTION, _final_answer, subject="subfield", size=675),
    "college_math": Layout(_QUESTION, _without_dollars(), subject="data_topic", size=2818),
    "mmlu_stem": Layout(
        _mmlu_question,
        _letter("answer", "ABCD"),
        subject="type",
        base=PromptStyle.MMLU_STEM,
        choice=True,
        size=3018,
    ),
    "sat_math": Layout(_sat_question, _letter("Answer", "ABCD"), base=PromptStyle.MMLU_STEM, choice=True, size=32),
    "aqua": Layout(_aqua_question, _letter("correct", "ABCDE"), base=PromptStyle.MMLU_STEM, choice=True, size=254),
    "aime24": Layout(_QUESTION, _ANSWER, size=30),
    "aime25": Layout(_QUESTION, _ANSWER, size=30),
    "amc23": Layout(_QUESTION, _ANSWER, size=40),
    "cmath": Layout(_QUESTION, _ANSWER, _ZH, level="grade", base=PromptStyle.CMATH, size=600),
    "gaokao_math_cloze": Layout(_QUESTION, _without_dollars(), _ZH, base=PromptStyle.CLOZE, size=118),
    "gaokao_math_qa": Layout(_qa_question, _qa_answer, _ZH, base=PromptStyle.QA, choice=True, size=351),
    "gaokao2024_I": Layout(_QUESTION, _ANSWER, _ZH, subject="type", base=PromptStyle.CLOZE, choice=True, size=14),
    "gaokao2024_II": Layout(_QUESTION, _ANSWER, _ZH, subject="type", base=PromptStyle.CLOZE, choice=True, size=14),
    "gaokao2024_mix": Layout(_QUESTION, _choice, _ZH, base=PromptStyle.CLOZE, choice=True, size=91),
    "cn_middle_school": Layout(_QUESTION, _choice, _ZH, base=PromptStyle.CLOZE, choice=True, size=101),
    "math_responses": Layout(_QUESTION, _text("gt_cot", "solution"), subject="type", level="level", solution=True),
}
