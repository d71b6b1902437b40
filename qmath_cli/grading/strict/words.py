"""Answers that are not mathematics: choice letters, yes and no, names, in English and Chinese."""

from __future__ import annotations

import re

from qmath_cli.grading.number_words import digits

_LETTERS = re.compile(r"\(?([A-E])\)?(?:(?:,| and |和|与|、|\s)*\(?([A-E])\)?)*", re.DOTALL)
_LETTER_FIRST = re.compile(
    r"(?:(?:option|choice|answer|选项|选)\s*)?\(?([A-Ea-e])\)?(?:(?:选项|项)|[.:,)\s].*)?", re.IGNORECASE | re.DOTALL
)
_CIRCLED = re.compile(r"(?:[①-⑳][\s,和与、]*)+")
_STYLE = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mathit|boldsymbol|bf|rm|bm|mbox)\s*\{([^{}]*)\}")
_SYNONYMS = (
    {"yes", "true", "correct", "是", "对", "正确", "能", "可以", "成立", "是的", "真", "√"},
    {"no", "false", "incorrect", "wrong", "否", "错", "错误", "不是", "不能", "不可以", "不成立", "不对", "假"},
    {"dne", "does not exist", "undefined", "不存在"},
)
_FILLERS = re.compile(r"\b(?:the|a|an|is|are|it|its|of)\b|[\s.,;:!?()'\"-]+|\\[a-z]+|[{}的是为]")


def letters(text: str, *, lenient: bool = False) -> frozenset[str]:
    """The choice letters A-E, or circled numbers, that `text` consists of, in any order; empty if it is anything else.

    With `lenient` a whole option (`B. 12`, `(c)`, `B选项`) counts as its letter.
    """
    text = re.sub(r"\\textcircled\s*\{?(\d)\}?", lambda found: chr(ord("①") + int(found[1]) - 1), text)
    text = re.sub(r"\\[ ,;]", " ", _STYLE.sub(r"\1", _STYLE.sub(r"\1", text))).strip(" .{}")
    if _LETTERS.fullmatch(text):
        found = re.findall("[A-E]", text)
        return frozenset(found) if len(set(found)) == len(found) else frozenset()
    if _CIRCLED.fullmatch(text):
        return frozenset(re.findall("[①-⑳]", text))
    option = _LETTER_FIRST.fullmatch(text) if lenient else None
    return frozenset(option[1].upper()) if option else frozenset()


def same_words(left: str, right: str) -> bool:
    """Whether two texts are equal: without articles, blanks and punctuation, as synonyms, or as number words."""
    return _canonical(left) == _canonical(right) or digits(left) == digits(right)


def _canonical(text: str) -> str:
    text = text.strip(" .!").casefold()
    for number, group in enumerate(_SYNONYMS):
        if text in group:
            return f"#{number}"
    return _FILLERS.sub("", text) or text
