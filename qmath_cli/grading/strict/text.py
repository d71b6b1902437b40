r"""The first step of the strict comparison: an answer in one canonical spelling.

Full-width and Chinese signs become ASCII, and equivalent LaTeX commands become one. Removed are phrases that introduce
an answer (`答案是`, `the answer is`), delimiters and layout commands (`$`, `\left`, `\displaystyle`). Units stay, as
`\text{...}`. Text to text; nothing is interpreted.
"""

from __future__ import annotations

import re

from qmath_cli.grading.extract import last_boxed

_WIDE = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width ASCII
# fmt: off
_PUNCTUATION = {
    "　": " ", "\u00a0": " ", "\u2009": " ", "、": ",", "。": ".", "−": "-", "–": "-", "—": "-", "【": "[", "】": "]",
    "“": "", "”": "", "‘": "", "’": "'", "∶": ":",
}
_MATHEMATICS = {
    "×": r"\times ", "÷": r"\div ", "·": r"\cdot ", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ",
    "≠": r"\ne ", "±": r"\pm ", "≈": r"\approx ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∅": r"\emptyset ",
    "°": r"^\circ ", "²": "^2 ", "³": "^3 ", "½": r"\frac{1}{2}", "℃": r"^\circ \text{C}", "∠": r"\angle ",
    "△": r"\triangle ", "θ": r"\theta ", "α": r"\alpha ", "β": r"\beta ", "√": r"\sqrt ", "ℝ": r"\mathbb{R}",
}
# fmt: on
_SIGNS = str.maketrans(_WIDE | _PUNCTUATION | _MATHEMATICS)

_LEADS = re.compile(
    r"^.*(?:答案|结果|得数)\s*(?:应该是|应为|是|为|:)"
    r"|^.*\banswer(?:s are| is|:)"
    r"|^(?:故|应|所以)?选\s*(?:择)?:?(?=\s*\(?[A-E])"
    r"|^(?:therefore|thus|hence|so)\b[\s,:]*"
    r"|^(?:所以|因此|故|解得|即|则)[\s,:]*",
    re.IGNORECASE | re.DOTALL,
)
_SPELLINGS = tuple(
    (re.compile(old), new)
    for old, new in (
        (r"\\\$", r"\\text{dollar}"),
        (r"\$|(?<!\\)\\[()\[\]]", " "),
        (r"\\(?:left|right)(?![a-z])\.?", ""),
        (r"\\(?:[bB]igg?[lrm]?)(?![a-z])", ""),
        (r"\\(?:displaystyle|textstyle|limits|nolimits|strut)(?![a-z])", ""),
        (r"(?<=\d)(?:\{,\}|\\,|\\!,|,\\!|\\ |~)(?=\d{3}(?!\d))", ","),  # separators of thousands
        (r"(?<!\\)\\[,;:!>\s]|\\q?quad(?![a-z])|~", " "),
        (r"\\[dtc]frac(?![a-z])", r"\\frac"),
        (r"\\dbinom|\\tbinom", r"\\binom"),
        (r"\\leq(?:slant)?(?![a-z])", r"\\le"),
        (r"\\geq(?:slant)?(?![a-z])", r"\\ge"),
        (r"\\neq(?![a-z])", r"\\ne"),
        (r"\\lt(?![a-z])", "<"),
        (r"\\gt(?![a-z])", ">"),
        (r"\\(?:varnothing|O)(?![a-zA-Z])", r"\\emptyset"),
        (r"\\(?:reals|R)(?![a-zA-Z])|\\(?:bf|mathbf|mathrm)\{?\s*R\s*\}?", r"\\mathbb{R}"),
        (r"\\mathbb\s+R", r"\\mathbb{R}"),
        (r"\\lbrace", r"\\{"),
        (r"\\rbrace", r"\\}"),
        (r"\\(?:colon)(?![a-z])", ":"),
        (r"\\(?:mathrm|operatorname|mathit|rm)\s*\{\s*([A-Za-z])\s*\}(?=\s*[_^(]|$)", r"\1"),
        (r"\\(?:mbox|textrm|textbf|textit|mathrm|operatorname|hbox|rm)\s*\{", r"\\text{"),
        (r"\\(?:mathbf|bm|boldsymbol|mathit)\s*\{([^{}]*)\}", r"\1"),
        (r"\^\s*\{?\s*\\circ\s*\}?|\\degree(?![a-z])", r"\\text{degree}"),
        (r"\\%|%", r"\\text{percent}"),
        (r"([_^])\s*(\w)(?=\s+\w)", r"\1{\2}"),
        (r"\\lg(?![a-z])", r"\\log_{10}"),
        (r"\\text\{\s*(or|and|或|和|与|或者)\s*\}", r" \1 "),
        (r"\\text\{([^{}]*)\}", lambda found: rf"\text{{{found[1].strip()}}}"),
    )
)
_ROOT_DIGIT = re.compile(r"\\sqrt\s*(\d|[a-zA-Z](?![a-zA-Z]))")
_FRACTION = re.compile(r"\\frac\s*(?:\{|(\d|[a-zA-Z]))")


def clean(text: str) -> str:
    """`text` in the spelling that `shape` reads; if it contains a box, the content of the last one."""
    text = last_boxed(text) or text
    text = text.translate(_SIGNS).strip()
    text = _LEADS.sub("", text)
    for old, new in _SPELLINGS:
        text = old.sub(new, text)
    text = _ROOT_DIGIT.sub(r"\\sqrt{\1}", text)
    text = _braced(text)
    return _bare_text(re.sub(r"\s+", " ", text).strip(" ,;:").rstrip(" .,;:"))


def _bare_text(text: str) -> str:
    r"""The content of an answer that is one `\text{...}` and nothing else; any other answer unchanged."""
    whole = re.fullmatch(r"\\text\{([^{}]*)\}", text)
    return whole[1].strip(" .") if whole else text


def _braced(text: str) -> str:
    r"""`\frac12`, `\frac1{2}` and `\frac{1}2` with both pairs of braces."""
    done, position = [], 0
    while (found := _FRACTION.search(text, position)) is not None:
        done.append(text[position : found.start()] + r"\frac")
        top, after = _argument(text, found.start() + len(r"\frac"))
        bottom, position = _argument(text, after)
        done.append(f"{{{_braced(top)}}}{{{_braced(bottom)}}}")
    return "".join(done) + text[position:]


def _argument(text: str, start: int) -> tuple[str, int]:
    """The TeX argument at `start`, and the index after it."""
    while start < len(text) and text[start] == " ":
        start += 1
    if start >= len(text) or text[start] != "{":
        command = re.compile(r"\\[a-zA-Z]+(?:\{[^{}]*\})?|.", re.DOTALL).match(text, start)
        return (command[0], command.end()) if command else ("", start)
    depth = 0
    for end in range(start, len(text)):
        depth += (text[end] == "{") - (text[end] == "}")
        if depth == 0:
            return text[start + 1 : end], end + 1
    return text[start + 1 :], len(text)
