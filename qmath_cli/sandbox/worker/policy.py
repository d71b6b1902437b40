"""The static rules: what a program may import, and which attributes it may not name.

They give a clear message before anything runs. They do not confine a program: `sympify("...")` alone runs strings that
no rule here checks. So the lists stay short, and a name that mathematics could use is not on them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from enum import StrEnum

AVAILABLE = ("sympy", "numpy", "mpmath")
"""Third-party packages that programs can rely on; others work where they happen to be installed."""

_STANDARD = """
    __future__ __main__ _thread abc argparse array ast asyncio atexit base64 binascii bisect builtins bz2 calendar
    cmath codecs collections colorsys concurrent configparser contextlib contextvars copy copyreg cProfile csv
    dataclasses datetime decimal difflib dis doctest email encodings enum errno fnmatch fractions functools gc
    getopt gettext glob graphlib gzip hashlib heapq hmac html importlib inspect io ipaddress itertools json keyword
    linecache locale logging lzma marshal math ntpath numbers opcode operator optparse os pathlib pickle pickletools
    pkgutil platform posixpath pprint profile pstats pydoc queue quopri random re reprlib resource sched secrets
    shlex signal stat statistics string stringprep struct symtable sys sysconfig textwrap this threading time timeit
    token tokenize tomllib trace traceback tracemalloc types typing unicodedata unittest uuid warnings weakref xml
    zlib zoneinfo
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
_NETWORK = ("requests", "httpx", "urllib3", "aiohttp")
_ADVICE = {
    "multiprocessing": "processes cannot be started here; use a plain loop",
    "subprocess": "programs cannot be started here",
    "socket": "there is no network here",
    "urllib": "there is no network here",
}
_ATTRIBUTES = """
    __subclasses__ __globals__ __builtins__ __loader__ __spec__ __import__ __reduce__ __reduce_ex__ tb_frame f_back
    f_globals f_builtins gi_frame cr_frame ag_frame
"""


class Import(StrEnum):
    """The verdict on an import."""

    ALLOWED = "allowed"
    REFUSED = "refused"  # it exists, but programs may not use it
    ABSENT = "absent"  # it is treated as not installed


def judge(name: str) -> Import:
    """Decide whether a dotted module name may be imported."""
    root = name.partition(".")[0]
    if any(name == part or name.startswith(part + ".") for part in _PARTS_REFUSED):
        return Import.REFUSED
    if root in _PLOTS or root in _NETWORK:
        return Import.ABSENT
    standard = root in sys.stdlib_module_names
    return Import.REFUSED if standard and root not in _STANDARD.split() else Import.ALLOWED


def advice(name: str) -> str:
    """The message of the exception: why a module is not available, and what to do instead."""
    root = name.partition(".")[0]
    if judge(name) is Import.REFUSED:
        return f"the module {name!r} is not available here" + (f": {_ADVICE[root]}" if root in _ADVICE else "")
    if root in _PLOTS:
        return f"No module named {root!r} (plots are not available here; compute and print the values)"
    if root in _NETWORK:
        return f"No module named {root!r} (there is no network here)"
    return f"No module named {root!r} (available: the standard library, {', '.join(AVAILABLE)})"


def refusals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the error message of everything in a program that is refused before it runs."""
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
    """The attributes that a node reads; patterns of `match` read attributes too."""
    if isinstance(node, ast.Attribute):
        return (node.attr,)
    if isinstance(node, ast.MatchClass):
        return tuple(node.kwd_attrs)
    if isinstance(node, ast.Name) and node.id in ("__builtins__", "__loader__", "__spec__"):
        return (node.id,)
    return ()


def _modules(node: ast.stmt) -> tuple[str, ...]:
    """The modules that a top-level statement imports; an import inside `try` may fail, as the program expects."""
    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return (node.module,)
    return ()
