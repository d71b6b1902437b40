"""Where a problem comes from: the arguments, a file, or standard input; and what the shell may have done to it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.prompting.chat import language_of
from qmath_cli.records import Language, Problem

_MAX_BYTES = 1_000_000  # far above what any context holds; a wrong file is refused before it is read whole
_QUOTING = "use single quotes, or `qmath solve -` and type the problem"

#: What is left when the shell expands `$x` to nothing inside double quotes: a power or an index with nothing before it.
_EATEN = re.compile(r"(?:^|[\s(=+*/-])[\^_](?=[\w{(-])|\\\(\s*\\\)|\$\s*\$(?!\$)")


def read(words: Sequence[str], file: Path | None, language: Language | None, expect: str | None = None) -> Problem:
    """The problem, wherever it was given. Raises `UsageError` where there is none, or more than one."""
    if words and file is not None:
        raise UsageError("a problem was given twice, as an argument and with --file", "leave one out")
    text = _from_file(file) if file is not None else _from_words(words)
    text = text.strip()
    if not text:
        raise UsageError("the problem is empty", "for example: qmath solve 'Find the roots of x^2 - 5x + 6 = 0.'")
    if "\0" in text:
        raise UsageError("the problem contains NUL bytes", "it must be text")
    return Problem(text, language or language_of(text), reference=expect)


def warning(text: str) -> str | None:
    """A sentence about what a shell seems to have eaten; None where the problem looks whole."""
    dollars = len(re.findall(r"(?<!\\)\$", text))
    if _EATEN.search(text) or dollars % 2:
        return f"the problem looks as if the shell had changed it: {_QUOTING}"
    return None


def _from_words(words: Sequence[str]) -> str:
    if list(words) == ["-"] or (not words and not _stdin_is_a_person()):
        return _from_stdin()
    return " ".join(words)


def _stdin_is_a_person() -> bool:
    return sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()


def _from_stdin() -> str:
    if sys.stdin is None or sys.stdin.closed:
        return ""
    return _decode(sys.stdin.buffer.read(_MAX_BYTES + 1), "standard input")


def _from_file(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return _decode(stream.read(_MAX_BYTES + 1), str(file))
    except OSError as exc:
        raise UsageError(f"cannot read {file}: {exc.strerror}") from exc


def _decode(raw: bytes, source: str) -> str:
    if len(raw) > _MAX_BYTES:
        raise UsageError(f"{source} is larger than {_MAX_BYTES:,} bytes", "give one problem")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UsageError(f"{source} is not UTF-8 text (byte {exc.start})") from exc
