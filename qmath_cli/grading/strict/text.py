r"""The first step of the strict comparison: the answer itself, out of what it is wrapped in.

Removed are boxes, Markdown and mathematics delimiters, phrases that introduce an answer (`答案是`, `the answer is`),
and commands that only size (`\big`, `\displaystyle`). Separators of thousands that are written as such are joined
(`10{,}000`, `1\,000`, `1 000`). Text to text; nothing is interpreted.
"""

from __future__ import annotations

import re

from qmath_cli.grading.extract import last_boxed
from qmath_cli.grading.strict.phrases import without_introduction
from qmath_cli.grading.strict.spellings import respelled
from qmath_cli.mathematics.typed.signs import spelled

_MOST_WRAPPERS = 5
_MARKDOWN = re.compile(r"^(\*\*|__|`+|\*|\"|')(?!\s)(?P<content>.+?)(?<!\s)\1$", re.DOTALL)
_ONE_TEXT = re.compile(r"^\\(?:text|textbf|textrm|textit|mbox)\s*\{(?P<content>[^{}\\]{2,})\}$", re.DOTALL)
_MIXED = re.compile(r"(?<=\d)\s*又\s*(?=\d|\\[dt]?frac)")
_CONTROL_SPACE = re.compile(r"(?<!\\)\\(?=\s|\Z)(?!\s\d{3}(?!\d))")
_DELIMITERS = re.compile(r"(?<!\\)\$|(?<!\\)\\[()\[\]]")
_BLANKS = r"\{,\}|\\!,\\!|\\;|\\:|\\,\\!|\\!\\,|\\,|\\!,|,\\!\s*|,\\,|\\ |~|\\!"
_THOUSANDS = re.compile(rf"(?<![\d.])(\d{{1,3}})((?:(?:{_BLANKS})\d{{3}})+)(?![\d])")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,/)}^_] )(?<![\d.,/^_])\b(\d{1,3})((?: \d{3})+)(?![\d/,])(?! \d)")
_SIZES = re.compile(
    r"\\(?:[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|strut|large|Large|small)(?![a-zA-Z])"
)
_EMPTY_LATEX = re.compile(r"\\(?:left|right)\s*\.(?![\d])")


def clean(text: str) -> str:
    """The answer in `text`, without what it is wrapped in; if there is a box, the content of the last one."""
    text = _unwrapped(_CONTROL_SPACE.sub(" ", text))
    text = spelled(text).strip()
    text = _without_delimiters(without_introduction(text).strip())
    text = _unwrapped(text)
    text = _MIXED.sub(" ", text)
    text = respelled(text)
    text = _THOUSANDS.sub(_joined, text)
    text = _SPACED_THOUSANDS.sub(_joined, text)
    text = _SIZES.sub(" ", text)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"^[ ,;:#>]+|(?<!\\)[ ,;:]+$", "", re.sub(r"\\[;:,!>]$|^\\[;:,!>]", "", text))
    return _without_stop(text).removeprefix("=").strip()


def _unwrapped(text: str) -> str:
    """`text` without boxes, quotes and Markdown around it."""
    for _ in range(_MOST_WRAPPERS):
        text = text.strip()
        inner = last_boxed(text)
        marked = _MARKDOWN.match(text) or _ONE_TEXT.match(text)
        if inner is None and marked is None:
            break
        text = inner if inner is not None else marked["content"] if marked is not None else text
    return text


def _without_delimiters(text: str) -> str:
    r"""`text` without `$` and `\(`; a single `$` before a number is the currency."""
    if len(re.findall(r"(?<!\\)\$", text)) % 2:
        text = re.sub(r"(?<!\\)\$(?=\s*[\d.])", r"\\$", text, count=1)
    return _DELIMITERS.sub(" ", text).strip()


def _joined(found: re.Match[str]) -> str:
    return found[1] + re.sub(r"\D", "", found[2])


def _without_stop(text: str) -> str:
    r"""`text` without the full stop at its end; `2.` is 2, but `\right.` and `p.m.` keep theirs."""
    if text.endswith(".") and not re.search(r"(?:[ap]\.\s?m|\.\.|\\right\s*)\.$", text):
        return text[:-1].rstrip(" ,;:")
    return text
