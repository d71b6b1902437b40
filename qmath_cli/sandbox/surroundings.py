"""What a program finds around it: builtins, `sys`, `input`, an empty environment, quiet warnings.

These are manners, not walls: they turn what cannot work here into a message that a model can act on.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
import threading
import types
import warnings
from typing import NoReturn

from qmath_cli.sandbox.orders import Orders
from qmath_cli.sandbox.program import Namespace

RECURSION = 10_000  # frames; Python's own 1,000 is too few for the brute force that models write
RECURSION_CEILING = 20_000  # more could run out of C stack
THREAD_STACK = 8 << 20


class Aside(io.StringIO):
    """A program's stderr: kept, up to a length, and shown only when there is nothing else to show."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def write(self, text: str) -> int:
        """Keep what still fits; the rest is dropped without an error."""
        room = self._limit - self.tell()
        if room > 0:
            super().write(str(text)[:room])
        return len(text)

    def take(self) -> str:
        """All that was kept, and start again."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


def prepare() -> None:
    """Set the interpreter up as section "what programs expect" of the documentation says."""
    os.environ.clear()
    sys.argv[:] = [""]
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(RECURSION)
    threading.stack_size(THREAD_STACK)
    warnings.simplefilter("ignore")


def namespace(_orders: Orders) -> Namespace:
    """The namespace of a solution, with guarded builtins."""
    return Namespace(guarded_builtins(), lambda _tree: "")


def guarded_builtins() -> types.ModuleType:
    """A copy of `builtins` for the program alone; libraries keep the real one."""
    module = types.ModuleType("builtins", builtins.__doc__)
    module.__dict__.update(
        {k: v for k, v in vars(builtins).items() if not k.startswith("__") or k == "__build_class__"}
    )
    module.__dict__.update({"__import__": builtins.__import__, "__debug__": True, "input": no_input})
    return module


def no_input(*_prompt: object) -> NoReturn:
    """There is nobody to ask."""
    raise EOFError("input() is not available here; put the values in the code")
