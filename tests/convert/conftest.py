"""What the converter's tests share."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def llama() -> Iterator[Any]:
    """llama_cpp, silent."""
    import llama_cpp

    silent = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    yield llama_cpp
    llama_cpp.llama_log_set(ctypes.cast(None, llama_cpp.llama_log_callback), ctypes.c_void_p(0))


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the program remembers about this machine stays out of the user's own folders."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QMATH_HOME", str(tmp_path_factory.mktemp("home")))
        yield
