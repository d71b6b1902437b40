"""The static rules: what a program may import, and which attributes it has no use for.

They exist for a clear message before anything runs, and are not what holds a program: `sympify("...")` alone runs
strings that no rule here sees. So the lists stay short, and a name that mathematics could want is not on them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from enum import StrEnum

LIBRARIES = ("sympy", "numpy", "mpmath", "scipy", "networkx", "pandas", "gmpy2", "sortedcontainers", "more_itertools")
"""Third-party packages that programs may use where they are installed."""

_STANDARD = """
    __future__ __main__ abc argparse array ast asyncio base64 binascii bisect builtins cProfile calendar cmath
    collections colorsys concurrent contextlib contextvars copy copyreg csv dataclasses datetime decimal difflib dis
    doctest encodings enum errno fractions functools gc graphlib hashlib heapq hmac html inspect io itertools json
    keyword locale logging math numbers operator optparse os pathlib pickle platform posixpath pprint profile pstats
    queue random re reprlib sched secrets statistics string stringprep struct sys sysconfig textwrap threading time
    timeit token tokenize traceback tracemalloc types typing unicodedata unittest uuid warnings weakref zlib
    zoneinfo
"""
_PARTS_REFUSED = (  # parts of permitted packages that compile code, start programs or touch files
    "sympy.utilities.autowrap",
    "sympy.utilities.runtests",
    "sympy.testing",
    "numpy.f2py",
    "numpy.ctypeslib",
    "numpy.distutils",
    "numpy.testing",
    "unittest.mock",
)
_PLOTS = ("matplotlib", "seaborn", "plotly", "turtle", "tkinter")
_ADVICE = {
    "multiprocessing": "processes cannot be started here; use a plain loop",
    "subprocess": "programs cannot be started here",
    "signal": "signals are not available here",
    "socket": "there is no network here",
    "requests": "there is no network here",
    "urllib": "there is no network here",
}
_ATTRIBUTES = """
    __subclasses__ __globals__ __builtins__ __code__ __closure__ __loader__ __spec__ __import__ __reduce__
    __reduce_ex__ tb_frame f_back f_globals f_builtins f_locals f_code gi_frame gi_code cr_frame cr_code ag_frame
    ag_code co_code
"""


class Import(StrEnum):
    """What becomes of an import."""

    ALLOWED = "allowed"
    REFUSED = "refused"  # it exists, and is not for programs
    ABSENT = "absent"  # there is no such thing here


def judge(name: str) -> Import:
    """Whether a dotted module name may be imported."""
    root = name.partition(".")[0]
    if any(name == part or name.startswith(part + ".") for part in _PARTS_REFUSED):
        return Import.REFUSED
    if root in _STANDARD.split() or root in LIBRARIES:
        return Import.ALLOWED
    return Import.REFUSED if root in sys.stdlib_module_names and root not in _PLOTS else Import.ABSENT


def advice(name: str) -> str:
    """Why a module cannot be had, and what to do instead: the message of the exception."""
    root = name.partition(".")[0]
    if judge(name) is Import.REFUSED:
        return f"the module {name!r} is not available here" + (f": {_ADVICE[root]}" if root in _ADVICE else "")
    if root in _PLOTS:
        return f"No module named {root!r} (plots are not available here; compute and print the values)"
    installed = ", ".join(library for library in LIBRARIES[:3])
    return f"No module named {root!r} ({_ADVICE.get(root, f'available: the standard library, {installed}')})"


def refusals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and reason for each thing in a program that is refused before it runs."""
    refused = frozenset(_ATTRIBUTES.split())
    for node in ast.walk(tree):
        for name in _names(node):
            if name in refused:
                yield getattr(node, "lineno", 0), f"PermissionError: the attribute {name!r} is not available here"
    for node in tree.body:
        for module in _modules(node):
            if judge(module) is Import.REFUSED:
                yield node.lineno, f"PermissionError: {advice(module)}"


def _names(node: ast.AST) -> tuple[str, ...]:
    """The attributes that a node reads; patterns of `match` read them too."""
    if isinstance(node, ast.Attribute):
        return (node.attr,)
    if isinstance(node, ast.MatchClass):
        return tuple(node.kwd_attrs)
    if isinstance(node, ast.Name) and node.id in ("__builtins__", "__loader__", "__spec__"):
        return (node.id,)
    return ()


def _modules(node: ast.stmt) -> tuple[str, ...]:
    """The modules that a top-level statement imports; an import inside `try` may fail as the program expects."""
    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return (node.module,)
    return ()
