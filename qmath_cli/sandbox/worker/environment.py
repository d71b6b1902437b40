"""The interpreter as a program finds it: builtins, `sys`, `os`, `input`, an empty environment, no warnings.

None of this confines a program: it turns what cannot work here into a message that a model can act on.
"""

from __future__ import annotations

import ast
import builtins
import io
import os
import sys
import threading
import types
import warnings
from collections.abc import Mapping, Sequence
from typing import NoReturn

from qmath_cli.sandbox.config import THREAD_VARIABLES, WorkerConfig
from qmath_cli.sandbox.limits import Switch
from qmath_cli.sandbox.worker import policy
from qmath_cli.sandbox.worker.program import Namespace, location

RECURSION_LIMIT = 10_000  # frames; Python's own 1,000 is too few for the brute force that models write
MAX_RECURSION_LIMIT = 20_000  # frames; more could overflow the C stack
THREAD_STACK_BYTES = 8 << 20

_SYS = """
    __stderr__ __stdin__ __stdout__ _getframe api_version builtin_module_names byteorder copyright displayhook
    dont_write_bytecode exc_info excepthook exit flags float_info float_repr_style get_int_max_str_digits
    getallocatedblocks getdefaultencoding getrecursionlimit getrefcount getsizeof getswitchinterval gettrace
    hash_info hexversion implementation int_info intern is_finalizing maxsize maxunicode modules platform stderr
    stdin stdlib_module_names stdout thread_info version version_info warnoptions
"""
_OS = """
    altsep cpu_count curdir devnull error extsep fsdecode fsencode fspath get_terminal_size getpid linesep name pardir
    path pathsep sep strerror times uname urandom PathLike
"""


class StderrBuffer(io.StringIO):
    """A program's stderr, kept up to `limit` characters; it is shown only where there is no other output."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, text: str) -> int:
        """Keep what still fits; drop the rest without an error."""
        room = self._limit - self.tell()
        if room > 0:
            super().write(str(text)[:room])
        return len(text)

    def take(self) -> str:
        """Return what was kept, and empty the buffer."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


class Facade(types.ModuleType):
    """The part of a module that programs may use. `shared` names are read from, and set on, the real module."""

    def __init__(self, real: types.ModuleType, shared: Sequence[str], own: Mapping[str, object]) -> None:
        super().__init__(real.__name__, real.__doc__)
        self.__dict__.update(own)
        self.__dict__["_real"] = real
        self.__dict__["_shared"] = frozenset(shared)

    def __getattr__(self, name: str) -> object:
        if name in self.__dict__["_shared"]:
            return getattr(self.__dict__["_real"], name)
        if name.startswith("__") or not hasattr(self.__dict__["_real"], name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        raise PermissionError(f"{self.__name__}.{name} is not available here")

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__["_shared"]:
            setattr(self.__dict__["_real"], name, value)
        else:
            self.__dict__[name] = value


def prepare(config: WorkerConfig) -> Namespace:
    """Set up the interpreter and make the namespace of a solution. Runs before any restriction is applied."""
    os.environ.clear()
    for name in THREAD_VARIABLES:
        os.putenv(name, "1")  # for C code alone: libraries may be imported later
    sys.argv[:] = [""]
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(RECURSION_LIMIT)
    threading.stack_size(THREAD_STACK_BYTES)
    warnings.simplefilter("ignore")
    if Switch.POLICY in config.without:
        return Namespace(builtins, lambda _tree, _lines: "")
    return Namespace(guarded_builtins(), first_refusal)


def first_refusal(tree: ast.Module, lines: list[str]) -> str:
    """The error line for the first thing in a program that is refused before it runs; empty if there is none."""
    for number, message in policy.refusals(tree):
        return message + location(number, lines)
    return ""


def guarded_builtins() -> types.ModuleType:
    """A copy of `builtins` for the program; libraries keep the real module."""
    module = types.ModuleType("builtins", builtins.__doc__)
    module.__dict__.update(vars(builtins))
    facades = {"sys": sys_facade(), "os": os_facade(), "builtins": module}
    module.__dict__.update({"__import__": importer(facades), "input": no_input, "breakpoint": no_breakpoint})
    return module


def importer(facades: Mapping[str, types.ModuleType]) -> object:
    """The `__import__` of programs: gives the facade, the real module, or an exception with advice."""
    real = builtins.__import__

    def import_(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  the parameter names of Python's own hook
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        verdict = policy.judge(name) if level == 0 else policy.Import.ALLOWED
        if verdict is policy.Import.REFUSED:
            raise PermissionError(policy.advice(name))
        if verdict is policy.Import.ABSENT:
            raise ModuleNotFoundError(policy.advice(name), name=name)
        root = name.partition(".")[0]
        if level == 0 and root in facades:
            return facades[root] if name == root or not fromlist else real(name, globals, locals, fromlist, level)
        return _import(real, name, globals, locals, fromlist, level)

    return import_


def _import(real: object, name: str, *rest: object) -> object:
    """The real import; for a library that is not installed, the message lists those that are."""
    try:
        return real(name, *rest)  # type: ignore[operator]
    except ModuleNotFoundError as exc:
        if exc.name == name.partition(".")[0]:
            raise ModuleNotFoundError(policy.advice(name), name=exc.name) from None
        raise


def sys_facade() -> Facade:
    """The part of `sys` that a computation needs."""

    def setrecursionlimit(limit: int) -> None:
        sys.setrecursionlimit(max(100, min(limit, MAX_RECURSION_LIMIT)))

    own = {
        "argv": [""],
        "path": [],
        "executable": "",
        "setrecursionlimit": setrecursionlimit,
        "set_int_max_str_digits": lambda _digits: None,  # no limit on digits: the output is limited anyway
    }
    return Facade(sys, _SYS.split(), own)


def os_facade() -> Facade:
    """The part of `os` that a computation needs: no files, no processes, an empty environment."""
    environ: dict[str, str] = {}
    return Facade(os, _OS.split(), {"environ": environ, "getenv": environ.get, "getcwd": lambda: "/"})


def no_input(*_prompt: object) -> NoReturn:
    """Raise `EOFError`: a program has no standard input."""
    raise EOFError("input() is not available here; put the values in the code")


def no_breakpoint(*_arguments: object, **_options: object) -> NoReturn:
    """Raise `RuntimeError`: a program has no debugger."""
    raise RuntimeError("breakpoint() is not available here")
