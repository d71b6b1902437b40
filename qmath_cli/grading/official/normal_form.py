r"""The official normal form of an answer, which Qwen's evaluation computes before it compares two answers.

Reproduces the effect, step by step and in order, of `strip_string` in QwenLM/Qwen2.5-Math, evaluation/parser.py (MIT).
The published scores depend on the order and on defects, which are kept and marked. Promises: no exceptions, no sympy.
For other purposes than published scores use the strict rules (`strict.text`).
"""

from __future__ import annotations

import re
from functools import lru_cache

from qmath_cli.grading.number_words import digits
from qmath_cli.grading.official.units import without_units

_ARRAY_BEGIN = re.compile(r"\\begin\{array\}\{.*?\}")
_LAST_TEXT = re.compile(r"\\text{.*?}$")
_TEXT = re.compile(r"\\text\{(.*?)\}")
_MBOX = re.compile(r"\\mbox{.*?}")
_ZERO_DECIMALS = re.compile(r"(\d+)\.0*([^\d])")
_ZERO_DECIMALS_AT_END = re.compile(r"(\d+)\.0*$")
_BARE_ROOT = re.compile(r"\\sqrt(\w+)")

_SHAPES = (  # equivalent spellings
    ("bmatrix", "pmatrix"),
    ("tfrac", "frac"),
    ("dfrac", "frac"),
    (r"\neq", r"\ne"),
    (r"\leq", r"\le"),
    (r"\geq", r"\ge"),
    (r"\left", ""),  # also eats the start of \leftarrow
    (r"\right", ""),
    (r"\{", "{"),  # a set becomes a TeX group
    (r"\}", "}"),
)
_SIGNS = (("^{\\circ}", ""), ("^\\circ", ""), (r"\$", ""), ("$", ""), (r"\(", ""), (r"\)", ""))
_NAMES = (
    *((f"{letter}{sign}", "") for sign in ("=", r"\in", r"\to") for letter in "xyz"),
    (r"\emptyset", "{}"),
    (r"(-\infty,\infty)", r"\mathbb{R}"),
    (r"\%", ""),  # 10% becomes 10
    ("%", ""),
    (" .", " 0."),
    ("{.", "{0."),
)


@lru_cache(maxsize=4096)
def normalise(text: str, *, keep_units: bool = False) -> str:
    """The normal form of `text`; `keep_units` is for the data sets that Qwen exempts (carp_en, minerva_math)."""
    text = _shapes(text.strip())
    text = _without_last_text(text)
    text = text if keep_units else without_units(text)
    text = digits(_replaced(text, _SIGNS))
    text = _replaced(_TEXT.sub(r"\1", text), _NAMES)
    text = _words(text)
    return _numbers(text)


def _replaced(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for old, new in table:
        text = text.replace(old, new)
    return text


def _shapes(text: str) -> str:
    text = text.replace("\n", "").rstrip(".").replace(r"\!", "")
    text = _ARRAY_BEGIN.sub(r"\\begin{pmatrix}", text).replace(r"\end{array}", r"\end{pmatrix}")
    return _replaced(text, _SHAPES)


def _without_last_text(text: str) -> str:
    r"""Remove a final `\text{...}`, which counts as a unit, unless nothing would remain."""
    return _LAST_TEXT.sub("", text).strip() or text


def _words(text: str) -> str:
    text = text.replace("infinity", r"\infty")
    if r"\infty" not in text:
        text = text.replace("inf", r"\infty")
    text = _MBOX.sub("", text.replace("and", "").replace(r"\mathbf", ""))
    return text.replace("j", "i") if "j" in text and "i" not in text else text


def _numbers(text: str) -> str:
    text = _ZERO_DECIMALS_AT_END.sub(r"\1", _ZERO_DECIMALS.sub(r"\1\2", text))
    if not text:
        return text
    text = f"0{text}" if text.startswith(".") else text
    left, _, right = text.partition("=")
    if text.count("=") == 1 and len(left) <= 2:
        text = right
    text = _BARE_ROOT.sub(r"\\sqrt{\1}", text).replace(" ", "")
    return _slashed(_braced_fractions(text))


def _braced_fractions(text: str) -> str:
    r"""`\frac12` and `\frac1{72}` with braces; text that ends inside a fraction is unchanged."""
    first, *rest = text.split(r"\frac")
    parts = [first]
    for part in rest:
        if part.startswith("{"):
            parts.append(part)
        elif len(part) < 2:
            return text
        elif part[1] == "{":
            parts.append(f"{{{part[0]}}}{part[1:]}")
        else:
            parts.append(f"{{{part[0]}}}{{{part[1]}}}{part[2:]}")
    return r"\frac".join(parts)


def _slashed(text: str) -> str:
    r"""`a/b` as `\frac{a}{b}` if both sides are plain integers or contain `sqrt`."""
    top, slash, bottom = text.partition("/")
    plain = slash and "/" not in bottom and all("sqrt" in side or _is_plain_integer(side) for side in (top, bottom))
    return rf"\frac{{{top}}}{{{bottom}}}" if plain else text


def _is_plain_integer(text: str) -> bool:
    return re.fullmatch(r"0|-?[1-9][0-9]*", text) is not None
