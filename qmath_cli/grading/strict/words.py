"""Answers that are not mathematics: choice letters, yes and no, names, in English and Chinese."""

from __future__ import annotations

import re

from qmath_cli.grading.number_words import digits, is_number

_LETTERS = re.compile(r"(?:both )?\(?([A-E])\)?(?:(?:,| and |和|与|、|\s)*\(?([A-E])\)?)*", re.DOTALL)
_CIRCLED = re.compile(r"(?:[①-⑳](?:[\s,、]|和|与|and)*)+")
_OPTION = re.compile(
    r"(?:(?:option|choice|answer|选项|选)\s*)?(?:\(\s*([A-Ea-e])\s*\)|([A-Ea-e]))(?:\s*(?:选项|项))?", re.IGNORECASE
)
_OPTION_WITH_TEXT = re.compile(r"(?:\(([A-Ea-e])\)\s*|([A-Ea-e])\s*[.:),、]\s*)(?P<text>\S.*)", re.DOTALL)
_CORRECT = re.compile(
    r"\s*(?:(?:is|are) (?:the )?(?:correct|right|true)(?: (?:one|answer|option|choice)s?)?|正确|对|only|选项)$"
)
_ALTERNATIVES = re.compile(r"\b[A-E]\b.*\bor\b.*\b[A-E]\b|[A-E].*或.*[A-E]")
_WRONG = re.compile(r"(?i)\b(?:wrong|false|incorrect|not)\b|错|不")
_STYLE = re.compile(r"\\(?:text|textbf|textrm|textit|mathrm|mathbf|mathit|boldsymbol|bf|rm|bm|mbox)\s*\{([^{}]*)\}")
_SYNONYMS = (
    {"yes", "true", "correct", "right", "是", "对", "正确", "能", "可以", "成立", "是的", "真", "√", "✓", r"\sqrt",
     r"\checkmark", "对的", "会", "yes it is"},
    {"no", "false", "incorrect", "wrong", "否", "错", "错误", "不是", "不能", "不可以", "不成立", "不对", "假",
     "不正确", "×", "✗", r"\times", "错的", "not true", "not correct", "no it is not", "不会"},
    {"dne", "does not exist", "undefined", "不存在", "doesn't exist"},
    {"infinity", "infinite", "infinitely many", "无数", "无数个", "无穷多", "无穷多个", "无数多个", "无限个"},
    {"cannot be determined", "can not be determined", "无法确定", "不能确定", "不确定", "undetermined"},
    {"充要条件", "充分必要条件", "充要", "充分必要", "necessary and sufficient condition", "necessary and sufficient"},
    {"充分不必要条件", "充分不必要", "充分而不必要条件", "充分非必要条件", "充分但不必要条件",
     "sufficient but not necessary condition"},
    {"必要不充分条件", "必要不充分", "必要而不充分条件", "必要非充分条件", "必要但不充分条件",
     "necessary but not sufficient condition"},
    {"既不充分也不必要条件", "既不充分又不必要条件", "既不充分也不必要", "既非充分也非必要条件",
     "neither sufficient nor necessary condition",
     "neither necessary nor sufficient condition"},
)  # fmt: skip
_WEEKDAYS = str.maketrans({"周": "星期"})
_FILLERS = re.compile(r"\b(?:the|a|an|is|are|it|its|of|on|in)\b|[\s.,;:!?()'\"-]+|\\[a-z]+|[{}的是为]")
_JOINTS = re.compile(r"\s*(?:,|、|;|\band\b|\bor\b|和|与|或|及)\s*")


def letters(text: str, *, lenient: bool = False) -> frozenset[str]:
    """The choice letters A-E, or circled numbers, that `text` consists of, in any order; empty if it is anything else.

    With `lenient` a whole option (`B. 12`, `(c)`, `B选项`) counts as its letter, unless it says that it is wrong.
    """
    text = re.sub(r"\\textcircled\s*\{?(\d)\}?", lambda found: chr(ord("①") + int(found[1]) - 1), text)
    text = re.sub(r"\\(?:left|right)(?![a-z])|\\[ ,;]|~", " ", _STYLE.sub(r"\1", _STYLE.sub(r"\1", text)))
    text = _CORRECT.sub("", text.strip(" .{}")).strip(" .{}")
    if _LETTERS.fullmatch(text):
        found = re.findall("[A-E]", text)
        return frozenset(found) if len(set(found)) == len(found) else frozenset()
    if _CIRCLED.fullmatch(text):
        return frozenset(re.findall("[①-⑳]", text))
    if _ALTERNATIVES.search(text):
        return frozenset()
    option = _OPTION.fullmatch(text)
    if option and (lenient or (option[1] or option[2]).isupper()):
        return frozenset((option[1] or option[2]).upper())
    whole = _OPTION_WITH_TEXT.fullmatch(text)
    known = whole is not None and not _WRONG.search(whole["text"]) and (lenient or whole[1] is not None)
    return frozenset((whole[1] or whole[2]).upper()) if whole is not None and known else frozenset()


def same_words(left: str, right: str) -> bool:
    """Whether two texts are equal: without articles, blanks and punctuation, as synonyms, or as number words.

    Several words between commas or `and` may be in any order.
    """
    if _canonical(left) == _canonical(right):
        return True
    if is_number(left) and is_number(right):
        return digits(left) == digits(right)
    parts = [[_canonical(one) for one in _JOINTS.split(text)] for text in (left, right)]
    return len(parts[0]) > 1 and sorted(parts[0]) == sorted(parts[1])


def _canonical(text: str) -> str:
    text = re.sub(r"^(?:an?|the)\s+", "", text.strip(" .!'\"").casefold().translate(_WEEKDAYS))
    plain = re.sub(r"\s+(?:an?|the)\s+", " ", re.sub(r"[,;]", "", text))
    for number, group in enumerate(_SYNONYMS):
        if text in group or plain in group:
            return f"#{number}"
    return _FILLERS.sub("", text) or text
