"""The one door to llama.cpp: its low-level functions, and what it says while it works.

Promises: importing this file costs nothing; the first `library()` loads the shared library, sends its log lines into a
short memory instead of onto the terminal, and raises `EngineUnusable` with the install line where there is no library.
It tells OpenMP how to wait, through the environment, unless the user has.
The log hook is the library's own process-wide state, so there is one `Library` per process.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections import deque
from types import ModuleType
from typing import Any

from qmath_cli.errors import EngineUnusable

INSTALL = "pip install 'llama-cpp-python>=0.3.36'"

# How often a thread of GNU's OpenMP (Linux) looks before it sleeps at a barrier, of which a decode step has a thousand.
# Its own number, 300,000 (libgomp manual, GOMP_SPINCOUNT), is for cores that nobody else wants: where something does, a
# thread that spins is no longer preferred when its turn comes, and a step of a 1.5B model takes three to ten times as
# long on two cores; with this number two and a half times. On quiet cores the two are equally fast, while
# `OMP_WAIT_POLICY=passive`, which never spins, is a third slower.
_SPINS = "5000"

_WARNING = 3  # GGML_LOG_LEVEL_WARN in ggml.h; 4 is an error, 5 continues the line before


class Library:
    """The loaded library: `lib` holds its C functions, `complaints` its latest warnings and errors."""

    def __init__(self) -> None:
        try:
            self.lib, self.ggml = _bindings()
        except ImportError as exc:
            raise EngineUnusable("llama.cpp is not installed", INSTALL) from exc
        except (OSError, RuntimeError) as exc:  # the shared library is there and cannot be loaded
            raise EngineUnusable(f"llama.cpp cannot be loaded: {exc}", f"{INSTALL} --force-reinstall") from exc
        self._complaints: deque[str] = deque(maxlen=32)
        self._log = self.lib.llama_log_callback(self._hear)  # kept: the C side holds no reference
        self.lib.llama_log_set(self._log, None)
        self.lib.llama_backend_init()

    def _hear(self, level: int, text: bytes, _data: object) -> None:
        # A signal handler's exception would be lost in here, under C code. What logs much, loading and making a
        # context, therefore runs on a thread where no handler ever runs: see `aside`.
        if level >= _WARNING:
            self._complaints.append(text.decode("utf-8", "replace"))

    def forget_complaints(self) -> None:
        """Start listening afresh, before an operation whose failure is to be explained.

        The hook is set again: a program that imports the whole of `llama_cpp` after us has put its own in that place.
        """
        self.lib.llama_log_set(self._log, None)
        self._complaints.clear()

    def complaints(self) -> str:
        """What the library complained about since then, as one line; empty if nothing."""
        lines = "".join(self._complaints).splitlines()
        return "; ".join(line.strip() for line in lines if line.strip())


@functools.cache
def library() -> Library:
    """The library, loaded once. Raises `EngineUnusable`."""
    return Library()


def _bindings() -> tuple[Any, Any]:
    """The ctypes bindings of llama.cpp, and the handle of the ggml library beneath.

    Importing the package itself would import its whole high-level API (numpy, jinja2, a disk cache) and cost a tenth
    of a second for nothing. So its two modules are imported under a bare package, which is taken away again: whoever
    imports llama_cpp afterwards gets the real one, around the same bindings.
    """
    if not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        os.environ["GOMP_SPINCOUNT"] = _SPINS
    if "llama_cpp" not in sys.modules:
        spec = importlib.util.find_spec("llama_cpp")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("no package llama_cpp")
        bare = ModuleType("llama_cpp")
        bare.__path__ = list(spec.submodule_search_locations)
        sys.modules["llama_cpp"] = bare
        try:
            return importlib.import_module("llama_cpp.llama_cpp"), importlib.import_module("llama_cpp._ggml").libggml
        finally:
            del sys.modules["llama_cpp"]
    return importlib.import_module("llama_cpp.llama_cpp"), importlib.import_module("llama_cpp._ggml").libggml
