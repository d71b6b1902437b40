r"""Spellings that the tree has no sign for, as those that it has: `+-2`, `3比2`, `5th`, `]0,1]`, `\SI{5}{cm}`, `12 V`.

Text to text, before the reader; each pattern names one habit of writers.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LETTER_UNIT = r"(?P<unit>m|s|g|h|V|W|N|J|A|K|L)(?P<power>\^?\{?[23]?\}?)"
_LONG_NUMBER = r"[-+]?\d+(?:,\d{3})*(?:\.\d+|,\d{3})"  # no product with a letter is written so
_NUMERIC = r"[-+]?(?:[\d.,/(){}^]|\\(?:pi|[dt]?frac|sqrt|times|cdot)(?![a-z])|\s(?=\\|\d))+"
_SPELLINGS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\+/?-(?=\s*[\d(\\a-z])"), r"\\pm "),
    (re.compile(r"\.\.\.+|……?"), r"\\ldots "),
    (re.compile(r"^(?:minus|negative|负|零下)\s*(?=[\d(\\])", re.IGNORECASE), "-"),
    (re.compile(r"^(?:the |第)?(\d+)(?:\s*\^?\s*\{?(?:\\text\s*\{)?(?:st|nd|rd|th)\}?\}?)$"), r"\1"),
    (re.compile(r"(?<=\d)\s*(?:比|\\text\s*\{\s*to\s*\}| to )\s*(?=\d)"), ":"),
    (re.compile(r"(?<=\))\s*&\s*(?=\()"), r" \\wedge "),
    (re.compile(r"^(\([^()]*[<>][^()]*\))\s*\|\s*(\([^()]*[<>][^()]*\))$"), r"\1 \\vee \2"),
    (re.compile(r"^\]([^\[\]()]+,[^\[\]()]+)\[$"), r"(\1)"),
    (re.compile(r"^\]([^\[\]()]+,[^\[\]()]+)\]$"), r"(\1]"),
    (re.compile(r"^([^\[\]()]*)([(\[])([^\[\]()]+,[^\[\]()]+)\[$"), r"\1\2\3)"),
    (re.compile(r"^(?:点|坐标|(?:the )?points?)\s*(?:[A-Z]\s*)?(?=\()"), ""),
    (re.compile(r"\\(?:unit|si)\s*\{"), r"\\text{"),
    (re.compile(r"\\(?:SI|qty)\s*\{([^{}]*)\}\s*\{"), r"\1\\text{"),
    (re.compile(r"\\textdollar(?![a-z])"), r"\\$"),
    (re.compile(r"\*\*([^*]*[:：])\s*\*\*|\*\*([^*]*)\*\*\s*:"), r"\1\2"),
    (re.compile(r"^(\d+(?:\.\d+)?)\s*(h|hr|kg|km|m|d|L|ft)\s*(\d+(?:\.\d+)?)\s*(min|m|g|s|mL|cm|in)$"), lambda found: (
        rf"{found[1]}\text{{ {found[2]} }}{found[3]}\text{{ {'min' if found[2][0] == 'h' else found[4]}}}")),
    (re.compile(r"^(?P<value>[-+]?\d[\d,]*(?:\.\d+)?)(?P<unit>m/s(?:\^?\{?2\}?)?)$"), r"\g<value>\\text{ \g<unit>}"),
    (re.compile(rf"^(?P<value>{_LONG_NUMBER}){_LETTER_UNIT}$"), r"\g<value>\\text{ \g<unit>\g<power>}"),
    (re.compile(r"\^\{(\d+)\}/_\{(\d+)\}"), r"\\frac{\1}{\2}"),
    (re.compile(rf"^(?P<value>{_NUMERIC})(?:\s|\\[ ,;:])+{_LETTER_UNIT}$"), r"\g<value>\\text{ \g<unit>\g<power>}"),
)  # fmt: skip


def respelled(text: str) -> str:
    """`text` with these spellings replaced."""
    for pattern, plain in _SPELLINGS:
        text = pattern.sub(plain, text)
    return text
