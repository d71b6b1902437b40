"""The command line before Typer sees it: mathematics is not an option, and a bare problem is a `solve`.

qmath                       -> repl on a terminal, solve from standard input on a pipe
qmath -m FILE               -> qmath repl -m FILE on a terminal; any options but no problem
qmath 'x^2 = 4'             -> qmath solve 'x^2 = 4'
qmath solve '-x^2 = -4'     -> qmath solve -- '-x^2 = -4'
qmath slove 'x^2 = 4'       -> a usage error that suggests `solve`
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from qmath_cli.errors import UsageError

_WORD = re.compile(r"[a-z][a-z-]*")
_CHECK_VALUES = {"--grade", "--pairs", "--format"}  # the options of `check` that take a value
#: The options of `repl`, with a value and without: where nothing else is given, there is no problem to solve.
SESSION_VALUES = {
    "-m", "--model", "--mode", "--language", "-k", "--samples", "--seed", "--device", "--gpu-layers", "--threads",
    "--ctx", "--kv-type", "--draft", "--render", "--server", "--server-kind", "--reward-server",
}  # fmt: skip
SESSION_SWITCHES = {"--mlock", "--no-repack", "--force", "-v", "--verbose", "--allow-basic-executor", "--no-history"}
_OPTION = re.compile(r"--[a-z][a-z-]*(=.*)?|-[hy]")
_MATHEMATICS = re.compile(r"-(?!-).*[=^\s]")


def arrange(arguments: Sequence[str], commands: Collection[str], *, interactive: bool) -> list[str]:
    """The arguments as Typer should see them. Raises `UsageError` for a word that is no command."""
    if not arguments:
        return ["repl"] if interactive else ["solve"]
    first = arguments[0]
    if first in commands:
        return _of_command(arguments)
    if first.startswith("-") and not _MATHEMATICS.match(first):
        if _of_the_program(arguments):
            return list(arguments)
        return ["repl", *arguments] if interactive and _of_a_session(arguments) else _protect(["solve", *arguments])
    if _WORD.fullmatch(first) and (len(arguments) > 1 or difflib.get_close_matches(first, commands)):
        raise _no_such_command(first, commands)
    return _protect(["solve", *arguments])


def _of_command(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command that was named, with its mathematics where it is no option."""
    match arguments[0]:
        case "solve":
            return _protect(arguments)
        case "check":
            return _answers(arguments)
        case "history" if len(arguments) > 1 and arguments[1] == "search":
            return _sought(arguments)
        case _:
            return list(arguments)


def _of_the_program(arguments: Sequence[str]) -> bool:
    """Whether the leading options are the program's own (`--help`, `--version`), not those of a bare problem."""
    return arguments[0] in {"-h", "--help", "--version", "--install-completion", "--show-completion"}


def _of_a_session(arguments: Sequence[str]) -> bool:
    """Whether all arguments are options of `repl` with their values."""
    words = iter(arguments)
    for word in words:
        name, assigned, _ = word.partition("=")
        if name in SESSION_VALUES:
            if not assigned and next(words, None) is None:
                return False
        elif word not in SESSION_SWITCHES:
            return False
    return True


def _protect(arguments: Sequence[str]) -> list[str]:
    """Move arguments that start with a minus sign and are mathematics behind `--`."""
    if "--" in arguments:
        return list(arguments)
    problems = [argument for argument in arguments if _MATHEMATICS.match(argument)]
    others = [argument for argument in arguments if not _MATHEMATICS.match(argument)]
    return [*others, "--", *problems] if problems else others


def _answers(arguments: Sequence[str]) -> list[str]:
    """The two answers of `check` behind `--` if one starts with a minus sign: none of its options has a single one."""
    named: list[str] = []
    answers: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return list(arguments)
        (named if word.startswith("--") or word in {"check", "-h"} else answers).append(word)
        if word in _CHECK_VALUES:
            named += [value for value in [next(words, None)] if value is not None]
    return [*named, "--", *answers] if any(answer.startswith("-") for answer in answers) else list(arguments)


def _sought(arguments: Sequence[str]) -> list[str]:
    """The words of `history search` that start with a minus sign and are no option of it behind `--`."""
    if "--" in arguments:
        return list(arguments)
    words = [one for one in arguments if one.startswith("-") and not _OPTION.fullmatch(one)]
    return [*(one for one in arguments if one not in words), "--", *words] if words else list(arguments)


def _no_such_command(word: str, commands: Collection[str]) -> UsageError:
    close = difflib.get_close_matches(word, commands, n=1)
    hint = f"did you mean `qmath {close[0]}`?" if close else f"commands: {', '.join(sorted(commands))}."
    return UsageError(f"no such command: {word}", f"{hint} A problem goes in single quotes: qmath 'x^2 = 4'")
