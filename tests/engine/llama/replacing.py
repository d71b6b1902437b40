"""A stand-in for a library with some functions replaced."""

from __future__ import annotations

from typing import Any


class Replacing:
    """All attributes of `original`, except those that are given."""

    def __init__(self, original: Any, **replacements: Any) -> None:
        self._original = original
        self.__dict__ |= replacements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
