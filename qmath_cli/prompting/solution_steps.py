r"""The steps of a solution as a process reward model scores them, and the conversation in which it reads them.

A step is a paragraph. A program is one step with its output, whatever blank lines it has, and what follows it begins
the next step. The number and the text of the steps depend on nothing but the text; blank paragraphs are no steps.

The form is that of Qwen2.5-Math-PRM's model card: the steps stand one after the other, each followed by the control
token `<extra_0>`, at which its score is read. A step's own text is never changed, and what looks like a control token
in it is text: see `Segment`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qmath_cli.prompting import chat
from qmath_cli.records import Mode, Prompt, Segment

#: What follows every step; its score is read there.
MARK = Segment("<extra_0>", special=True)

_OPENING = re.compile(r"[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[^`\s]*)[^`]*")
_PROGRAM = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*(?!output\b)", re.IGNORECASE)


def steps_of(text: str) -> tuple[str, ...]:
    """The steps of a solution, each without the blank lines around it; none where the text is blank."""
    spans: list[tuple[int, int]] = []
    for start, end, is_output in _blocks(text):
        if is_output and spans and _PROGRAM.match(text, spans[-1][0]):
            spans[-1] = spans[-1][0], end
        elif text[start:end].strip():
            spans.append((start, end))
    return tuple(text[start:end] for start, end in spans)


def opening(problem: str, mode: Mode) -> Prompt:
    """What all solutions of a problem begin with; `mode` decides the system sentence, as where they were asked for."""
    return Prompt((*chat.system(chat.SYSTEM[mode]), Segment(problem), chat.ASSISTANT))


def prompts(steps: Sequence[str]) -> tuple[Prompt, ...]:
    """The steps of one solution as what follows the opening, each without its mark."""
    return tuple(Prompt((Segment(step),)) for step in steps)


def mode_of(text: str) -> Mode:
    """The mode that a solution was written in, as far as its text shows: with programs, or in words only."""
    return Mode.TIR if any(_PROGRAM.match(step) for step in steps_of(text)) else Mode.COT


def _blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where each paragraph and each fenced block begins and ends, and whether it is a program's output."""
    begun: int | None = None  # where the block began that the next line may continue
    closing: re.Pattern[str] | None = None  # of the fence that is open
    is_output = False
    at = end = 0
    for line in text.split("\n"):
        opening = _OPENING.fullmatch(line) if closing is None else None
        if begun is not None and closing is None and (opening or not line.strip()):
            yield begun, end, False
            begun = None
        if opening:
            fence, is_output = opening["fence"], opening["language"].lower() == "output"
            begun, closing = at, re.compile(rf"[ \t]*{fence[0]}{{{len(fence)},}}\s*")
        elif closing is not None and closing.fullmatch(line):
            yield begun or 0, at + len(line), is_output
            begun = closing = None
        elif begun is None and line.strip():
            begun = at
        end = at + len(line)
        at = end + 1
    if begun is not None:
        yield begun, end, is_output and closing is not None
