"""Reads the messages of a session from the terminal.

Enter sends a message. It can have several lines in four ways: Alt-Enter inserts a line break, a line that ends in a
backslash continues, three double quotes open and close a block, and a pasted text is one message. prompt_toolkit reads
from a terminal; a dumb terminal or a pipe is read line by line, where backslashes and blocks work in the same way.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.repl.typed_ahead import TypedAhead, line_is_waiting
from qmath_cli.terminal.text_width import text_width
from qmath_cli.terminal.word_wrap import wrapped

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

PROMPT = "qmath> "
FOLLOWING = "qmath (following)> "
_CONTINUATION = "  ...> "
_QUOTES = '"""'
_YES = {"", "y", "yes", "是", "好", "对"}
_NO = {"n", "no", "否", "不", "不是", "不用"}

Candidates = Callable[[str], Sequence[str]]
"""Returns what could complete a line: each stands for the longest end of it, from a blank on, that it begins with."""


class Reader(Protocol):
    """Reads messages."""

    asks: bool
    """Whether somebody is there to be asked something."""

    def read(self, prompt: str = PROMPT) -> str:
        """Read the next message.

        What was typed during `between` comes first.

        Raises:
            KeyboardInterrupt: Ctrl-C at an empty prompt.
            EOFError: Ctrl-D, or the end of the input.
        """
        ...

    def between(self) -> AbstractContextManager[None]:
        """For as long as a message is executed: what is typed meanwhile is kept, and not echoed."""
        ...


def open_reader(terminal: Terminal, environ: Mapping[str, str], history: Path | None, candidates: Candidates) -> Reader:
    """Open the reader that suits the terminal.

    Args:
        terminal: Where a prompt is written.
        environ: The environment, for `TERM`.
        history: The history file; None for no file.
        candidates: For completion.
    """
    interactive = terminal.interactive and sys.stdin is not None and sys.stdin.isatty()
    if interactive and environ.get("TERM", "") not in {"", "dumb", "unknown"}:
        return PromptReader(history, candidates)
    return LineReader(terminal, prompting=interactive)


def unfinished(text: str) -> bool:
    """Whether a message continues: it has an open block, or ends in a backslash that is not escaped."""
    if text.lstrip().startswith(_QUOTES):
        return not (text.rstrip().endswith(_QUOTES) and len(text.strip()) >= 2 * len(_QUOTES))
    stripped = text.rstrip(" ")
    return (len(stripped) - len(stripped.rstrip("\\"))) % 2 == 1


def unwrapped(text: str) -> str:
    """The message without surrounding quotes and blanks."""
    body = text.strip()
    if body.startswith(_QUOTES):
        return body.removeprefix(_QUOTES).removesuffix(_QUOTES).strip()
    return body


def completed(line: str, candidate: str) -> str | None:
    """The end of a line that a candidate completes: whole words, since names of files have blanks; None if none."""
    words = line.split(" ")
    ends = (" ".join(words[first:]) for first in range(len(words)))
    return next((end for end in ends if candidate.startswith(end)), None)


class LineReader:
    """Reads line by line from stdin, for pipes and dumb terminals; `prompting` writes a prompt before each line."""

    def __init__(self, terminal: Terminal, *, prompting: bool) -> None:
        self._terminal = terminal
        self.asks = prompting
        self._ahead = TypedAhead(whole_lines=True)

    def between(self) -> AbstractContextManager[None]:
        """Keep what is typed: see `TypedAhead`."""
        return self._ahead.collecting() if self.asks else nullcontext()

    def read(self, prompt: str = PROMPT) -> str:
        """Read the next message."""
        text = self._line(prompt)
        while unfinished(text):
            block = text.lstrip().startswith(_QUOTES)
            kept = text if block else text.rstrip(" ")[:-1]
            text = f"{kept}\n{self._line(_CONTINUATION)}"
        return unwrapped(text)

    def _line(self, prompt: str) -> str:
        unseen = self.asks and line_is_waiting()
        if self.asks:
            self._terminal.write(prompt)
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if unseen:
            self._terminal.write(clean(line))
        if not line:
            raise EOFError
        return line.rstrip("\n")


class PromptReader:
    """Reads with prompt_toolkit: editing, history, completion, bracketed paste."""

    asks = True

    def __init__(self, history: Path | None, candidates: Candidates) -> None:
        from prompt_toolkit import PromptSession

        self._ahead = TypedAhead(whole_lines=False)
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            key_bindings=_bindings(),
            history=_history(history),
            completer=_completer(candidates),
            complete_while_typing=False,
            enable_history_search=True,
            prompt_continuation=_before_row,
        )

    def read(self, prompt: str = PROMPT) -> str:
        """Read the next message."""
        return unwrapped(self._session.prompt(prompt, default=self._ahead.take()))

    def between(self) -> AbstractContextManager[None]:
        """Keep what is typed: see `TypedAhead`."""
        return self._ahead.collecting()


def _before_row(_width: int, _line: int, wraps: int) -> str:
    """What stands before a row but the first: the sign of a new line, or blanks where a long line goes on."""
    return " " * len(_CONTINUATION) if wraps else _CONTINUATION


def confirmed(terminal: Terminal, question: str) -> bool | None:
    """Ask a question that Enter answers with yes, on stderr; None where the input ends instead of an answer."""
    while True:
        terminal.err.write(wrapped(f"{question} [Y/n]", text_width()) + " ")
        terminal.err.flush()
        line = sys.stdin.readline()
        if not line:
            return None
        if line.strip().lower() in _YES:
            return True
        if line.strip().lower() in _NO:
            return False


def _bindings() -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if not unfinished(buffer.text):
            buffer.validate_and_handle()
        elif buffer.text.lstrip().startswith(_QUOTES):
            buffer.newline(copy_margin=False)
        else:
            buffer.text = buffer.text.rstrip(" ")[:-1]
            buffer.cursor_position = len(buffer.text)
            buffer.newline(copy_margin=False)

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=False)

    @keys.add("c-c")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=KeyboardInterrupt)

    return keys


def _history(path: Path | None) -> History:
    """A history in a file that only its owner can read, or in memory if the file cannot be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def _completer(candidates: Candidates) -> Completer:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

    class WordCompleter(Completer):
        """Completes the end of a line from its candidates."""

        def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
            line = document.text_before_cursor
            for candidate in candidates(line):
                end = completed(line, candidate)
                if end is not None:
                    yield Completion(candidate, start_position=-len(end))

    return WordCompleter()
