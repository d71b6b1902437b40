r"""The last step of the official comparison: whether two texts are the same expression.

After `symbolic_equal` in QwenLM/Qwen2.5-Math, evaluation/grader.py (MIT). Like the original, this tries sympy's LaTeX
parser, then `parse_expr`, then latex2sympy (latex2sympy2_extended stands in for Qwen's copy). The order and the defects
matter: the first parser reads as much of a text as it can and drops the rest, so `10{,}000` is 10.

`parse_expr` evaluates Python, so it gets only texts over an alphabet that can express nothing but arithmetic, with a
fixed set of names. For the same reason a text that no parser accepts is compared as text only: sympy's operations
evaluate strings, which the original permits.

May take any time and memory: call it only in a process that can be killed (`child`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import lru_cache
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


@lru_cache(maxsize=256)  # one expected answer meets several answers
def _parse(text: str) -> Any:  # noqa: ANN401  a sympy object, or the text itself if no parser accepts it
    for parse in (_beginning, _expression, _latex):
        for spelling in (text.replace("\\\\", "\\"), text):
            try:
                return parse(spelling)
            except Exception:  # noqa: BLE001, S112  the parsers may raise anything
                continue
    return text


def _beginning(text: str) -> Any:  # noqa: ANN401
    """The longest beginning of a text that sympy's LaTeX grammar accepts."""
    from antlr4.atn.PredictionMode import PredictionMode
    from sympy.parsing.latex import LaTeXParsingError

    try:
        return _by_grammar(text, PredictionMode.SLL)  # five times as fast, but refuses some texts that LL accepts
    except LaTeXParsingError:
        return _by_grammar(text, PredictionMode.LL)


def _by_grammar(text: str, mode: object) -> Any:  # noqa: ANN401
    """The steps of `sympy.parsing.latex.parse_latex`.

    That function itself refuses every version of antlr's runtime but 4.11, though what it needs is the same up to 4.13.
    The grammar has not changed since sympy 1.12, the version that the original requires.
    """
    from antlr4 import CommonTokenStream, InputStream
    from sympy.parsing.latex import _parse_latex_antlr as grammar

    with redirect_stdout(io.StringIO()):  # antlr prints that the versions differ
        lexer = grammar.LaTeXLexer(InputStream(text))
        parser = grammar.LaTeXParser(CommonTokenStream(lexer))
    for part in (lexer, parser):
        part.removeErrorListeners()
        part.addErrorListener(grammar.MathErrorListener(text))
    parser._interp.predictionMode = mode  # noqa: SLF001  antlr has no other way
    return grammar.convert_relation(parser.math().relation())


def _latex(text: str) -> Any:  # noqa: ANN401
    """Parse as the original's last parser does: `pi` is a name without a value.

    What only the newer version reads is rejected: sets, plus-minus, `{,}` in a number, signs outside of ASCII.
    """
    import sympy
    from latex2sympy2_extended import latex2sympy

    found = latex2sympy(text.replace("~", " "))
    if isinstance(found, sympy.Set) or r"\pm" in text or "{,}" in text or not text.isascii():
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
