"""The official reading of a response: the answer that Qwen's evaluation extracts from it, oddities included.

Reproduces the effect of `extract_answer` and `choice_answer_clean` (evaluation/parser.py) and of the corrections for
choice questions (evaluation/math_eval.py) in QwenLM/Qwen2.5-Math (MIT), so that scores can be compared with the
published ones. Promises: no exceptions, no sympy. The rules depend on the name of the data set; an unknown name gets
the general rules. `match` compares the answers.
"""

from __future__ import annotations

import re

from qmath_cli.grading.official.normal_form import normalise

_CHOICE_SETS = frozenset({"mmlu_stem", "sat_math", "aqua", "gaokao2023"})
_UNIT_SETS = frozenset({"carp_en", "minerva_math"})  # answers keep their units

_LETTERS = "ABCDE"
_LETTER = re.compile(r"\b[A-E]\b")
_TRIGGERS = ("choice is", "answer is")
_NUMBER = re.compile(r"-?\d*\.?\d+")


def extract(response: str, dataset: str = "", reference: str = "") -> str:
    """Extract the answer of a response.

    Args:
        response: The whole response.
        dataset: The name of the data set.
        reference: The expected answer, which the official rules use for choice questions: if it is one letter, one
            letter is searched for, if necessary in the whole response; if it is several, only letters are kept.

    Returns:
        The answer in normal form; empty if there is none.
    """
    answer = normalise(_extract_once(response, dataset), keep_units=dataset in _UNIT_SETS)
    return _as_letters(answer, response, reference)


def reference_of_solution(solution: str, dataset: str = "") -> str:
    """The expected answer of a data set that stores worked solutions, normalised once (`extract` does so twice)."""
    return _extract_once(solution, dataset)


def reference_of_answer(answer: str, dataset: str = "") -> str:
    """The expected answer of a data set that stores answers, in the form in which answers are compared."""
    if dataset in _UNIT_SETS:
        return answer.replace(r"\neq", r"\ne").replace(r"\leq", r"\le").replace(r"\geq", r"\ge")
    return normalise(answer)


def _extract_once(response: str, dataset: str) -> str:
    if dataset in _CHOICE_SETS:
        return _choice(response)
    stated = _tidy(_stated(response.replace("ки", "")))
    return normalise(stated, keep_units=dataset in _UNIT_SETS)


def _choice(response: str) -> str:
    """The letter A-E that a response chooses: the first after the last trigger, else the last separate one.

    The English article counts as a letter. Without any letter, the text itself is the answer.
    """
    text = response.strip("\n")
    if any(text.count(trigger) > 1 for trigger in _TRIGGERS):  # the response continues with further questions
        text = text.split("\n\n")[0]
    _, *after = re.split("|".join(_TRIGGERS), text)
    text = (after[-1] if after else text).strip("\n").rstrip(".").rstrip("/").strip(" ").lstrip(":")
    letters = _LETTER.findall(text.upper())
    if letters:
        return str(letters[0] if after else letters[-1])
    return text.strip().strip(".").rstrip(".").rstrip("/")


def is_letters(answer: str) -> bool:
    """Whether an answer consists of choice letters only; also true of the empty answer."""
    return all(sign in _LETTERS for sign in answer)


def _as_letters(answer: str, response: str, reference: str) -> str:
    if reference and reference in set(_LETTERS):
        return answer if answer in set(_LETTERS) else _choice(response)
    if reference and is_letters(reference) and not is_letters(answer):
        return "".join(sign for sign in answer if sign in _LETTERS)
    return answer


def _stated(text: str) -> str:
    """The raw answer, from the first of the official patterns that the text contains."""
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
    """The content of the last box: its group, up to the end if that is not closed, or the text up to a dollar sign."""
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
