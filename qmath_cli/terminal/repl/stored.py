"""The slash commands on what is stored: saved sessions, and the history of all solved problems."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.history.keeper import open_history
from qmath_cli.terminal import problem_list
from qmath_cli.terminal.repl import session_file
from qmath_cli.terminal.repl.conversation import Conversation

OVERWRITE = "--overwrite"
_LISTED = 10  # problems that /history shows


def history(conversation: Conversation, argument: str) -> None:
    """Show the newest problems of the history, or those that contain a text."""
    kept = open_history(conversation.paths)
    found = kept.search(argument, _LISTED) if argument else kept.newest(_LISTED)
    for line in problem_list.listed(found, conversation.style):
        conversation.terminal.line(line)
    if found:
        conversation.terminal.note(f"/load {found[-1].number} brings problem {found[-1].number} back")
    elif argument:
        conversation.terminal.prose(f"no problem in the history contains {argument!r}")
    else:
        off = "" if conversation.session.settings.history else ", and none is kept: /set history on"
        conversation.terminal.prose(f"the history has no problems{off}")


def save(conversation: Conversation, argument: str) -> None:
    """Save the session under a name; another session's name only where that is said."""
    session = conversation.session
    name, overwrite = split(argument)
    path = session_file.path_of(_folder(conversation), name)
    if path.exists() and not overwrite and name != session.name:
        raise UsageError(f"there is a session {name!r} already", f"/save {OVERWRITE} {name} replaces it")
    session_file.save(session, path)
    session.name = name
    conversation.terminal.prose(f"saved {len(session.solved)} problem(s) in {path}")


def load(conversation: Conversation, argument: str) -> None:
    """Load a saved session, or a problem of the history with those that its prompt contained."""
    session, path = conversation.session, session_file.path_of(_folder(conversation), argument)
    if argument.isdecimal() and not path.exists():
        session.solved[:] = open_history(conversation.paths).conversation(int(argument))
        session.follow, session.name = len(session.solved) > 1, ""
    else:
        found, session.follow = session_file.load(path)
        session.solved[:], session.name = [Solved(one) for one in found], argument
    session.hidden = None
    for line in problem_list.of_session(session.solved, conversation.style):
        conversation.terminal.line(line)
    follow = "; follow is on" if session.follow else ""
    conversation.terminal.prose(f"loaded {len(session.solved)} problem(s){follow}")


def sessions(conversation: Conversation) -> Iterable[str]:
    """The names of all saved sessions."""
    return sorted(path.stem for path in _folder(conversation).glob("*.json"))


def split(argument: str) -> tuple[str, bool]:
    """An argument without the word that allows to overwrite, and whether it was there."""
    words = argument.split(" ")
    return " ".join(word for word in words if word != OVERWRITE).strip(), OVERWRITE in words


def _folder(conversation: Conversation) -> Path:
    return conversation.paths.data / "sessions"
