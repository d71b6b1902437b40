"""The events of a solve as output: what a terminal shows, and what a pipe gets.

On a terminal: the working with its mathematics drawn, programs and their output, the answer in a frame, a footer. On a
pipe, and with drawing off: the model's text unchanged but for control characters, and the answer as the last line. With
several samples nothing is streamed: each finished sample is a line on stderr, then the picked one is shown whole.
"""

from __future__ import annotations

from collections.abc import Callable
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
from qmath_cli.terminal.maths import Alphabet, plain
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.panel import WHY_NO_ANSWER, answer_panel, footer, unrun_note, vote_lines
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.transcript import Transcript

DEMO_NOTE = (
    "demo model: it solves only the kinds of problem it was trained on (arithmetic, equations, small matrices, "
    "derivatives, counting, dates ...); `qmath pull 1.5b-instruct` gets a real one"
)


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """What of a solve is shown."""

    k: int = 1
    pick: Pick = Pick.MAJ
    answer_only: bool = False  # stdout gets the answer and nothing else
    plain: bool = False  # the answer is one line of plain characters instead of LaTeX
    stream: bool = True  # False: the working is shown when it is complete
    figures: bool = True  # the footer, on stderr where that is a terminal


class Renderer:
    """Writes the events of one solve, given in order. `close` leaves the terminal at the start of a line."""

    def __init__(
        self,
        terminal: Terminal,
        style: Style,
        options: RenderOptions | None = None,
        protection: Callable[[], Protection | None] = lambda: None,
    ) -> None:
        self._terminal = terminal
        self._style = style
        self._options = options or RenderOptions()
        self._protection = protection
        self._transcript = Transcript(style)
        self._at_line_start = True
        self._streams = self._options.k == 1 and self._options.stream and not self._options.answer_only
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
        """Write everything held back, and end the line. Safe to call twice."""
        if self._style.drawn:
            self._write(self._transcript.end())
        if not self._at_line_start:
            self._write("\n")

    # ------------------------------------------------------------ while it runs

    def _text(self, text: str) -> None:
        if self._streams:
            self._write(self._transcript.text(text) if self._style.drawn else clean(text))

    def _started(self) -> None:
        """Show what was held back of a program before it runs."""
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
        if self._options.k > 1 and self._terminal.err.isatty():
            answer = sample.answer if sample.answer is not None else f"no answer: {WHY_NO_ANSWER[sample.finish]}"
            self._terminal.note(f"[{self._finished}/{self._options.k}] {answer}")

    # ------------------------------------------------------------ at the end

    def solution(self, solution: Solution) -> None:
        """Show the outcome."""
        if not self._streams and not self._options.answer_only:
            self._whole(solution)
        self.close()
        if solution.answer is not None:
            self._answer(solution.answer)
        if solution.finish is not Finish.ANSWERED:
            self._terminal.note(WHY_NO_ANSWER[solution.finish])
        if self._options.answer_only:
            return
        self._unrun(solution)
        if solution.votes.k > 1 and self._style.drawn:
            self._terminal.write("\n".join(clean(line) for line in vote_lines(solution.votes)) + "\n")
        if self._options.figures and self._terminal.err.isatty():
            self._terminal.note(self._figures(footer(solution, self._protection)))

    def _figures(self, line: str) -> str:
        return line if self._style.unicode else line.replace("·", "-")

    def _whole(self, solution: Solution) -> None:
        """The shown sample's text, its output blocks included."""
        shown = vote.shown(solution, self._options.pick)
        if shown is not None:
            self._write(self._transcript.text(shown.text) if self._style.drawn else clean(shown.text))

    def _unrun(self, solution: Solution) -> None:
        """Say so where the text holds programs that were not run: what stands below them is the model's invention."""
        shown = vote.shown(solution, self._options.pick)
        if shown is not None and shown.unrun_programs:
            self._terminal.note(unrun_note(shown.unrun_programs, solution.mode))

    def _answer(self, answer: str) -> None:
        if self._style.drawn and not self._options.answer_only:
            self._terminal.write("\n".join(["", *answer_panel(answer, self._style)]) + "\n")
        else:
            alphabet = Alphabet.UNICODE if self._style.unicode else Alphabet.ASCII
            self._terminal.line(plain(answer, alphabet) if self._options.plain else " ".join(answer.split()))

    def _write(self, text: str) -> None:
        if text:
            self._terminal.write(text)
            self._at_line_start = text.endswith("\n")
