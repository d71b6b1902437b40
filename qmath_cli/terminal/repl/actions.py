"""The slash commands on the latest solution."""

from __future__ import annotations

import os
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.records import Mark, ProgramRun, Usage
from qmath_cli.terminal.export import WRITERS, export
from qmath_cli.terminal.export.document import document
from qmath_cli.terminal.export.markdown import write as markdown
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.panel import answer_on_one_line, vote_lines
from qmath_cli.terminal.repl import file_names, reveal, stored
from qmath_cli.terminal.repl.clipboard import copy as to_clipboard
from qmath_cli.terminal.repl.conversation import Conversation
from qmath_cli.terminal.transcript import Transcript

SWITCH = ("on", "off")
EXPORTED = ("last", "all")  # what /export can be told to write
COPY_TARGETS = ("answer", "working", "md")


def code(conversation: Conversation, argument: str) -> None:
    """Show the programs with their outputs, or only program N."""
    runs = conversation.session.picked().runs
    for number in _numbers(argument, len(runs)):
        conversation.terminal.line(f"program {number} of {len(runs)} ({runs[number - 1].output.status}):")
        _show(conversation, runs[number - 1])


def run(conversation: Conversation, argument: str) -> None:
    """Run the programs up to number N again in one new namespace, and show the output of the last one."""
    runs = conversation.session.picked().runs
    last = _numbers(argument, len(runs))[-1]
    executor = conversation.open_model().tools.executor
    if executor is None:
        raise UsageError("programs are not run in this mode", "/mode tir")
    worker = executor.open()
    try:
        for number in range(1, last + 1):
            output = worker.run(runs[number - 1].code)
    finally:
        worker.close()
    _show(conversation, ProgramRun(runs[last - 1].code, output))


def check(conversation: Conversation, argument: str) -> None:
    """Compare the latest answer with another one."""
    answer = conversation.session.last.answer
    if not argument:
        raise UsageError("/check needs an answer", r"for example: /check \frac{1}{2}")
    if answer is None:
        raise UsageError("the latest solution has no answer")
    equal = conversation.open_model().tools.equal
    if equal is None:
        raise UsageError("no grader is available")
    with conversation.terminal.status.during(lambda: "comparing"):
        verdict = equal(answer, argument)
    word = {Mark.CORRECT: "equal", Mark.WRONG: "different", Mark.UNDECIDED: "undecided"}[verdict.mark]
    given, ours = (answer_on_one_line(one, conversation.style) for one in (argument, answer))
    if conversation.session.hidden is not None:  # the answer is not told
        conversation.terminal.prose(f"{word}: {given}")
        return
    conversation.terminal.prose(f"{word}: {ours} and {given}" + (f" ({verdict.why})" if verdict.why else ""))


def reveal_(conversation: Conversation, argument: str) -> None:
    """Hide the next solutions, to be uncovered step by step, or show them as they are written."""
    session = conversation.session
    if argument not in SWITCH and argument:
        raise UsageError(f"/reveal cannot be {argument!r}", "/reveal on, or /reveal off")
    if argument:
        session.reveal = argument == "on"
    while argument == "off" and session.hidden is not None:
        conversation.next_step()
    state = "on: Enter shows a solution step by step" if session.reveal else "off: a solution is shown as it is written"
    conversation.terminal.prose(f"reveal is {state}")


def hint(conversation: Conversation, argument: str) -> None:
    """Show the first step only: of the latest solution, or of the problem that is given."""
    session = conversation.session
    if argument:
        conversation.ask(argument, hide=True)
    if session.hidden is None:
        shown = reveal.hidden(session.last, session.latest.pick)
        shown.shown = len(shown.steps)
        reveal.hint(shown, conversation.terminal, conversation.style)
    else:
        reveal.hint(session.hidden, conversation.terminal, conversation.style)


def votes(conversation: Conversation, _argument: str) -> None:
    """Show the groups of equal answers with their counts."""
    for line in vote_lines(conversation.session.last.votes, conversation.style):
        conversation.terminal.line(line)


def raw(conversation: Conversation, _argument: str) -> None:
    """Show the text of the latest solution as it is."""
    conversation.terminal.line(conversation.session.picked().text.rstrip("\n"))


def copy(conversation: Conversation, argument: str) -> None:
    """Copy the answer, the text, or a Markdown document to the clipboard."""
    target = argument or "answer"
    if target not in COPY_TARGETS:
        raise UsageError(f"/copy cannot copy {target!r}", f"one of {', '.join(COPY_TARGETS)}")
    last = conversation.session.last
    if target == "answer":
        if last.answer is None:
            raise UsageError("the latest solution has no answer", "/copy working")
        text = last.answer
    elif target == "working":
        text = conversation.session.picked().text
    else:
        latest = conversation.session.latest
        text = markdown(document(last, latest.model, latest.pick))
    conversation.terminal.note(to_clipboard(clean(text), conversation.terminal, os.environ))


def export_(conversation: Conversation, argument: str) -> None:
    """Write solutions to a file, in the format of its suffix: a conversation that is followed, or the latest one."""
    session = conversation.session
    rest, overwrite = stored.split(argument)
    which, _, name = rest.partition(" ")
    if which not in EXPORTED:
        which, name = "all" if session.follow else "last", rest
    if not name.strip():
        raise UsageError("/export needs a file name", "for example: /export solution.html, or /export all session.html")
    solved = [session.latest] if which == "last" else session.solved or [session.latest]
    path = export(solved, Path(name.strip()).expanduser(), overwrite=overwrite)
    conversation.terminal.prose(f"wrote {path} ({len(solved)} problem{'' if len(solved) == 1 else 's'})")
    if rest == name and len(session.solved) > len(solved):
        conversation.terminal.note(f"/export all FILE writes all {len(session.solved)} problems of this session")


def export_candidates(argument: str) -> list[str]:
    """What could complete the argument of /export: its words, then the names of files that can be written."""
    options = (*EXPORTED, stored.OVERWRITE)
    while argument.partition(" ")[1] and argument.partition(" ")[0] in options:
        argument = argument.partition(" ")[2]
    words = [word for word in options if word.startswith(argument)]
    return words + file_names.completions(argument, WRITERS)


def stats(conversation: Conversation, _argument: str) -> None:
    """Show tokens, times and rates of the latest solution."""
    last = conversation.session.last
    usage, timing = last.usage, last.timing
    timed = timing.total_s > 0  # a saved session does not hold its times
    for name, value in (
        ("prompt", f"{usage.prompt_tokens} tokens" + (f", {timing.prefill_tps:.1f} tok/s" if timed else "")),
        ("generated", f"{usage.completion_tokens} tokens" + (f", {timing.decode_tps:.1f} tok/s" if timed else "")),
        ("prefilled", f"{usage.prefilled_tokens} tokens"),
        ("drafted", _drafted(usage)),
        ("first token", f"{timing.first_token_s:.2f} s" if timed else "not known"),
        ("total", f"{timing.total_s:.2f} s" if timed else "not known"),
        ("ended", str(last.finish)),
    ):
        conversation.terminal.line(f"{name:12}{value}")


def _drafted(usage: Usage) -> str:
    """What drafts did."""
    if not usage.drafted_tokens:
        return "nothing"
    counts = f"{usage.drafted_tokens} tokens, {usage.accepted_tokens} of them accepted"
    return f"{counts}; gain {usage.draft_gain:.2f}"


def context(conversation: Conversation, _argument: str) -> None:
    """Show how many tokens of the context the latest solution used."""
    limit = conversation.open_model().tools.engine.context_length
    used = 0
    if conversation.session.solved:
        usage = conversation.session.picked().usage
        used = usage.prompt_tokens + usage.completion_tokens + usage.output_tokens
    conversation.terminal.prose(
        f"{used} of {limit} tokens used by the latest solution, including its problem and program outputs"
    )
    start = "with these tokens" if conversation.session.follow else "with an empty context"
    conversation.terminal.prose(f"the next problem starts {start}")


def _numbers(argument: str, count: int) -> list[int]:
    """The program that `argument` names, or all of `count` programs; counted from 1."""
    if count == 0:
        raise UsageError("the latest solution has no program that was run")
    if not argument:
        return list(range(1, count + 1))
    if not argument.isdigit() or not 1 <= int(argument) <= count:
        raise UsageError(f"there is no program {argument}", f"a number from 1 to {count}")
    return [int(argument)]


def _show(conversation: Conversation, shown: ProgramRun) -> None:
    if not conversation.style.drawn:
        conversation.terminal.line(shown.code)
        conversation.terminal.line(shown.output.text)
        return
    transcript = Transcript(conversation.style)
    conversation.terminal.write(
        transcript.text(f"```python\n{shown.code}\n```\n") + transcript.program_output(shown.output)
    )
