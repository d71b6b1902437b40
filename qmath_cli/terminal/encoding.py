"""Which characters a stream shows, by its encoding and the user's locale."""

from __future__ import annotations

from collections.abc import Mapping

_C_LOCALES = frozenset({"C", "POSIX"})
_COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})  # the values that PEP 538 sets


def supports_unicode(encoding: str | None, environ: Mapping[str, str]) -> bool:
    """Whether a stream shows Unicode: its encoding is a UTF, and the user's locale is not C or POSIX.

    The locale counts because Python coerces the C locale to UTF-8 and sets LC_CTYPE itself (PEP 538), whatever the
    terminal can show. An LC_CTYPE of that form is therefore ignored if LANG is C or POSIX.
    """
    named = [environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if named[1] in _COERCED and named[2] in _C_LOCALES:
        named[1] = ""
    locale = next((name for name in named if name), "")
    return (encoding or "").lower().startswith("utf") and locale not in _C_LOCALES
