"""The words that mathematics is typed with: names of functions and constants, and which runs of letters are words.

A run of letters is a name, a product of single letters, or a word. Promises: a decision for every run, from tables and
simple rules; no guess depends on other runs.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from qmath_cli.mathematics.symbols import SYMBOLS
from qmath_cli.mathematics.tree import Role

_GREEK: Final = """
alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi
psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega
"""
#: Typed names and the LaTeX command that means the same.
COMMANDS: Final = (
    {name: name for name, atom in SYMBOLS.items() if atom.role is Role.FUNCTION and name.isalpha()}
    | {name: name for name in _GREEK.split()}
    | {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "acot": "arccot", "arctg": "arctan", "tg": "tan"}
    | {"ctg": "cot", "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh", "arcsinh": "arsinh", "sqrt": "sqrt"}
    | {"arccosh": "arcosh", "arctanh": "artanh", "cbrt": "cbrt", "abs": "abs", "Abs": "abs", "floor": "floor"}
    | {"ceil": "ceil", "ceiling": "ceil", "log10": "lg", "pi": "pi", "Pi": "pi", "oo": "infty", "inf": "infty"}
    | {"infty": "infty", "infinity": "infty", "Infinity": "infty", "mod": "mod", "choose": "choose", "pm": "pm"}
    | {"factorial": "factorial", "binomial": "binomial", "nCr": "binomial", "nPr": "permutations", "comb": "binomial"}
    | {"neq": "ne", "leq": "le", "geq": "ge", "exp": "exp"}
)
#: Names that are functions only with an argument behind them; elsewhere they are words.
ONLY_CALLED: Final = frozenset(
    {"min", "max", "abs", "floor", "ceil", "sign", "factorial", "binomial", "comb", "deg", "arg", "dim", "gcd", "lcm",
     "sup", "det", "ker", "hom", "Pr"}
)  # fmt: skip
_ATTACHED: Final = "sqrt|arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|ln|lg|log|pi"
#: `sinx`, `2cosA`, `xlnx`, `sinxcosx`: names with at most one letter before and after each.
_WITH_LETTERS: Final = re.compile(rf"(?:[a-zA-Z]?(?:{_ATTACHED})[a-zA-Z]?)+")
_NAME_OR_LETTER: Final = re.compile(rf"{_ATTACHED}|[a-zA-Z]")
#: Words that only look like a name with a letter: `cost` is not cos(t).
_ORDINARY_WORDS: Final = """
cost cosy tank tang tans logs cots sins sect secs pipe pies pick pint spin pile pine sine since epic
"""
_JOINTS: Final = "or and no yes not the all odd any dne DNE OR AND YES NO"
_ENGLISH: Final = """
if is are of in to for at by on as be it we so per mod am pm AM PM day way man men he she my but has had was one two six
ten sum set who how its per out off few
"""
_UNITS: Final = """
cm mm km dm nm kg mg ml dl cl kL mL mol Hz kHz MHz GHz Pa kPa MPa kW MW mW kV mV mA kJ MJ eV kWh ft yd mi lb lbs oz sec
min hr hrs mph kmh kph sq cu usd USD RMB deg rad gal qt pt pts cup cups GB MB kB KB TB bit
"""
#: Short runs that are words wherever they stand; between blanks; and behind a number.
ALWAYS_WORDS: Final = frozenset(_JOINTS.split())
WORDS_BETWEEN_BLANKS: Final = frozenset(_ENGLISH.split())
UNITS_BEHIND_A_NUMBER: Final = frozenset(_UNITS.split())
_BEHIND_A_NUMBER: Final = re.compile(r"(?:[\d)}%π]|\\pi|\b(?:sq|cu|square|cubic|per|in)|/)[\s,\\;:!~(]*$")
_VOWELS: Final = frozenset("aeiouyAEIOUY")


def is_word(run: str, before: str, after: str, *, upright: bool = False) -> bool:
    """Whether a run of letters is a word, and not a product of letters: `apples`, `5 cm`, `no`; not `xyz`, `ax+by`.

    Args:
        run: ASCII letters without a blank, of which no name is a part.
        before: What is written before it.
        after: What is written behind it.
        upright: Whether it is upright text, whose letters are words.
    """
    lower = run.casefold() if run[1:].islower() else run
    if upright or run in ALWAYS_WORDS or lower in ALWAYS_WORDS:
        return True
    if lower in WORDS_BETWEEN_BLANKS and (not before or before[-1] in " ({") and (not after or after[0] in " .,!?)}"):
        return bool(before.strip() or after.strip())
    if run in UNITS_BEHIND_A_NUMBER and _BEHIND_A_NUMBER.search(before):
        return not after[:1].isalnum() or after[:1] in "23"
    if run in {"USD", "RMB"} and after.lstrip()[:1].isdigit():
        return True
    if len(run) < 4 or run.isupper():
        return False
    consecutive = {ord(b) - ord(a) for a, b in pairwise(run)} in ({1}, {-1})
    return not consecutive and bool(_VOWELS & set(run))


def parts(run: str) -> list[str]:
    """A run of letters split where a name has letters attached: `xsinx` is `x`, `sin`, `x`; else the run alone."""
    if run in COMMANDS or run.casefold() in _ORDINARY_WORDS.split() or not _WITH_LETTERS.fullmatch(run):
        return [run]
    return _NAME_OR_LETTER.findall(run)
