r"""One attempt at one problem, as a state machine without I/O.

The whole protocol is here: where a program ends, how its output is fed back, when an answer is final. The engine sees
tokens only, the executor programs only.

    Generate --feed/stopped--> Execute --executed--> Generate --> ... --> Finished

In TIR a program runs when a stretch of text ends in a closed ```` ```python ```` block, or in an open one that is
followed directly by the output fence. In CoT nothing runs and nothing is cut: programs and outputs in the text are the
model's own, and are counted in `unrun_programs`. The answer is the last balanced `\boxed{}` that the model wrote
outside programs; what a program printed is never the answer. The wire format is Qwen2.5-Math's (its evaluation harness
and Qwen-Agent's TIR demo agree on it): ```` ```output ````, the text, a closing fence, inside the same assistant turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qmath_cli.grading.extract import last_boxed, last_stated
from qmath_cli.prompting.chat import output_block
from qmath_cli.records import Finish, Mode, ProgramRun, Stop

_OPENING = re.compile(r"^[ \t]*```[ \t]*(?:python|py)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_CLOSING = re.compile(r"^[ \t]*```[ \t]*$", re.MULTILINE)

_LIMITS = {
    Stop.MAX_TOKENS: Finish.OUT_OF_TOKENS,
    Stop.CONTEXT: Finish.OUT_OF_CONTEXT,
    Stop.DEGENERATE: Finish.DEGENERATE,
    Stop.CANCELLED: Finish.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Generate:
    """Decode on; `append` (may be empty) goes into the context first, as plain text."""

    append: str = ""


@dataclass(frozen=True, slots=True)
class Execute:
    """Run this program, then call `executed`."""

    code: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The attempt is over; `answer` is LaTeX, or None."""

    finish: Finish
    answer: str | None = None


Action = Generate | Execute | Finished


@dataclass(frozen=True, slots=True)
class TrailingProgram:
    """A program at the end of a stretch of text; `closed`: whether its fence is closed."""

    code: str
    closed: bool


@dataclass(slots=True)
class Trajectory:
    """The mutable state of one attempt; `action` says what must happen next."""

    mode: Mode
    max_programs: int = 4
    stated: bool = False  # an answer need not be boxed: see `Prompt.stated`
    begun: str = ""  # the response in the prompt that this text goes on from: an answer may begin in it
    action: Action = field(default_factory=Generate)
    runs: list[ProgramRun] = field(default_factory=list)
    _before: list[str] = field(default_factory=list)  # everything before the current stretch, output blocks included
    _prose: list[str] = field(default_factory=list)  # the same without programs and output blocks
    _written: int = 0  # programs before the current stretch
    _stretch: str = ""  # the model's text since the last output block

    @property
    def text(self) -> str:
        """Everything after the prompt, as a reader or a reward model sees it."""
        return "".join(self._before) + self._stretch

    @property
    def unrun_programs(self) -> int:
        """Programs in the model's text that were not run."""
        return self._written + len(_OPENING.findall(self._stretch)) - len(self.runs)

    def feed(self, text: str) -> None:
        """The model generated `text`."""
        self._stretch += text

    def stopped(self, stop: Stop) -> Action:
        """Decoding stopped for this reason; returns what follows."""
        program = trailing_program(self._stretch) if self.mode is Mode.TIR else None
        if program is None or stop not in {Stop.END, Stop.STRING} or not (program.closed or stop is Stop.STRING):
            self.action = self._finished(_LIMITS.get(stop, Finish.NO_ANSWER))
        elif len(self.runs) >= self.max_programs:
            self.action = self._finished(Finish.OUT_OF_PROGRAMS)
        else:
            self.action = Execute(program.code)
        return self.action

    def executed(self, run: ProgramRun) -> Action:
        """The program ran; returns the action that feeds its output back into the same turn."""
        self.runs.append(run)
        block = self._bridge() + output_block(run.output.text)
        self._prose.append(_without_programs(self._stretch))
        self._before += [self._stretch, block]
        self._written += len(_OPENING.findall(self._stretch))
        self._stretch = ""
        self.action = Generate(block)
        return self.action

    def cut(self, finish: Finish) -> Finished:
        """End the attempt from outside (an interrupt, a time limit); the text so far is kept."""
        self.action = end = Finished(finish, self.answer())
        return end

    def answer(self) -> str | None:
        r"""The last complete `\boxed{}` outside programs, or what a few-shot format states instead."""
        parts = [*self._prose, _without_programs(self._stretch)]
        prose = "\n".join([_without_programs(self.begun) + parts[0], *parts[1:]])
        boxed = last_boxed(prose)
        return last_stated(prose) if boxed is None and self.stated else boxed

    def _finished(self, without_answer: Finish) -> Finished:
        """The end of the attempt; an answer that is complete counts, whatever ended the text after it."""
        answer = self.answer()
        return Finished(without_answer) if answer is None else Finished(Finish.ANSWERED, answer)

    def _bridge(self) -> str:
        """What is missing between the model's text and the output block: a closing fence, a line break, or nothing."""
        program = trailing_program(self._stretch)
        line_end = "" if self._stretch.endswith("\n") else "\n"
        return line_end if program is None or program.closed else f"{line_end}```\n"


def trailing_program(text: str) -> TrailingProgram | None:
    """The Python block with which `text` ends, whether its closing fence has come or not; None where there is none."""
    openings = list(_OPENING.finditer(text))
    if not openings:
        return None
    opening = openings[-1]
    body = text[opening.end() :].removeprefix("\n")
    closing = _CLOSING.search(body)
    if closing is None:
        return TrailingProgram(body.strip("\n"), closed=False) if body.strip() else None
    if body[closing.end() :].strip() or not body[: closing.start()].strip():
        return None
    return TrailingProgram(body[: closing.start()].rstrip("\n"), closed=True)


def _without_programs(text: str) -> str:
    """`text` with every Python block, closed or not, taken out."""
    kept, position = [], 0
    while (opening := _OPENING.search(text, position)) is not None:
        kept.append(text[position : opening.start()])
        closing = _CLOSING.search(text, opening.end())
        position = closing.end() if closing else len(text)
    return "".join([*kept, text[position:]])
