"""The llama.cpp shared library: its C functions, and the warnings and errors that it logs.

Importing this module costs nothing. The first call of `library()` loads the shared library and redirects its log from
the terminal into a short buffer. Before that it limits how long OpenMP threads spin at barriers, through the
environment, unless the user has set this. The log callback is process-wide, so there is one `Library` per process.
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

# How many times a GNU OpenMP thread (Linux) spins at a barrier before it sleeps. A decode step has about a thousand
# barriers. The default, 300,000 (libgomp manual, GOMP_SPINCOUNT), suits idle cores: if another process uses the cores,
# threads spend their time slices spinning, and a step of a 1.5B model takes three to ten times as long on two cores;
# with this value it takes two and a half times as long. On idle cores both values are equally fast, and
# `OMP_WAIT_POLICY=passive`, which never spins, is a third slower.
_SPIN_COUNT = "5000"

_WARNING = 3  # GGML_LOG_LEVEL_WARN in ggml.h; 4 is an error
_CONTINUED = 5  # GGML_LOG_LEVEL_CONT: more of the previous line
_LOG_CHUNKS = 128  # log callback calls whose text is kept


class Library:
    """The loaded library: `lib` has the functions of llama.h, `ggml` is the handle of the ggml library."""

    def __init__(self) -> None:
        try:
            self.lib, self.ggml = _bindings()
        except ImportError as exc:
            raise EngineUnusable("llama.cpp is not installed", INSTALL) from exc
        except (OSError, RuntimeError) as exc:  # the shared library exists and cannot be loaded
            raise EngineUnusable(f"llama.cpp cannot be loaded: {exc}", f"{INSTALL} --force-reinstall") from exc
        self._level = 0  # of the latest line
        self._warnings: deque[str] = deque(maxlen=_LOG_CHUNKS)
        self._callback = self.lib.llama_log_callback(self._log)  # the C side does not keep a reference
        self.lib.llama_log_set(self._callback, None)
        self.lib.llama_backend_init()

    def _log(self, level: int, text: bytes, _data: object) -> None:
        # An exception from a signal handler would be lost here, below C code. The calls that log most (loading a model,
        # creating a context) therefore run on a thread that never runs signal handlers: see `compute_thread`.
        if level != _CONTINUED:
            self._level = level
        if self._level >= _WARNING:
            self._warnings.append(text.decode("utf-8", "replace"))

    def clear_warnings(self) -> None:
        """Discard the warnings so far. Called before an operation whose failure `warnings` is to explain.

        The callback is set again because a program that imports `llama_cpp` after this module replaces it.
        """
        self.lib.llama_log_set(self._callback, None)
        self._warnings.clear()

    def warnings(self) -> tuple[str, ...]:
        """The latest warnings and errors since `clear_warnings`, one line each."""
        lines = "".join(self._warnings).splitlines()
        return tuple(line.strip() for line in lines if line.strip())


@functools.cache
def library() -> Library:
    """The library, loaded by the first call.

    Raises:
        EngineUnusable: llama-cpp-python is not installed or its shared library cannot be loaded.
    """
    return Library()


def _bindings() -> tuple[Any, Any]:
    """The ctypes bindings of llama.cpp, and the handle of the ggml library.

    Importing the package `llama_cpp` would also import its high-level API (numpy, jinja2, a disk cache), which takes a
    tenth of a second. Its two low-level modules are therefore imported under a bare package, which is removed again.
    A later `import llama_cpp` gets the real package around the same bindings.
    """
    if not os.environ.keys() & {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}:
        os.environ["GOMP_SPINCOUNT"] = _SPIN_COUNT
    if "llama_cpp" in sys.modules:
        return _low_level_modules()
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError("no package llama_cpp")
    bare = ModuleType("llama_cpp")
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules["llama_cpp"] = bare
    try:
        return _low_level_modules()
    finally:
        del sys.modules["llama_cpp"]


def _low_level_modules() -> tuple[Any, Any]:
    return importlib.import_module("llama_cpp.llama_cpp"), importlib.import_module("llama_cpp._ggml").libggml
