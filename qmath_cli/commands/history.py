"""`qmath history`: the problems that were solved on this machine, found again, shown, exported, removed."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.history.entry import Listed, Solved
from qmath_cli.history.keeper import open_history
from qmath_cli.history.store import History
from qmath_cli.records import ModelInfo, TextDelta
from qmath_cli.settings import Render
from qmath_cli.terminal import export as exports
from qmath_cli.terminal import json_record, problem_list
from qmath_cli.terminal.render import Renderer, RenderOptions
from qmath_cli.terminal.style import style_for

SCHEMA = "qmath.history/1"
_DEFAULT_LIMIT = 20
_RANGE = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)
_MOST = 1000  # problems of one range: more is a typing error


class Action(StrEnum):
    """What is done with the history."""

    LIST = "list"
    SHOW = "show"
    SEARCH = "search"
    EXPORT = "export"
    CLEAR = "clear"


def complete_action(incomplete: str) -> list[str]:
    """The actions, for shell completion."""
    return [action for action in Action if action.startswith(incomplete)]


def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ACTION",
            help="list (the default): the newest problems. show N: one problem with its solution. search TEXT: those "
            "that contain every word of it. export N FILE: problems, or ranges such as 3-7, as one document. "
            "clear: remove all problems.",
            autocompletion=complete_action,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="Show at most N problems. Default: 20 on a terminal."),
    ] = None,
    overwrite: o.Overwrite = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask for confirmation.")] = False,
    render: o.RenderOption = None,
    json: o.Json = False,
) -> int:
    """Find solved problems again, show and export them. They are kept on this machine, in one SQLite file."""
    here, given = invocation(context), words or [Action.LIST]
    if given[0] not in list(Action):
        close = difflib.get_close_matches(given[0], list(Action), n=1)
        hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(Action)}"
        raise UsageError(f"no such action: {given[0]}", hint)
    action, rest = Action(given[0]), given[1:]
    kept, drawing = open_history(here.paths), here.settings_of(context).render
    if action is Action.SHOW:
        return _show(here, kept.solved(_one_number(rest)), drawing, as_json=json)
    if action is Action.EXPORT:
        return _export(here, kept, rest, overwrite=overwrite)
    if action is Action.CLEAR:
        _none(action, rest)
        return _clear(here, kept, yes=yes)
    if action is Action.SEARCH and not " ".join(rest).strip():
        raise UsageError("history search needs a text", "for example: qmath history search derivative")
    if action is Action.LIST:
        _none(action, rest)
    if limit is None and here.terminal.interactive:
        limit = _DEFAULT_LIMIT
    found = kept.search(" ".join(rest), limit) if action is Action.SEARCH else kept.newest(limit)
    return _list(here, kept, found, drawing, as_json=json)


def _list(here: Invocation, kept: History, found: Sequence[Listed], drawing: Render, *, as_json: bool) -> int:
    if as_json:
        here.terminal.json({"schema": SCHEMA, "file": str(kept.path), "problems": [_record(one) for one in found]})
        return ExitCode.OK
    if here.terminal.interactive:
        lines = problem_list.listed(found, style_for(here.terminal, here.environ, drawing))
    else:
        lines = [problem_list.cells(one) for one in found]
    for line in lines:
        here.terminal.write(line + "\n")
    if not found:
        here.terminal.note(f"nothing found in {kept.path}")
    return ExitCode.OK


def _record(one: Listed) -> dict[str, object]:
    return {
        "number": one.number,
        "at": one.at.isoformat(),
        "problem": one.problem,
        "answer": one.answer,
        "finish_reason": str(one.finish),
        "mode": str(one.mode),
        "language": str(one.language),
        "model": one.model or None,
    }


def _show(here: Invocation, solved: Solved, drawing: Render, *, as_json: bool) -> int:
    """A solution as `solve` showed it, with its problem above; with `--json`, the object that `solve --json` prints."""
    if as_json:
        model = solved.model or ModelInfo("", Path())
        here.terminal.json(json_record.solution_record(solved.solution, model))
        return ExitCode.OK
    style = style_for(here.terminal, here.environ, drawing)
    above = Renderer(here.terminal, style)
    above.event(TextDelta(0, solved.solution.problem.text.strip("\n") + "\n\n"))
    above.close()
    Renderer(here.terminal, style, RenderOptions(pick=solved.pick, stream=False)).event(solved.solution)
    return ExitCode.OK


def _export(here: Invocation, kept: History, words: Sequence[str], *, overwrite: bool) -> int:
    if len(words) < 2:
        raise UsageError("history export needs numbers and a file", "for example: qmath history export 3 5-7 set.html")
    *numbers, name = words
    path = Path(name)
    exports.check(path, overwrite=overwrite)
    chosen: dict[int | None, Solved] = {}
    for word in numbers:
        for number in _numbers(word):
            for one in kept.conversation(number):
                chosen.setdefault(one.number, one)
    where = exports.export(list(chosen.values()), path, overwrite=overwrite)
    here.terminal.note(f"wrote {where}")
    return ExitCode.OK


def _numbers(word: str) -> range:
    found = _RANGE.fullmatch(word)
    if found is None:
        raise UsageError(f"{word!r} is neither a number nor a range", "for example: 3, or 5-7")
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last < first + _MOST:
        raise UsageError(f"{word!r} is no range of at most {_MOST} problems", "for example: 5-7")
    return range(first, last + 1)


def _one_number(words: Sequence[str]) -> int:
    if len(words) != 1 or not re.fullmatch(r"\d+", words[0], re.ASCII):
        raise UsageError("history show needs one number", "qmath history lists them")
    return int(words[0])


def _none(action: Action, words: Sequence[str]) -> None:
    if words:
        raise UsageError(f"history {action} takes no argument: {words[0]}", "qmath history --help")


def _clear(here: Invocation, kept: History, *, yes: bool) -> int:
    """Remove all problems, and what was typed in the REPL, after asking."""
    if not yes:
        _confirm(here, kept)
    removed, typed = kept.clear(), here.paths.typed
    if typed.is_file():
        typed.write_bytes(b"")  # the file stays: a running REPL adds to it
    here.terminal.note(f"removed {removed} problem(s), and what was typed in the REPL")
    return ExitCode.OK


def _confirm(here: Invocation, kept: History) -> None:
    count = len(kept.newest())
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"would remove {count} problem(s) from {kept.path}", "--yes removes them without asking")
    reply = here.terminal.reply_to(f"remove {count} problem(s), and what was typed in the REPL? [y/N] ")
    if reply.lower() not in {"y", "yes"}:
        raise UsageError("nothing was removed")
