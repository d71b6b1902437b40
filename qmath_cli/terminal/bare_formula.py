r"""Is a text without delimiters one formula? A line that a program prints, or what `qmath render` is given.

It is one if it has a sign of LaTeX, no words outside `\text` and its like, and only commands that are known. Where this
is wrong, a text is shown as it is.
"""

from __future__ import annotations

import re

from qmath_cli.terminal.maths import understood

_SIGN = re.compile(r"[\\^_]")  # one of these is in every formula that LaTeX draws differently
_COMMAND = re.compile(r"\\[a-zA-Z]{2}")
_NAMED = re.compile(r"\\(?:text|mathrm|operatorname|begin|end)\w*\*?\s*\{[^}]*\}|\\[a-zA-Z]+")
_WORD = re.compile(r"[^\W\d_]{3}")
_SHORT_WORD = re.compile(r"[^\W\d_]{2}")
_QUOTED = re.compile("[\"'`]")


def is_bare_formula(text: str) -> bool:
    """Whether the whole text is one formula, in LaTeX or in signs of it such as `x^2`."""
    prose = _WORD.search(_NAMED.sub(" ", text)) or "\n\n" in text.strip()
    return not prose and bool(_SIGN.search(text)) and understood(text.strip())


def is_printed_latex(row: str) -> bool:
    r"""Whether a line of a program's output is LaTeX, such as `\frac{19}{12}`; a text and Python's `x**2` are not."""
    if not _COMMAND.search(row) or _QUOTED.search(row):
        return False
    return not _SHORT_WORD.search(_NAMED.sub(" ", row)) and is_bare_formula(row)
