r"""Rules that keep a value's form and change its spelling: layout, delimiters, Unicode, plain text, units, words."""

from __future__ import annotations

import re

from tests.grading.rewritings.kinds import (
    Rewrite,
    Rewritten,
    choice,
    integer,
    interval,
    natural,
    number,
    only,
    plain_number,
    sub,
)

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_WIDE = {code: code + 0xFEE0 for code in map(ord, "0123456789,;()[]+-=<>%")}
_OPERATOR = r"\s*(\\(?:leq?|geq?|in|cup)(?![a-z])|(?<=[\w})\]])[-+]|(?<!\\)[=<>;]|(?<!\\),(?!\d{3}(?:,|$)))\s*"
_CHINESE = "零一二三四五六七八九"
_ENGLISH = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


blanks = sub(_OPERATOR, r" \1 ")
"""Blanks around operators, signs of relation and commas."""


def left_and_right(truth: str) -> str | None:
    """Sizes for all brackets but those of an index of a root."""
    fences = re.compile(r"(?<!\\left)(?<!\\right)([()\[\]]|\\[{}])")
    return None if r"\sqrt[" in truth else fences.sub(lambda found: _fence(found[1]), truth)


def _fence(bracket: str) -> str:
    return (r"\left" if bracket in {"(", "[", r"\{"} else r"\right") + bracket


def _around(before: str, after: str = "") -> Rewrite:
    return lambda truth: f"{before}{truth}{after}"


def _plain(truth: str) -> str | None:
    """What a person types for a number: `sqrt(3)`, `pi/4`, `4*sqrt(2)`."""
    if not re.search(r"\\(?:frac|sqrt\{|pi)", truth) or re.search(r"\\sqrt\[|\d\\frac\{?\d|\b(?:or|and)\b", truth):
        return None
    text = re.sub(r"\\(?:left|right)(?![a-z])", "", truth)
    text = re.sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\pi", "π", text).replace(r"\cdot", "*").replace(r"\times", "*")
    for _ in range(3):
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}(?:\s*(?=[a-z]))?", _typed_fraction, text)
    text = re.sub(r"(?<=[\d)π])\s*(?=sqrt|π|\()|(?<=\))\s*(?=[a-z])", "*", text)
    return None if re.search(r"[\\{}]", text) else text.replace("π", "pi")


def _typed_fraction(found: re.Match[str]) -> str:
    """A fraction on one line; in parentheses where a letter follows, because `1/4x` would be something else."""
    text = f"{_group(found[1])}/{_group(found[2])}"
    return f"({text})" if found.string[found.end() :][:1].isalpha() else text


def _group(text: str) -> str:
    return text if re.fullmatch(r"\d+|[a-zπ]|sqrt\(\w+\)", text) else f"({text})"


def _python(truth: str) -> str | None:
    """A polynomial or number with powers, in Python's spelling."""
    if not re.fullmatch(r"[-+\d a-z^{}]+", truth) or "^" not in truth or "cm" in truth:
        return None
    text = re.sub(r"\^\{?(\w)\}?", r"**\1", truth)
    return re.sub(r"(?<=[\da-z])\s*(?=[a-z])", "*", text)


def _chinese_number(truth: str) -> str | None:
    value = integer(truth)
    if value is None or not 0 <= value < 100:
        return None
    tens, ones = divmod(value, 10)
    if not tens:
        return _CHINESE[ones]
    return ("" if tens == 1 else _CHINESE[tens]) + "十" + (_CHINESE[ones] if ones else "")


def _english_number(truth: str) -> str | None:
    value = integer(truth)
    return _ENGLISH[value] if value is not None and 0 <= value < len(_ENGLISH) else None


def _thousands(separator: str) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        value = integer(truth)
        return f"{value:,}".replace(",", separator) if value is not None and abs(value) > 999 else None

    return rewrite


def _letters(separator: str) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        letters = choice(truth)
        return separator.join(letters) if letters else None

    return rewrite


def _inequality(truth: str) -> str | None:
    r"""`[2,3)` as `2\le x<3`; only where a bracket or an infinite end shows that it is no point."""
    ends = interval(truth)
    if ends is None or not ("[" in truth or "]" in truth or "infty" in truth):
        return None
    opening, low, high, closing = ends
    left = "" if "infty" in low else f"{low}{_less(opening == '[')}"
    right = "" if "infty" in high else f"{_less(closing == ']')}{high}"
    return f"{left}x{right}"


def _less(closed: bool) -> str:
    return r"\le " if closed else "<"


SPELLING: tuple[tuple[str, Rewrite], ...] = (
    ("itself", lambda truth: (truth, truth + " ")),
    ("dfrac", sub(r"\\frac", r"\\dfrac")),
    ("tfrac", sub(r"\\frac", r"\\tfrac")),
    ("fraction without braces", sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac\1\2")),
    ("fraction with braces", sub(r"\\frac(\d)(\d)", r"\\frac{\1}{\2}")),
    ("fraction and blanks", sub(r"\\frac\{(\d)\}\{(\d)\}", r"\\frac \1 \2")),
    ("slash", sub(r"(?<![\d}])\\frac\{(\d+)\}\{(\d+)\}$", r"\1/\2")),
    ("slash as a fraction", sub(r"^(\d+)/(\d+)$", r"\\frac{\1}{\2}")),
    ("division sign", sub(r"^(\d+)/(\d+)$", r"\1\\div \2")),
    ("box", _around(r"\boxed{", "}")),
    ("box in a sentence", _around(r"The answer is $\boxed{", "}$.")),
    ("dollars", _around("$", "$")),
    ("display", _around(r"\[", r"\]")),
    ("inline", _around(r"\(", r"\)")),
    ("the answer is", _around("The answer is $", "$.")),
    ("答案是", _around("答案是", "。")),
    ("答案：", _around("答案：")),
    ("full stop", _around("", ".")),
    ("colour", only(number, _around(r"\textcolor{red}{", "}"))),
    ("bold digits", only(plain_number, _around(r"\mathbf{", "}"))),
    ("bold in markdown", _around("**", "**")),
    ("equals sign first", only(number, _around("= "))),
    ("displaystyle", only(number, _around(r"\displaystyle "))),
    ("braces", only(number, _around("{", "}"))),
    ("parentheses", only(number, _around("(", ")"))),
    ("x=", only(number, _around("x="))),
    ("S = ", only(number, _around("S = "))),
    ("blanks", blanks),
    ("no blanks", sub(r"(?<![a-zA-Z,])\s+(?=[^a-zA-Z\s])", "")),
    ("thin spaces", sub(_OPERATOR, r"\\,\1\\,")),
    ("left and right", left_and_right),
    ("no left and right", sub(r"\\(?:left|right)(?![a-z])", "")),
    ("big parentheses", sub(r"^\((.*)\)$", r"\\bigl(\1\\bigr)")),
    ("full-width signs", only(lambda truth: not re.search(r"\\(?!infty)|[/^]", truth), lambda t: t.translate(_WIDE))),
    ("minus sign", sub(r"-", "−")),
    ("superscripts", sub(r"\^(?:\{(\d+)\}|(\d))", lambda found: (found[1] or found[2]).translate(_SUPERSCRIPTS))),
    ("exponents without braces", sub(r"\^\{(\d)\}", r"^\1")),
    ("root sign", sub(r"\\sqrt\{(\d+)\}", r"√\1")),
    ("root sign and parentheses", sub(r"\\sqrt\{(\d+)\}", r"√(\1)")),
    ("root without braces", sub(r"\\sqrt\{(\d)\}", r"\\sqrt\1")),
    ("root and a blank", sub(r"\\sqrt\{(\d)\}", r"\\sqrt \1")),
    ("pi sign", sub(r"\\pi", "π")),
    ("infinity sign", sub(r"\\infty", "∞")),
    ("infinity without plus", sub(r"\+\\infty", r"\\infty")),
    ("union sign", sub(r"\\cup ?", "∪")),
    ("less or equal sign", sub(r"\\leq ?", "≤")),
    ("slanted less or equal", sub(r"\\leq ?", "⩽")),
    ("degree sign", sub(r"\^\{\\circ\}", "°")),
    ("dot as a sign", sub(r"\\cdot ?", "·")),
    ("plain text", _plain),
    ("Python", _python),
    ("upright i", sub(r"(?<![a-zA-Z\\{])i(?![a-zA-Z}])", r"\\mathrm{i}")),
    ("italic i", sub(r"\\mathrm\{i\}", "i")),
    ("italic e", sub(r"\\mathrm\{e\}", "e")),
    ("percent sign", sub(r"(?<!\\)%", r"\\%")),
    ("bare percent sign", sub(r"\\%", "%")),
    ("text units", sub(r"(?<=\d)\s*(?:\\;)?(cm|m)\^\{(\d)\}", r"\\text{ \1}^\2")),
    ("upright units", sub(r"(?<=\d)\s*(?:\\;)?(cm|m)\^\{(\d)\}", r"\\mathrm{~\1}^{\2}")),
    ("no units", sub(r"(?<=\d)\s*(?:\\;)?(?:cm|m)\^\{\d\}$", "")),
    ("a unit", only(natural, _around("", r"\text{ cm}"))),
    ("an upright unit", only(natural, _around("", r"\mathrm{~kg}"))),
    ("a counted thing", only(natural, _around("", r"\text{ apples}"))),
    ("个", only(natural, _around("", "个"))),
    ("元", only(natural, _around("", "元"))),
    ("dollars and cents", only(natural, _around(r"\$", ".00"))),
    ("thousands", _thousands(",")),
    ("thousands in braces", _thousands("{,}")),
    ("thousands and a thin space", _thousands(r"\,")),
    ("thousands and a blank", _thousands(" ")),
    ("thousands as in MATH", _thousands(r",\! ")),
    ("no thousands", sub(r"^(\d{1,3}),(\d{3})(?:,(\d{3}))?$", r"\1\2\3")),
    ("Chinese numeral", _chinese_number),
    ("number word", _english_number),
    ("a.m.", sub(r" ?am$", " a.m.")),
    ("choice in parentheses", only(choice, _around("(", ")"))),
    ("choice as text", only(choice, _around(r"\text{", "}"))),
    ("choice and a full stop", only(choice, _around("", "."))),
    ("选", only(choice, _around("故选：", "。"))),
    ("choices with commas", _letters(", ")),
    ("choices with 、", _letters("、")),
    ("choices without blanks", _letters("")),
    ("inequality for an interval", _inequality),
)
