"""What closes a solution: the answer in a frame with its LaTeX below, the votes, and one line of figures."""

from __future__ import annotations

from qmath_cli.records import Finish, Protection, Solution, Votes
from qmath_cli.terminal.maths.box import columns
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import Paint, Style
from qmath_cli.terminal.transcript import Transcript

WHY_NO_ANSWER = {
    Finish.NO_ANSWER: "the model stopped without a boxed answer",
    Finish.OUT_OF_TOKENS: "the token limit was reached before an answer",
    Finish.OUT_OF_CONTEXT: "the model's context was full before an answer",
    Finish.OUT_OF_PROGRAMS: "the limit of programs was reached before an answer",
    Finish.DEGENERATE: "the model's text degenerated",
    Finish.INTERRUPTED: "interrupted",
    Finish.TIMEOUT: "the time limit was reached",
}


def answer_panel(answer: str, style: Style) -> list[str]:
    """The answer drawn in a frame, its LaTeX source on the line below the frame."""
    source = clean(answer).replace("\n", " ")
    rows = Transcript(style).drawing(source, style.width() - 6) or [source]
    width = max(columns(row) for row in (*rows, " answer "))
    top, side, bottom = ("╭╮", "│", "╰╯") if style.unicode else ("++", "|", "++")
    line = "─" if style.unicode else "-"
    framed = [top[0] + line + " answer " + line * (width - 7) + top[1]]
    framed += [f"{side} {row}{' ' * (width - columns(row))} {side}" for row in rows]
    framed += [bottom[0] + line * (width + 2) + bottom[1]]
    return [style.paint(row, Paint.STRONG) for row in framed] + [style.paint(source, Paint.DIM)]


def vote_lines(votes: Votes) -> list[str]:
    r"""The count, one answer a line: `7/8  \frac{1}{2}`."""
    lines = [f"{group.count}/{votes.sampled}  {group.answer}{_reward(group.reward)}" for group in votes.groups]
    silent = votes.sampled - sum(group.count for group in votes.groups)
    return lines + ([f"{silent}/{votes.sampled}  (no answer)"] if silent else [])


def _reward(reward: float | None) -> str:
    return "" if reward is None else f"  (reward {reward:.2f})"


def agreement(votes: Votes) -> str:
    """`7/8 agree`, and how many of the samples asked for were enough."""
    best = max((group.count for group in votes.groups), default=0)
    saved = f", stopped after {votes.sampled} of {votes.k}" if votes.sampled < votes.k else ""
    return f"{best}/{votes.sampled} agree{saved}"


def footer(solution: Solution, protection: Protection | None = None) -> str:
    """`412 tokens · 11.8 tok/s · 2 programs · full restriction`."""
    parts = [f"{solution.usage.completion_tokens} tokens"]
    if solution.timing.decode_tps > 0:
        parts.append(f"{solution.timing.decode_tps:.1f} tok/s")
    programs = sum(len(sample.runs) for sample in solution.samples)
    if programs:
        parts.append(f"{programs} program{'s' if programs > 1 else ''}")
        parts += [f"{protection} restriction"] if protection is not None else []
    if solution.votes.k > 1:
        parts.append(agreement(solution.votes))
    return " · ".join(parts)
