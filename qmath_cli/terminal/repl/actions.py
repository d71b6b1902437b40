"""The slash commands that do something with the latest solution."""

from __future__ import annotations

import os
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.records import Mark, ProgramRun
from qmath_cli.terminal.export import export
from qmath_cli.terminal.export.document import document
from qmath_cli.terminal.export.markdown import write as markdown
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.panel import vote_lines
from qmath_cli.terminal.repl.clipboard import copy as to_clipboard
from qmath_cli.terminal.repl.conversation import Conversation
from qmath_cli.terminal.transcript import Transcript

COPIES = ("answer", "working", "md")


def code(talk: Conversation, argument: str) -> None:
    """Show programs with their outputs."""
    runs = talk.session.picked().runs
    for number in _numbers(argument, len(runs)):
        talk.terminal.line(f"program {number} of {len(runs)} ({runs[number - 1].output.status}):")
        _show(talk, runs[number - 1])


def run(talk: Conversation, argument: str) -> None:
    """Run the programs up to number N again, in one fresh namespace, and show what the last one gives."""
    runs = talk.session.picked().runs
    last = _numbers(argument, len(runs))[-1]
    executor = talk.ready().tools.executor
    if executor is None:
        raise UsageError("there is no executor in this mode", "/mode tir")
    worker = executor.open()
    try:
        for number in range(1, last + 1):
            output = worker.run(runs[number - 1].code)
    finally:
        worker.close()
    _show(talk, ProgramRun(runs[last - 1].code, output))


def check(talk: Conversation, argument: str) -> None:
    """Compare the latest answer with one that was typed."""
    answer = talk.session.last.answer
    if not argument:
        raise UsageError("/check takes an answer", r"for example: /check \frac{1}{2}")
    if answer is None:
        raise UsageError("the latest solution has no answer")
    equal = talk.ready().tools.equal
    if equal is None:
        raise UsageError("there is no grader here")
    verdict = equal(answer, argument)
    word = {Mark.CORRECT: "equal", Mark.WRONG: "different", Mark.UNDECIDED: "undecided"}[verdict.mark]
    talk.terminal.line(f"{word}: {answer} and {argument}" + (f" ({verdict.why})" if verdict.why else ""))


def votes(talk: Conversation, _argument: str) -> None:
    """The count."""
    for line in vote_lines(talk.session.last.votes):
        talk.terminal.line(line)


def raw(talk: Conversation, _argument: str) -> None:
    """The working as source."""
    talk.terminal.line(talk.session.picked().text.rstrip("\n"))


def copy(talk: Conversation, argument: str) -> None:
    """To the clipboard."""
    wanted = argument or "answer"
    if wanted not in COPIES:
        raise UsageError(f"/copy {wanted}: not something to copy", f"one of {', '.join(COPIES)}")
    last = talk.session.last
    if wanted == "answer":
        if last.answer is None:
            raise UsageError("the latest solution has no answer", "/copy working")
        text = last.answer
    elif wanted == "working":
        text = talk.session.picked().text
    else:
        text = markdown(document(last, talk.ready().model, talk.session.settings.pick))
    talk.terminal.note(to_clipboard(clean(text), talk.terminal, os.environ))


def export_(talk: Conversation, argument: str) -> None:
    """Write a document."""
    if not argument:
        raise UsageError("/export takes a file name", "for example: /export solution.html")
    path = Path(argument).expanduser()
    export(talk.session.last, path, talk.ready().model, talk.session.settings.pick)
    talk.terminal.line(f"wrote {path}")


def stats(talk: Conversation, _argument: str) -> None:
    """Figures of the latest solution."""
    last = talk.session.last
    usage, timing = last.usage, last.timing
    for name, value in (
        ("prompt", f"{usage.prompt_tokens} tokens, {timing.prefill_tps:.1f} tok/s"),
        ("written", f"{usage.completion_tokens} tokens, {timing.decode_tps:.1f} tok/s"),
        ("prefilled", f"{usage.prefilled_tokens} tokens"),
        ("first token", f"{timing.first_token_s:.2f} s"),
        ("in all", f"{timing.total_s:.2f} s"),
        ("ended", str(last.finish)),
    ):
        talk.terminal.line(f"{name:12}{value}")


def context(talk: Conversation, _argument: str) -> None:
    """How full the context was, and what the next problem would find."""
    limit = talk.ready().tools.engine.context_length
    solutions = talk.session.solutions
    used = 0
    if solutions:
        usage = talk.session.picked().usage
        used = usage.prompt_tokens + usage.completion_tokens + usage.output_tokens
    talk.terminal.line(
        f"{used} of {limit} tokens used by the latest solution, its problem and program outputs included"
    )
    kept = "starts with these" if talk.session.follow else "starts with an empty context"
    talk.terminal.line(f"the next problem {kept}")


def _numbers(argument: str, count: int) -> list[int]:
    if count == 0:
        raise UsageError("the latest solution ran no program")
    if not argument:
        return list(range(1, count + 1))
    if not argument.isdigit() or not 1 <= int(argument) <= count:
        raise UsageError(f"there is no program {argument}", f"1 to {count}")
    return [int(argument)]


def _show(talk: Conversation, shown: ProgramRun) -> None:
    if not talk.style.drawn:
        talk.terminal.line(shown.code)
        talk.terminal.line(shown.output.text)
        return
    transcript = Transcript(talk.style)
    talk.terminal.write(transcript.text(f"```python\n{shown.code}\n```\n") + transcript.program_output(shown.output))
