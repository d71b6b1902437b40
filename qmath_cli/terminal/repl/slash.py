"""The slash commands: the table of all, and those that change or show the session and its settings.

A command is a function of the conversation and its argument. It raises a `QmathError` if it fails; the loop shows the
error, and the session continues. The commands on the latest solution are in `actions`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace

from qmath_cli.errors import QmathError, UsageError
from qmath_cli.models import lockfile
from qmath_cli.records import AnswerLanguage, Mode
from qmath_cli.settings import Settings, resolve
from qmath_cli.terminal.repl import actions, command_list, file_names, model_choice, scoring, stored
from qmath_cli.terminal.repl.conversation import Conversation
from qmath_cli.terminal.text_width import text_width

Command = Callable[[Conversation, str], None]

SETTINGS = tuple(field.name for field in fields(Settings))


class Quit(Exception):
    """Raised by a command to end the session."""


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """An entry of the table: name and arguments, a line of help, and the function."""

    usage: str
    help: str
    run: Command


def dispatch(conversation: Conversation, line: str) -> None:
    """Run a slash command.

    Args:
        conversation: The conversation.
        line: The message, with the slash.

    Raises:
        Quit: The command ends the session.
        QmathError: The command does not exist, or it failed.
    """
    name, _, argument = line[1:].strip().partition(" ")
    command = COMMANDS.get(ALIASES.get(name, name))
    if command is None:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean /{close[0]}?" if close else "/help lists the commands"
        raise UsageError(f"no such command: /{name}", hint)
    command.run(conversation, argument.strip())


def candidates(conversation: Conversation, models: Sequence[str], line: str) -> list[str]:
    """What could complete the end of a line.

    Args:
        conversation: The conversation.
        models: The arguments of /model.
        line: The line up to the cursor.
    """
    if not line.startswith("/"):
        return []
    name, blank, argument = line[1:].partition(" ")
    if not blank:
        return [f"/{command}" for command in COMMANDS]
    command = ALIASES.get(name, name)
    if command == "model":
        return [*models, *file_names.completions(argument, {".gguf"})]
    if command == "export":
        return actions.export_candidates(argument)
    arguments = _ARGUMENTS.get(command)
    return list(arguments(conversation)) if arguments is not None else []


# ---------------------------------------------------------------- settings


def _change(conversation: Conversation, name: str, value: str) -> None:
    """Change one setting, and start to load what it needs. The value is checked as that of an environment variable."""
    if name not in SETTINGS:
        close = difflib.get_close_matches(name, SETTINGS, n=1)
        raise UsageError(f"unknown setting {name!r}", f"did you mean {close[0]}?" if close else "/show lists them")
    variable = f"QMATH_{name.upper()}"
    try:
        checked = getattr(resolve(None, {variable: value}).settings, name)
    except UsageError as exc:
        raise UsageError(exc.message.removeprefix(f"{variable}: "), exc.hint) from exc
    if name == "model":
        _require_model(conversation, value)
    conversation.session.settings = replace(conversation.session.settings, **{name: checked})
    conversation.model.prepare(conversation.session.settings)


def _require_model(conversation: Conversation, name: str) -> None:
    """Refuse a model that could not take over; the session then keeps the one it has."""
    settings, paths = conversation.session.settings, conversation.paths
    try:
        held = 0 if conversation.model.waiting(settings) else conversation.model.ready(settings).info.size
    except QmathError:  # the present model could not be opened, so it holds nothing
        held = 0
    model_choice.checked(name, settings, paths, lockfile.load(), force=conversation.force, held=held)


def _model(conversation: Conversation, argument: str) -> None:
    """Change the model; without an argument, show those that are here."""
    if argument:
        _setting("model")(conversation, argument)
        return
    for line in model_choice.listed(conversation.session.settings, conversation.paths, lockfile.load()):
        conversation.terminal.line(line)
    conversation.terminal.note(
        "/model NAME, or a .gguf file, changes it; `qmath list --all` shows what `qmath pull` gets"
    )


def _setting(name: str) -> Command:
    """The command that shows a setting, or changes it if it has an argument."""

    def run(conversation: Conversation, argument: str) -> None:
        if argument:
            _change(conversation, name, argument)
        conversation.terminal.line(f"{name} = {getattr(conversation.session.settings, name)}")

    return run


def _set(conversation: Conversation, argument: str) -> None:
    name, _, value = argument.partition(" ")
    if not value:
        raise UsageError("/set needs a name and a value", "for example: /set temperature 0.7")
    _setting(name)(conversation, value.removeprefix("=").strip())


def _show(conversation: Conversation, argument: str) -> None:
    if argument and argument not in SETTINGS:
        raise UsageError(f"unknown setting {argument!r}", "/show lists them")
    for name in [argument] if argument else SETTINGS:
        value = getattr(conversation.session.settings, name)
        conversation.terminal.prose(f"{name} = {'(depends on the model and the mode)' if value is None else value}")


def _follow(conversation: Conversation, argument: str) -> None:
    if argument not in {"on", "off", ""}:
        raise UsageError(f"/follow cannot be {argument!r}", "/follow on, or /follow off")
    if argument:
        conversation.session.follow = argument == "on"
    follows = conversation.session.follow
    state = "on: the next prompt contains the earlier problems" if follows else "off: every prompt has one problem only"
    conversation.terminal.prose(f"follow is {state}")


# ---------------------------------------------------------------- the session


def _retry(conversation: Conversation, argument: str) -> None:
    if argument and not argument.isdigit():
        raise UsageError(f"/retry: {argument!r} is not a seed", "/retry, or for example /retry 7")
    conversation.retry(int(argument) if argument else None)


def _clear(conversation: Conversation, _argument: str) -> None:
    conversation.session.solved.clear()
    conversation.session.name, conversation.session.hidden = "", None
    conversation.terminal.prose("all problems of this session were removed")


def _quit(_conversation: Conversation, _argument: str) -> None:
    raise Quit


def _help(conversation: Conversation, argument: str) -> None:
    described = {name: (command.usage, command.help) for name, command in COMMANDS.items()}
    word = ALIASES.get(argument.removeprefix("/"), argument.removeprefix("/"))
    names = command_list.found(word, described) if word else []
    if word and not names:
        raise UsageError(f"no command has to do with {argument!r}", "/help lists the commands")
    usages = {name: usage for name, (usage, _) in described.items()}
    width = text_width()
    lines = command_list.explained((described[name] for name in names), width) or command_list.overview(usages, width)
    for line in lines:
        conversation.terminal.line(line)


#: The arguments of each command, for completion.
_ARGUMENTS: dict[str, Callable[[Conversation], Iterable[str]]] = {
    "mode": lambda _conversation: list(Mode),
    "language": lambda _conversation: list(AnswerLanguage),
    "follow": lambda _conversation: actions.SWITCH,
    "reveal": lambda _conversation: actions.SWITCH,
    "set": lambda _conversation: SETTINGS,
    "show": lambda _conversation: SETTINGS,
    "help": lambda _conversation: [*COMMANDS, *command_list.GROUPS],
    "load": stored.sessions,
    "save": stored.sessions,
    "copy": lambda _conversation: actions.COPY_TARGETS,
}
ALIASES = {"exit": "quit", "bye": "quit", "?": "help", "q": "quit"}
COMMANDS: dict[str, SlashCommand] = {
    "help": SlashCommand("/help [WORD]", "show all commands, or what some of them do", _help),
    "model": SlashCommand("/model [NAME]", "show the models that are here, or change the model", _model),
    "mode": SlashCommand("/mode [tir|cot]", "solve with programs (tir) or with text only (cot)", _setting("mode")),
    "language": SlashCommand(
        "/language [auto|en|zh]", "the language of solutions; auto: that of the problem", _setting("language")
    ),
    "k": SlashCommand("/k [N]", "show or change the number of samples per problem", _setting("k")),
    "seed": SlashCommand("/seed [N]", "show or change the seed of the first sample", _setting("seed")),
    "set": SlashCommand("/set NAME VALUE", "change any setting", _set),
    "show": SlashCommand("/show [NAME]", "show the settings", _show),
    "retry": SlashCommand("/retry [SEED]", "solve the latest problem another way", _retry),
    "continue": SlashCommand(
        "/continue", "continue the latest solution", lambda conversation, _argument: conversation.resume()
    ),
    "clear": SlashCommand("/clear", "remove all problems of this session", _clear),
    "follow": SlashCommand("/follow [on|off]", "whether the next prompt contains the earlier problems", _follow),
    "reveal": SlashCommand("/reveal [on|off]", "hide solutions; Enter shows them step by step", actions.reveal_),
    "hint": SlashCommand("/hint [PROBLEM]", "show the first step only", actions.hint),
    "code": SlashCommand("/code [N]", "show the programs of the latest solution", actions.code),
    "run": SlashCommand("/run [N]", "run them again, up to the Nth", actions.run),
    "check": SlashCommand("/check ANSWER", "compare the latest answer with this one", actions.check),
    "votes": SlashCommand("/votes", "show the answers of the samples with their counts", actions.votes),
    "score": SlashCommand("/score [MODEL]", "show how likely each step of it is right", scoring.score),
    "raw": SlashCommand("/raw", "show the latest solution as LaTeX source", actions.raw),
    "copy": SlashCommand("/copy [answer|working|md]", "copy to the clipboard", actions.copy),
    "export": SlashCommand("/export [all] FILE", "write a .md, .tex, .ipynb or .html file", actions.export_),
    "history": SlashCommand("/history [TEXT]", "show solved problems, or those with this text", stored.history),
    "save": SlashCommand("/save NAME", "save this session", stored.save),
    "load": SlashCommand("/load NAME|N", "load a saved session, or problem N of the history", stored.load),
    "stats": SlashCommand("/stats", "show tokens, times and rates of the latest solution", actions.stats),
    "context": SlashCommand("/context", "show how much of the model's context is used", actions.context),
    "quit": SlashCommand("/quit", "end the session", _quit),
}
