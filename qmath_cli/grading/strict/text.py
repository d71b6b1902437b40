r"""The first step of the strict comparison: the answer itself, out of what it is wrapped in.

Removed are boxes, Markdown and mathematics delimiters, phrases that introduce an answer (`答案是`, `the answer is`),
and commands that only size (`\big`, `\displaystyle`). Separators of thousands that are written as such are joined
(`10{,}000`, `1\,000`, `1 000`). Text to text; nothing is interpreted.
"""

from __future__ import annotations

import re

from qmath_cli.grading.extract import last_boxed
from qmath_cli.mathematics.typed.signs import spelled

_MOST_WRAPPERS = 5
_MARKDOWN = re.compile(r"^(\*\*|__|`+|\*)(?!\s)(?P<content>.+?)(?<!\s)\1$", re.DOTALL)
_ONE_TEXT = re.compile(r"^\\(?:text|textbf|textrm|textit|mbox)\s*\{(?P<content>[^{}\\]{2,})\}$", re.DOTALL)
_LEADS = re.compile(
    r"^.*(?:答案|结果|得数)\s*(?:应该是|应为|是|为|:|=)\s*:?"
    r"|^(?:答|解)\s*:"
    r"|^(?:\\text\s*\{)[^{}]*\banswers?\b(?:\s+(?:is|are)\b|\s*:)\s*:?\s*\}"
    r"|^[^{}]*\banswers?\b(?:\s+(?:is|are)\b|\s*:)\s*:?"
    r"|^(?:故|应|所以)?选\s*(?:择)?:?(?=\s*(?:\\text\{)?\(?[A-E])"
    r"|^(?:therefore|thus|hence|so|it is|it's|we (?:get|have|obtain)|i get)\b[\s,:]*(?!that$)"
    r"|^(?:所以|因此|故|解得|可得|即|则|得)[\s,:]*(?=\S)",
    re.IGNORECASE | re.DOTALL,
)
_DELIMITERS = re.compile(r"(?<!\\)\$|(?<!\\)\\[()\[\]]")
_BLANKS = r"\{,\}|\\,\\!|\\!\\,|\\,|\\!,|,\\!\s*|,\\,|\\ |~|\\!"
_THOUSANDS = re.compile(rf"(?<![\d.])(\d{{1,3}})((?:(?:{_BLANKS})\d{{3}})+)(?![\d])")
_SPACED_THOUSANDS = re.compile(r"(?<![\d.,/)}^_] )(?<![\d.,/^_])\b(\d{1,3})((?: \d{3})+)(?![\d/,])(?! \d)")
_SIZES = re.compile(
    r"\\(?:[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits|strut|large|Large|small)(?![a-zA-Z])"
)
_EMPTY_LATEX = re.compile(r"\\(?:left|right)\s*\.(?![\d])")


def clean(text: str) -> str:
    """The answer in `text`, without what it is wrapped in; if there is a box, the content of the last one."""
    text = _unwrapped(text)
    text = spelled(text).strip()
    text = _without_delimiters(_LEADS.sub("", text).strip())
    text = _unwrapped(text)
    text = _THOUSANDS.sub(_joined, text)
    text = _SPACED_THOUSANDS.sub(_joined, text)
    text = _SIZES.sub(" ", text)
    text = re.sub(r"\s+", " ", text).strip(" ,;:").rstrip(" ,;:")
    return _without_stop(text).removeprefix("=").strip()


def _unwrapped(text: str) -> str:
    """`text` without boxes and Markdown around it."""
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
