r"""The official reading of a response: which answer Qwen's evaluation takes from it, oddities included.

Reproduces the effect of `extract_answer`, `choice_answer_clean` (evaluation/parser.py) and of the corrections for
choice questions (evaluation/math_eval.py) of QwenLM/Qwen2.5-Math, MIT, so that scores compare with the published
ones. Whether two answers read this way are equal is `official_match`'s business. Promises: never raises, no sympy.
The rules differ by data set; its name decides, and an unknown name gets the general rules.
"""

from __future__ import annotations

import re

from qmath_cli.grading.official.normal_form import normalise

CHOICE_SETS = frozenset({"mmlu_stem", "sat_math", "aqua", "gaokao2023"})
UNIT_SETS = frozenset({"carp_en", "minerva_math"})  # their answers keep their units

_LETTERS = "ABCDE"
_LETTER = re.compile(r"\b[A-E]\b")
_TRIGGERS = ("choice is", "answer is")
_NUMBER = re.compile(r"-?\d*\.?\d+")


def extract(response: str, dataset: str = "", reference: str = "") -> str:
    """The answer in normal form; empty if there is none.

    `reference` matters for choice questions only: one letter expected means one letter is looked for, in the whole
    response if need be; several letters expected means that only letters are kept. (Knowing the answer's form is
    part of the official rules.)
    """
    answer = normalise(_extract_once(response, dataset), keep_units=dataset in UNIT_SETS)
    return _as_letters(answer, response, reference)


def reference_of_solution(solution: str, dataset: str = "") -> str:
    """The expected answer of a set that stores worked solutions; its normal form is taken once, not twice."""
    return _extract_once(solution, dataset)


def reference_of_answer(answer: str, dataset: str = "") -> str:
    """The expected answer of a set that stores answers, in the form in which answers are compared."""
    if dataset in UNIT_SETS:
        return answer.replace(r"\neq", r"\ne").replace(r"\leq", r"\le").replace(r"\geq", r"\ge")
    return normalise(answer)


def _extract_once(response: str, dataset: str) -> str:
    if dataset in CHOICE_SETS:
        return choice(response)
    stated = _tidy(_stated(response.replace("ки", "")))
    return normalise(stated, keep_units=dataset in UNIT_SETS)


def choice(response: str) -> str:
    """The letter A-E that a response chooses: the first after the last trigger, else the last that stands alone.

    An English article counts as a letter. Without any letter, the text itself is the answer.
    """
    text = response.strip("\n")
    if any(text.count(trigger) > 1 for trigger in _TRIGGERS):  # the response goes on to further questions
        text = text.split("\n\n")[0]
    _, *after = re.split("|".join(_TRIGGERS), text)
    text = (after[-1] if after else text).strip("\n").rstrip(".").rstrip("/").strip(" ").lstrip(":")
    letters = _LETTER.findall(text.upper())
    if letters:
        return str(letters[0] if after else letters[-1])
    return text.strip().strip(".").rstrip(".").rstrip("/")


def is_letters(answer: str) -> bool:
    """Whether an answer consists of choice letters only; true of the empty one."""
    return all(sign in _LETTERS for sign in answer)


def _as_letters(answer: str, response: str, reference: str) -> str:
    if reference and reference in set(_LETTERS):
        return answer if answer in set(_LETTERS) else choice(response)
    if reference and is_letters(reference) and not is_letters(answer):
        return "".join(sign for sign in answer if sign in _LETTERS)
    return answer


def _stated(text: str) -> str:
    """The raw answer: the first of the official places that the text has."""
    if "final answer is $" in text and "$. I hope" in text:  # the closing line of the Minerva prompt
        return text.split("final answer is $", 1)[1].split("$. I hope", 1)[0].strip()
    if "boxed" in text:
        return _boxed(text.rsplit("boxed", 1)[1])
    for trigger in ("he answer is", "final answer is"):
        if trigger in text:
            return text.rsplit(trigger, 1)[1].strip()
    if "答案是" in text:
        return text.split("答案是")[1].strip().split("\n\n")[0].strip()
    numbers = _NUMBER.findall(text.replace(",", ""))
    return numbers[-1] if numbers else ""


def _boxed(after: str) -> str:
    """What follows the last `boxed`: its group, the rest of the text if that never closes, or up to a dollar sign."""
    if not after.startswith("{"):
        return after.partition("$")[0].strip()
    depth = 0
    for at, sign in enumerate(after):
        depth += (sign == "{") - (sign == "}")
        if depth == 0:
            return after[1:at]
    return after[1:]


def _tidy(answer: str) -> str:
    answer = re.sub(r"\n\s*", "", answer).removeprefix(":")
    return answer.removesuffix(".").removesuffix("/")
