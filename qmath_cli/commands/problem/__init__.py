"""Where a problem comes from: the arguments, a file, or standard input; and what the shell may have done to it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.commands.problem.encoding import Decoded, decode
from qmath_cli.commands.problem.shell import Surroundings, trace
from qmath_cli.errors import UsageError
from qmath_cli.prompting.chat import language_of
from qmath_cli.records import Language, Problem

_MAX_BYTES = 1_000_000  # far above what any context holds; a wrong file is refused before it is read whole
_MANY_BYTES = 200_000_000  # likewise, of many problems
_STDIN = "standard input"
_QUOTING = "use single quotes, or `qmath solve -` and type the problem"


@dataclass(frozen=True, slots=True)
class GivenProblem:
    """A problem, and a sentence about what may be wrong with its text; None where it looks whole."""

    problem: Problem
    warning: str | None = None


def read(words: Sequence[str], file: Path | None, answer: Language | None, expect: str | None = None) -> GivenProblem:
    """The problem, wherever it was given. Raises `UsageError` where there is none, or more than one."""
    if words and file is not None:
        raise UsageError("a problem was given twice, as an argument and with --file", "leave one out")
    typed = file is None and not _is_standard_input(words)
    source = "the problem" if typed else str(file or _STDIN)
    found = _typed(words) if typed else decode(_bytes(file, source), source)
    text = found.text.strip()
    if not text:
        hint = "for example: qmath solve 'Find the roots of x^2 - 5x + 6 = 0.'"
        raise UsageError(
            "the problem is empty", f"the shell replaces $x inside double quotes; {hint}" if words else hint
        )
    if "\0" in text:
        raise UsageError("the problem contains NUL bytes", "it must be text, in UTF-8 if possible")
    warning = _guessed(found, source) or (None if typed else _many(text, source))
    if typed and warning is None:
        warning = shell_warning(words, Surroundings.current())
    return GivenProblem(Problem(text, language_of(text), reference=expect, answer_language=answer), warning)


def read_text(file: Path | None, source: str) -> tuple[str, str | None]:
    """A text of any length for `batch` or `render`: a file, or standard input where `file` is None.

    Returns:
        The text, and a sentence about what may be wrong with it, or None.

    Raises:
        UsageError: It cannot be read, or is in an unknown encoding.
    """
    found = decode(_bytes(file, source, _MANY_BYTES), source)
    return found.text, _guessed(found, source)


def standard_input_is_a_person() -> bool:
    """Whether nothing comes from standard input: it is a terminal or closed."""
    return sys.stdin is None or sys.stdin.closed or sys.stdin.isatty()


def _guessed(found: Decoded, source: str) -> str | None:
    return f"{source} is not UTF-8; it was read as {found.guessed}" if found.guessed else None


def _many(text: str, source: str) -> str | None:
    """A sentence about a text that looks like many problems and is solved as one."""
    from qmath_cli.problem_set.read import looks_like_many

    found = looks_like_many(text, source)
    if found is None:
        return None
    file = source if source != _STDIN else "-"
    return (
        f"{source} looks like {len(found.problems)} problems ({found.found}) and is solved as one; "
        f"`qmath batch {shlex.quote(file)}` solves each"
    )


def shell_warning(words: Sequence[str], around: Surroundings) -> str | None:
    """A sentence about what a shell has done to a problem that was given as arguments; None where it looks whole."""
    found = trace(words, around)
    return f"the shell seems to have changed the problem ({found}): {_QUOTING}" if found else None


def _is_standard_input(words: Sequence[str]) -> bool:
    return list(words) == ["-"] or (not words and not standard_input_is_a_person())


def _typed(words: Sequence[str]) -> Decoded:
    """The arguments as one text; bytes that are none in the locale's encoding are read as those of a file."""
    text = " ".join(words)
    try:
        text.encode()
    except UnicodeEncodeError:  # Python keeps such bytes as lone surrogates (PEP 383)
        return decode(os.fsencode(text), "the problem")
    return Decoded(text)


def _bytes(file: Path | None, source: str, most: int = _MAX_BYTES) -> bytes:
    """The bytes of a file, or of standard input."""
    try:
        raw = _standard_input(most + 1) if file is None else _beginning(file, most + 1)
    except OSError as exc:
        raise UsageError(f"cannot read {source}: {exc.strerror}") from exc
    if len(raw) > most:
        hint = "give one problem, or many to `qmath batch`" if most == _MAX_BYTES else "divide it"
        raise UsageError(f"{source} is larger than {most:,} bytes", hint)
    return raw


def _standard_input(most: int) -> bytes:
    return b"" if sys.stdin is None or sys.stdin.closed else sys.stdin.buffer.read(most)


def _beginning(file: Path, most: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(most)
