"""The events of a solve as output: what a terminal shows, and what a pipe gets.

On a terminal: the working with its mathematics drawn, programs and their output, the answer in a frame (where there are
no frames, on a line of its own), a footer. On a pipe, and with drawing off: the model's text unchanged but for control
characters, and the answer as the last line.

Of several samples a terminal shows the first as it is written. Each that ends is a line on stderr, once the first is no
longer in the way; if the vote picks another one, that is shown whole at the end. A pipe gets the picked one only.
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
    SampleFinished,
    Solution,
    TextDelta,
)
from qmath_cli.solving import vote
from qmath_cli.terminal.maths import plain
from qmath_cli.terminal.output import Terminal, clean
from qmath_cli.terminal.panel import WHY_NO_ANSWER, answer_panel, footer, unrun_note, vote_lines
from qmath_cli.terminal.samples import SampleLines
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.transcript import Transcript

DEMO_NOTE = (
    "demo model: it solves only the kinds of problem it was trained on (arithmetic, equations, small matrices, "
    "derivatives, counting, dates ...); `qmath pull 1.5b-instruct` gets a real one"
)
#: To be filled with the option, or the REPL's command, that has the demo try.
UNKNOWN_KIND = f"{WHY_NO_ANSWER[Finish.UNKNOWN_KIND]}: `qmath pull 1.5b-instruct` gets a real model; {{}} tries anyway"


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
        several = self._options.k > 1
        self._streams = self._options.stream and not self._options.answer_only and (not several or terminal.interactive)
        self._samples = SampleLines(terminal, style, self._options.k) if several and self._options.figures else None
        self._first_streamed = self._first_ended = False  # the first sample

    @property
    def streams(self) -> bool:
        """Whether the first sample is written as it comes."""
        return self._streams

    def held(self) -> int:
        """Characters of it that are held back until a formula is complete."""
        return self._transcript.held if self._streams and self._style.drawn else 0

    def event(self, event: Event) -> None:
        """Show one event."""
        match event:
            case TextDelta():
                self._text(event)
            case ProgramStarted():
                self._started(event)
            case ProgramFinished():
                self._ran(event)
            case SampleFinished():
                self._sample(event)
            case Solution():
                self.solution(event)

    def close(self) -> None:
        """Write everything held back, and end the line. Safe to call twice."""
        if self._style.drawn:
            self._write(self._transcript.end())
        if not self._at_line_start:
            self._write("\n")

    # ------------------------------------------------------------ while it runs

    def _text(self, event: TextDelta) -> None:
        if self._streams and event.sample == 0:
            self._first_streamed = True
            self._write(self._transcript.text(event.text) if self._style.drawn else clean(event.text))

    def _started(self, event: ProgramStarted) -> None:
        """Show what was held back of a program before it runs."""
        if self._streams and event.sample == 0 and self._style.drawn:
            self._write(self._transcript.end())

    def _ran(self, event: ProgramFinished) -> None:
        if not self._streams or event.sample != 0:
            return
        if self._style.drawn:
            self._write(self._transcript.program_output(event.run.output))
        else:
            self._write(("" if self._at_line_start else "\n") + clean(output_block(event.run.output.text)))

    def _sample(self, event: SampleFinished) -> None:
        self._first_ended = self._first_ended or event.sample.index == 0
        if self._samples is None:
            return
        self._samples.add(event)
        if self._first_ended or not self._streams:
            self.close()
            self._samples.write()

    # ------------------------------------------------------------ at the end

    def solution(self, solution: Solution) -> None:
        """Show the outcome."""
        if not self._options.answer_only:
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
            self._terminal.write("\n".join(clean(line) for line in vote_lines(solution.votes, self._style)) + "\n")
        if self._options.figures and self._terminal.err.isatty():
            self._terminal.note(self._figures(footer(solution, self._protection)))

    def _figures(self, line: str) -> str:
        if self._style.dumb:
            return line.replace(" ·", ",")
        return line if self._style.unicode else line.replace("·", "-")

    def _whole(self, solution: Solution) -> None:
        """The shown sample's text, its output blocks included, unless it stands on the terminal already."""
        if self._streams and self._options.k == 1:
            return
        self.close()
        if self._samples is not None:
            self._samples.write()
        shown = vote.shown(solution, self._options.pick)
        if self._first_streamed and shown is not None:
            if shown.index == 0:
                return
            self._terminal.write(f"\n{self._style.dim(f'sample {shown.index + 1}, which is picked:')}\n\n")
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
            self._terminal.line(
                plain(answer, self._style.alphabet) if self._options.plain else " ".join(answer.split())
            )

    def _write(self, text: str) -> None:
        if text:
            self._terminal.write(text)
            self._at_line_start = text.endswith("\n")
