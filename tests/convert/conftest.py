"""Fixtures of the converter's tests."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def llama() -> Iterator[Any]:
    """The module llama_cpp, without its log output."""
    import llama_cpp

    silent = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    yield llama_cpp
    llama_cpp.llama_log_set(ctypes.cast(None, llama_cpp.llama_log_callback), ctypes.c_void_p(0))


@pytest.fixture(autouse=True, scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home folder for the tests, so that the program does not write to the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QMATH_HOME", str(tmp_path_factory.mktemp("home")))
        yield
