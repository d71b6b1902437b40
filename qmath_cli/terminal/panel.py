"""The end of a shown solution: the answer in a frame, the votes, one line of figures.

Below the frame stands the answer's LaTeX where it differs from what is drawn. On a terminal of plain lines, and with
`--render line`, there is no frame: `answer: 19/12`.
"""

from __future__ import annotations

from collections.abc import Callable

from qmath_cli.records import Finish, Mode, Protection, Solution, Votes
from qmath_cli.terminal.maths import plain
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.text_width import columns
from qmath_cli.terminal.transcript import Transcript

WHY_NO_ANSWER = {
    Finish.NO_ANSWER: "the model stopped without a boxed answer",
    Finish.OUT_OF_TOKENS: "the token limit was reached before an answer",
    Finish.OUT_OF_CONTEXT: "the model's context was full before an answer",
    Finish.OUT_OF_PROGRAMS: "the limit of programs was reached before an answer",
    Finish.DEGENERATE: "the model's text degenerated",
    Finish.INTERRUPTED: "interrupted",
    Finish.TIMEOUT: "the time limit was reached",
    Finish.UNKNOWN_KIND: "the demo does not know this kind of problem",
}

#: What is said of programs that ran under fewer restrictions than there are; `qmath doctor` names those that hold.
_LESS = {
    Protection.PARTIAL: "restricted only in part (qmath doctor)",
    Protection.BASIC: "restricted by Python only (qmath doctor)",
}


def answer_panel(answer: str, style: Style) -> list[str]:
    """The lines of the answer: drawn in a frame, with its LaTeX source below where that differs, or one line."""
    source = " ".join(clean(answer).split())
    if style.flat:
        return [style.strong(f"answer: {plain(source, style.alphabet)}")]
    rows = Transcript(style).drawing(source, style.width() - 6) or [source]
    width = max(columns(row) for row in (*rows, " answer "))
    top, side, bottom = ("╭╮", "│", "╰╯") if style.unicode else ("++", "|", "++")
    line = "─" if style.unicode else "-"
    framed = [top[0] + line + " answer " + line * (width - 7) + top[1]]
    framed += [f"{side} {row}{' ' * (width - columns(row))} {side}" for row in rows]
    framed += [bottom[0] + line * (width + 2) + bottom[1]]
    below = [] if rows == [source] else [style.dim(source)]
    return [style.strong(row) for row in framed] + below


def answer_on_one_line(answer: str, style: Style) -> str:
    """An answer among other words: drawn on one line, or its LaTeX where nothing is drawn."""
    return plain(answer, style.alphabet) if style.drawn else " ".join(answer.split())


def unrun_note(programs: int, mode: Mode) -> str:
    """One line about programs in a solution's text that were not run."""
    what = "1 program in this solution was" if programs == 1 else f"{programs} programs in this solution were"
    why = ": mode cot runs none" if mode is Mode.COT else ""
    return f"{what} not run{why}; the output below it, if any, is the model's own text"


def vote_lines(votes: Votes, style: Style) -> list[str]:
    """The votes, one line per answer: `7/8  1/2`."""
    lines = [
        f"{group.count}/{votes.sampled}  {answer_on_one_line(group.answer, style)}{_reward(group.reward)}"
        for group in votes.groups
    ]
    unanswered = votes.sampled - sum(group.count for group in votes.groups)
    return lines + ([f"{unanswered}/{votes.sampled}  (no answer)"] if unanswered else [])


def _reward(reward: float | None) -> str:
    return "" if reward is None else f"  (reward {reward:.2f})"


def _agreement(solution: Solution) -> str:
    """`7/8 agree`, and whether fewer samples than requested were enough, or the vote was cut short."""
    votes = solution.votes
    best = max((group.count for group in votes.groups), default=0)
    end = {Finish.INTERRUPTED: "interrupted", Finish.TIMEOUT: "out of time"}.get(solution.finish, "stopped")
    saved = f", {end} after {votes.sampled} of {votes.k}" if votes.sampled < votes.k else ""
    return f"{best}/{votes.sampled} agree{saved}"


def footer(solution: Solution, protection: Callable[[], Protection | None] = lambda: None) -> str:
    """`412 tokens · 11.8 tok/s · 2 programs`, and where not all restrictions of programs hold, that they do not.

    `protection` is called where a program ran.
    """
    parts = [f"{solution.usage.completion_tokens} tokens"]
    if solution.timing.decode_tps > 0:
        parts.append(f"{solution.timing.decode_tps:.1f} tok/s")
    programs = sum(len(sample.runs) for sample in solution.samples)
    if programs:
        parts.append(f"{programs} program{'s' if programs > 1 else ''}")
        held = protection()
        parts += [_LESS[held]] if held in _LESS else []
    if solution.votes.k > 1:
        parts.append(_agreement(solution))
    return " · ".join(parts)
