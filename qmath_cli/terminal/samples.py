"""The finished samples of one problem, one line each on stderr, with the vote as it stood when each of them ended."""

from __future__ import annotations

from qmath_cli.records import Sample, SampleFinished, Votes
from qmath_cli.settings import Render
from qmath_cli.terminal.maths import Alphabet, plain
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.panel import WHY_NO_ANSWER
from qmath_cli.terminal.style import Style

_MOST_GROUPS = 3  # answers of a vote that a line names


class SampleLines:
    """Lines that are kept until `write`, because text of another sample may be in their way."""

    def __init__(self, terminal: Terminal, style: Style, k: int) -> None:
        self._terminal = terminal
        self._style = style
        self._k = k
        self._finished = 0
        self._lines: list[str] = []

    def add(self, event: SampleFinished) -> None:
        """Add a sample that has ended."""
        self._finished += 1
        self._lines.append(f"[{self._finished}/{self._k}] {self._answer(event.sample)}{self._vote(event.votes)}")

    def write(self) -> None:
        """Write what was added, where stderr is a terminal."""
        lines, self._lines = self._lines, []
        if self._terminal.err.isatty():
            for line in lines:
                self._terminal.note(line)

    def _answer(self, sample: Sample) -> str:
        return f"no answer: {WHY_NO_ANSWER[sample.finish]}" if sample.answer is None else self._drawn(sample.answer)

    def _drawn(self, answer: str) -> str:
        """An answer on one line: drawn, whatever stdout is, unless drawing is off."""
        alphabet = Alphabet.UNICODE if self._style.unicode else Alphabet.ASCII
        return plain(answer, alphabet) if self._style.render is not Render.OFF else " ".join(answer.split())

    def _vote(self, votes: Votes | None) -> str:
        """` · vote: 19/12 (2), 5 (1)`; nothing after the first sample, whose answer is the whole vote."""
        if votes is None or votes.sampled < 2 or not votes.groups:
            return ""
        named = [f"{self._drawn(group.answer)} ({group.count})" for group in votes.groups[:_MOST_GROUPS]]
        more = ["..."] if votes.groups[_MOST_GROUPS:] else []
        return f"{' · ' if self._style.unicode else ' - '}vote: {', '.join([*named, *more])}"
