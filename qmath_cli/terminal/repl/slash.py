"""The slash commands: a table of names, and the ones that change or show the session.

A command is a function of the talk and its argument. What it cannot do it raises as a `QmathError`; the loop shows it,
and the session goes on.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace

from qmath_cli.errors import UsageError
from qmath_cli.records import Mode
from qmath_cli.settings import Settings, resolve
from qmath_cli.terminal.repl import actions, session
from qmath_cli.terminal.repl.conversation import Conversation

SETTINGS = tuple(each.name for each in fields(Settings))


class Leave(Exception):
    """The session is over."""


@dataclass(frozen=True, slots=True)
class Slash:
    """A command: what it is called with, and what it does."""

    usage: str
    help: str
    run: Callable[[Conversation, str], None]


def dispatch(talk: Conversation, line: str) -> None:
    """Run a slash command. Raises `UsageError` for one that does not exist, with the nearest that does."""
    name, _, argument = line[1:].strip().partition(" ")
    command = COMMANDS.get(ALIASES.get(name, name))
    if command is None:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean /{close[0]}?" if close else "/help lists the commands"
        raise UsageError(f"no such command: /{name}", hint)
    command.run(talk, argument.strip())


def candidates(talk: Conversation, line: str) -> list[str]:
    """What could stand at the end of the line so far."""
    if not line.startswith("/"):
        return []
    name, blank, _ = line[1:].partition(" ")
    if not blank:
        return [f"/{command}" for command in COMMANDS]
    offers = _OFFERS.get(ALIASES.get(name, name))
    return list(offers(talk)) if offers is not None else []


# ---------------------------------------------------------------- settings


def change(talk: Conversation, name: str, value: str) -> None:
    """Give one setting a value, checked as everywhere else, and load what it needs."""
    if name not in SETTINGS:
        close = difflib.get_close_matches(name, SETTINGS, n=1)
        raise UsageError(f"unknown setting {name!r}", f"did you mean {close[0]}?" if close else "/show lists them")
    checked = getattr(resolve(None, {f"QMATH_{name.upper()}": value}).settings, name)
    talk.session.settings = replace(talk.session.settings, **{name: checked})
    talk.machine.prepare(talk.session.settings)


def _setting(name: str) -> Callable[[Conversation, str], None]:
    def run(talk: Conversation, argument: str) -> None:
        if argument:
            change(talk, name, argument)
        talk.terminal.line(f"{name} = {getattr(talk.session.settings, name)}")

    return run


def _set(talk: Conversation, argument: str) -> None:
    name, _, value = argument.partition(" ")
    if not value:
        raise UsageError("/set takes a name and a value", "for example: /set temperature 0.7")
    _setting(name)(talk, value.removeprefix("=").strip())


def _show(talk: Conversation, argument: str) -> None:
    if argument and argument not in SETTINGS:
        raise UsageError(f"unknown setting {argument!r}", "/show lists them")
    for name in [argument] if argument else SETTINGS:
        value = getattr(talk.session.settings, name)
        talk.terminal.line(f"{name} = {'(as the mode decides)' if value is None else value}")


def _follow(talk: Conversation, argument: str) -> None:
    if argument not in {"on", "off", ""}:
        raise UsageError("/follow on, or /follow off")
    if argument:
        talk.session.follow = argument == "on"
    state = "on: the next problem sees the earlier ones" if talk.session.follow else "off: every problem starts afresh"
    talk.terminal.line(f"follow is {state}")


# ---------------------------------------------------------------- the session


def _retry(talk: Conversation, argument: str) -> None:
    if argument and not argument.isdigit():
        raise UsageError("/retry takes a seed, or nothing")
    talk.again(int(argument) if argument else None)


def _clear(talk: Conversation, _argument: str) -> None:
    talk.session.solutions.clear()
    talk.terminal.line("the session is empty")


def _save(talk: Conversation, argument: str) -> None:
    path = session.path_of(talk.hooks.sessions, argument)
    session.save(talk.session, path)
    talk.terminal.line(f"saved {len(talk.session.solutions)} problem(s) in {path}")


def _load(talk: Conversation, argument: str) -> None:
    found, follow = session.load(session.path_of(talk.hooks.sessions, argument))
    talk.session.solutions[:] = found
    talk.session.follow = follow
    talk.terminal.line(f"loaded {len(found)} problem(s)")


def _quit(_talk: Conversation, _argument: str) -> None:
    raise Leave


def _help(talk: Conversation, argument: str) -> None:
    name = argument.removeprefix("/")
    if name and ALIASES.get(name, name) not in COMMANDS:
        raise UsageError(f"no such command: /{name}", "/help lists the commands")
    wanted = [ALIASES.get(name, name)] if name else list(COMMANDS)
    width = max(len(COMMANDS[each].usage) for each in wanted)
    for each in wanted:
        talk.terminal.line(f"{COMMANDS[each].usage.ljust(width)}  {COMMANDS[each].help}")
    if not name:
        talk.terminal.line("Enter sends. Alt-Enter, a trailing backslash or triple quotes make several lines.")
        talk.terminal.line("Ctrl-C stops what runs; at an empty prompt, twice, it leaves, as Ctrl-D does.")


#: What each command's argument is completed from.
_OFFERS: dict[str, Callable[[Conversation], Iterable[str]]] = {
    "model": lambda talk: talk.hooks.models(),
    "mode": lambda _talk: list(Mode),
    "follow": lambda _talk: ("on", "off"),
    "set": lambda _talk: SETTINGS,
    "show": lambda _talk: SETTINGS,
    "help": lambda _talk: COMMANDS,
    "load": lambda talk: sorted(path.stem for path in talk.hooks.sessions.glob("*.json")),
    "copy": lambda _talk: actions.COPIES,
}
ALIASES = {"exit": "quit", "bye": "quit", "?": "help", "q": "quit"}
COMMANDS: dict[str, Slash] = {
    "help": Slash("/help [COMMAND]", "this list", _help),
    "model": Slash("/model [NAME]", "show or change the model", _setting("model")),
    "mode": Slash("/mode [tir|cot]", "with programs, or in words only", _setting("mode")),
    "k": Slash("/k [N]", "samples per problem", _setting("k")),
    "seed": Slash("/seed [N]", "the first sample's seed", _setting("seed")),
    "set": Slash("/set NAME VALUE", "change any setting", _set),
    "show": Slash("/show [NAME]", "show the settings", _show),
    "retry": Slash("/retry [SEED]", "solve the latest problem again", _retry),
    "continue": Slash("/continue", "let the latest solution go on where it stopped", lambda talk, _: talk.go_on()),
    "clear": Slash("/clear", "forget every problem of this session", _clear),
    "follow": Slash("/follow [on|off]", "whether a problem sees the earlier ones", _follow),
    "code": Slash("/code [N]", "the programs of the latest solution", actions.code),
    "run": Slash("/run [N]", "run them again, up to the Nth", actions.run),
    "check": Slash("/check ANSWER", "is the latest answer equal to this one?", actions.check),
    "votes": Slash("/votes", "the answers of the samples, counted", actions.votes),
    "raw": Slash("/raw", "the latest working as LaTeX source", actions.raw),
    "copy": Slash("/copy [answer|working|md]", "to the clipboard", actions.copy),
    "export": Slash("/export FILE", "write .md, .tex, .ipynb or .html", actions.export_),
    "save": Slash("/save NAME", "keep this session", _save),
    "load": Slash("/load NAME", "take up a session that was kept", _load),
    "stats": Slash("/stats", "tokens, times and rates of the latest solution", actions.stats),
    "context": Slash("/context", "how much of the model's context is used", actions.context),
    "quit": Slash("/quit", "leave", _quit),
}
