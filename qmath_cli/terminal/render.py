"""Events in, output out: what a person sees while a problem is being solved, and what a pipe gets.

For a person: the working with its mathematics drawn, programs and their output, the answer in a frame, a footer. On a
pipe, and with drawing off: the model's text untouched but for control characters, and the answer as the last line.
With several samples nothing can stream: each finished one is a line on stderr, then the picked one is shown whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from qmath_cli.prompting.chat import output_block
from qmath_cli.records import (
    Event,
    Finish,
    Pick,
    ProgramFinished,
    ProgramStarted,
    Protection,
    Sample,
    SampleFinished,
    Solution,
    TextDelta,
)
from qmath_cli.solving import vote
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.panel import WHY_NO_ANSWER, answer_panel, footer, vote_lines
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.transcript import Transcript


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What of a solve is to be shown."""

    k: int = 1
    pick: Pick = Pick.MAJ
    answer_only: bool = False  # stdout gets the answer and nothing else
    stream: bool = True  # False: the working is shown when it is complete
    figures: bool = True  # the footer, on stderr where that is a terminal


class Renderer:
    """Feed it the events of one solve, in order; it writes. `close` leaves the terminal at the start of a line."""

    def __init__(
        self,
        terminal: Terminal,
        style: Style,
        wishes: RenderOptions | None = None,
        protection: Protection | None = None,
    ) -> None:
        self._terminal = terminal
        self._style = style
        self._wishes = wishes or RenderOptions()
        self._protection = protection
        self._transcript = Transcript(style)
        self._at_line_start = True
        self._streams = self._wishes.k == 1 and self._wishes.stream and not self._wishes.answer_only
        self._finished = 0

    def event(self, event: Event) -> None:
        """Show one event."""
        match event:
            case TextDelta():
                self._text(event.text)
            case ProgramStarted():
                self._started()
            case ProgramFinished():
                self._ran(event)
            case SampleFinished():
                self._sample(event.sample)
            case Solution():
                self.solution(event)

    def close(self) -> None:
        """Everything held back is written and the line ended; safe to call twice."""
        if self._style.drawn:
            self._write(self._transcript.end())
        if not self._at_line_start:
            self._write("\n")

    # ------------------------------------------------------------ while it runs

    def _text(self, text: str) -> None:
        if self._streams:
            self._write(self._transcript.text(text) if self._style.drawn else clean(text))

    def _started(self) -> None:
        """A program is complete: what was held back of it is shown before it runs."""
        if self._streams and self._style.drawn:
            self._write(self._transcript.end())

    def _ran(self, event: ProgramFinished) -> None:
        if not self._streams:
            return
        if self._style.drawn:
            self._write(self._transcript.program_output(event.run.output))
        else:
            self._write(("" if self._at_line_start else "\n") + clean(output_block(event.run.output.text)))

    def _sample(self, sample: Sample) -> None:
        self._finished += 1
        if self._wishes.k > 1 and self._terminal.err.isatty():
            answer = sample.answer if sample.answer is not None else f"no answer: {WHY_NO_ANSWER[sample.finish]}"
            self._terminal.note(f"[{self._finished}/{self._wishes.k}] {answer}")

    # ------------------------------------------------------------ at the end

    def solution(self, solution: Solution) -> None:
        """Show what came out."""
        if not self._streams and not self._wishes.answer_only:
            self._whole(solution)
        self.close()
        if solution.answer is not None:
            self._answer(solution.answer)
        if solution.finish is not Finish.ANSWERED:
            self._terminal.note(WHY_NO_ANSWER[solution.finish])
        if self._wishes.answer_only:
            return
        if solution.votes.k > 1 and self._style.drawn:
            self._terminal.write("\n".join(clean(line) for line in vote_lines(solution.votes)) + "\n")
        if self._wishes.figures and self._terminal.err.isatty():
            self._terminal.note(self._figures(footer(solution, self._protection)))

    def _figures(self, line: str) -> str:
        return line if self._style.unicode else line.replace("·", "-")

    def _whole(self, solution: Solution) -> None:
        """The picked sample's text, its output blocks included."""
        picked = vote.pick(solution.samples, solution.votes, self._wishes.pick)
        if picked is None and solution.samples:
            picked = solution.samples[0]
        if picked is not None:
            self._write(self._transcript.text(picked.text) if self._style.drawn else clean(picked.text))

    def _answer(self, answer: str) -> None:
        if self._style.drawn and not self._wishes.answer_only:
            self._terminal.write("\n".join(["", *answer_panel(answer, self._style)]) + "\n")
        else:
            self._terminal.line(" ".join(answer.split()))

    def _write(self, text: str) -> None:
        if text:
            self._terminal.write(text)
            self._at_line_start = text.endswith("\n")
