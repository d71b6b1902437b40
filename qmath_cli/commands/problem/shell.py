r"""What a shell has done to a problem on the command line, as far as the text still shows it.

Inside double quotes a POSIX shell replaces `$x` by nothing, `$10` by `0`, `$$` by its process number and `\\` by `\`;
outside quotes it removes backslashes and replaces `*` by the names of files and `~` by the home folder (POSIX.1-2017,
Shell Command Language, 2.2 and 2.6). Only what a whole problem practically never contains counts as a trace, so not
every change is found: `$150` that has become `50` looks like any other number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_AROUND = 16  # characters before and after a trace that are shown with it

#: Formulas with both delimiters. A dollar sign before a blank opens one if no prose follows, and none before a comma.
_FORMULA = re.compile(
    r"""\\\(.*?\\\) | \\\[.*?\\\] | \$\$.+?\$\$
      | \$(?![\s,;:?!)。，；]|\.(?!\d))(?:\\.|[^$\\\n])*?(?<!\s)\$(?!\d)
      | \$(?:\\(?:text|mbox|mathrm)\{[^{}]*\}|\\[A-Za-z]+|\\.|(?![A-Za-z]{2}|[\u4e00-\u9fff，。；：]{2})[^$\\\n])*\$
      | \$(?!\s)(?:\\.|[^$\\\n])+\n(?:\\.|[^$\\\n])+(?<!\s)\$(?![\w\\(\[])""",
    re.VERBOSE | re.DOTALL,
)
_FUNCTION = r"(?:a(?:rc)?)?(?:sin|cos|tan|cot|sec|csc)h?\b|log\b|l[ng]\b"
_MONEY = (
    r"(?:costs?|pays?|paid|spends?|spent|earns?|earned|charges?|charged|worth|sells? for|sold for"
    r"|(?:price|cost|value|total|bill) (?:is|of|was))"
)

#: Traces outside formulas.
_IN_PROSE = (
    # the first letters and the opening dollar sign are gone, of `$x^2$`, `$M=N$` or `$f(x)=1$`
    rf"(?:\A|[(=,]\s?|(?<![\\A-Za-z])(?!{_FUNCTION})[A-Za-z]{{2,}}[,:]?\s)\^(?=[\w{{(\\])",
    r"(?<![\w…)\]}\s])\s?=(?![=$\s])[^\s$…]+\$(?!\d)",
    # a dollar sign that closes what nothing opened (`x+1$`), or that stands alone (`Let $ be`)
    r"(?:[a-z)}\]]|[=+*/<>^-]\s?\d+)\$(?!\w|\s?[\d.])",
    r"(?<![\d\s]\s)(?<!\S)\$(?=[\s,;:?!)]|\.(?!\d)|\Z)(?!\s+\.?\d)",
    # an amount of money without its amount: `costs  and`, `costs .`, `costs 0 and`; `$1,500` as `,500`, `$100` as `00`
    rf"\b{_MONEY}(?:[ ]{{2,}}(?=\w)|[ ](?=[.,;?!](?:\s|\Z))"
    r"|[ ]0+(?=\s|[.,;?!](?:\s|\Z))(?! (?:dollars|cents|euros|pounds|yuan|hours|minutes|days)))",
    r"[a-z][ ]{2}(?:per|each|left)\b|[a-z][ ]{2}(?:and|or)[ ](?:0\b|[ ])",
    r"(?<=[a-z][ ])(?:0*,\d{3}|\.\d0)\b",
    r"(?<=[a-z][ ])00+\b(?!\s?[\d:])",
    # `$0` and `$-` are the shell's name and its options
    r"(?<![\w-])-?(?:bash|zsh|sh|dash)(?=[.\d$])",
    r"(?<![A-Za-z])(?:himBHs?|hBc)(?![A-Z])",
)
#: Traces anywhere: commands without their backslash, and rows whose `\\` are halved.
_ANYWHERE = (
    r"(?<![\\A-Za-z])(?:[dt]?frac|sqrt|begin|text|overline|mathbb|mathrm|vec|boxed)\{",
    r"\\begin\{(?:[a-zA-Z]*matrix|cases|array|align|aligned)\*?\}(?:(?!\\\\|\\end|\\cr).)*\\[\s\d]"
    r"(?:(?!\\\\|\\end|\\cr).)*\\end",
)
_PROSE_TRACE = re.compile("|".join(_IN_PROSE))
_TRACE = re.compile("|".join(_ANYWHERE), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a shell inserts: the number of its process, the home folder, and the names that `*` stands for."""

    process: int
    home: str
    names: frozenset[str]

    @classmethod
    def current(cls) -> Surroundings:
        """Those of the shell that started this process."""
        try:
            names = frozenset(name for name in os.listdir() if not name.startswith("."))
            return cls(os.getppid(), str(Path.home()), names)
        except (OSError, RuntimeError):  # the folder is gone; there is no home
            return cls(os.getppid(), "", frozenset())


def trace(words: Sequence[str], around: Surroundings) -> str | None:
    """The part of a problem that shows what a shell did to it; None where the problem looks whole.

    Args:
        words: The problem as the process was given it: one argument, or several.
        around: What this shell inserts.
    """
    return _inserted(words, around) or _removed(" ".join(words).strip())


def _inserted(words: Sequence[str], around: Surroundings) -> str | None:
    if around.home.strip("/") and around.home in words:
        return around.home
    if len(around.names) > 1 and around.names <= set(words):
        return " ".join(sorted(around.names)[:2])
    number = str(around.process)
    pair = re.search(rf"(?<!\d){number}\D.*?{number}(?!\d)", " ".join(words), re.DOTALL)
    return number if pair and len(number) > 2 else None


def _removed(text: str) -> str | None:
    for pattern, seen in ((_TRACE, text), (_PROSE_TRACE, _FORMULA.sub("…", text))):
        if found := pattern.search(seen):
            return " ".join(seen[max(0, found.start() - _AROUND) : found.end() + _AROUND].split(" "))
    return None
