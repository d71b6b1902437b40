r"""The last step of the official comparison: whether two texts are the same expression.

After `symbolic_equal` in QwenLM/Qwen2.5-Math, evaluation/grader.py (MIT). The original tries sympy's LaTeX parser
(antlr 4.11 only), then `parse_expr`, then its own latex2sympy. Here latex2sympy2_extended replaces both LaTeX parsers
and comes first. `parse_expr` evaluates Python, so it gets only texts over an alphabet that can express nothing but
arithmetic, with a fixed set of names. For the same reason a text that no parser accepts is compared as text only:
sympy's operations evaluate strings, which the original permits.

May take any time and memory: call it only in a process that can be killed (`child`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isclose
from typing import Any

# Names, numbers and operators; a dot only inside a number, no underscore, no quote, no bracketed index.
_ARITHMETIC = re.compile(r"(?:[A-Za-z]+|\d+(?:\.\d*)?|\.\d+|\*\*|[-+*/^()=<>,{}! ])*")
_FUNCTIONS = ("sqrt", "sin", "cos", "tan", "log", "ln", "exp", "Abs", "pi", "E", "oo")
_BUILDERS = ("Symbol", "Integer", "Float", "Rational", "Function", "factorial")


def symbolic_equal(left: str, right: str) -> bool:
    """Whether two texts are equal as expressions: by algebra, as equations, as numbers or as rounded matrices."""
    a, b = _parse(left), _parse(right)
    if isinstance(a, str) or isinstance(b, str):
        return str(a) == str(b)
    return any(_holds(test, a, b) for test in (_same, _simplifies, _equation, _numeric, _matrix))


def _parse(text: str) -> Any:  # noqa: ANN401  a sympy object, or the text itself if no parser accepts it
    for parse in (_latex, _expression):
        for spelling in (text.replace("\\\\", "\\"), text):
            try:
                return parse(spelling)
            except Exception:  # noqa: BLE001, S112  the parsers may raise anything
                continue
    return text


def _latex(text: str) -> Any:  # noqa: ANN401
    """Parse as the original's parsers do: `pi` is a name without a value; sets and plus-minus are rejected."""
    import sympy
    from latex2sympy2_extended import latex2sympy

    found = latex2sympy(text)
    if isinstance(found, sympy.Set) or r"\pm" in text:
        raise ValueError(text)
    return found.subs(sympy.pi, sympy.Symbol("pi"))


def _expression(text: str) -> Any:  # noqa: ANN401
    import sympy

    if not _ARITHMETIC.fullmatch(text):
        raise ValueError(text)
    names = {name: getattr(sympy, name) for name in (*_FUNCTIONS, *_BUILDERS)} | {"__builtins__": {}}
    return sympy.parse_expr(text, local_dict={}, global_dict=names)


def _holds(test: Callable[[Any, Any], bool], a: Any, b: Any) -> bool:  # noqa: ANN401
    """Whether a test holds; as in the original, a test that raises anything does not."""
    try:
        return bool(test(a, b))
    except Exception:  # noqa: BLE001  sympy may raise anything
        return False


def _same(a: Any, b: Any) -> bool:  # noqa: ANN401
    return str(a) == str(b) or bool(a == b)


def _simplifies(a: Any, b: Any) -> bool:  # noqa: ANN401
    from sympy import simplify

    return bool(a.equals(b)) or bool(simplify(a - b) == 0)


def _equation(a: Any, b: Any) -> bool:  # noqa: ANN401
    return bool(abs(a.lhs - a.rhs).equals(abs(b.lhs - b.rhs)))


def _numeric(a: Any, b: Any) -> bool:  # noqa: ANN401
    from sympy import N

    return isclose(float(N(b)), float(N(a)), rel_tol=1e-4)


def _matrix(a: Any, b: Any) -> bool:  # noqa: ANN401
    if a.shape != b.shape:
        return False
    return bool(a.applyfunc(lambda x: round(x, 3)).equals(b.applyfunc(lambda x: round(x, 3))))
