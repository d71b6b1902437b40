"""Training examples from drafts: the prompt, and the assistant's turn in parts.

A part is a text, and whether the model learns to write it. Learned are the model's sentences, its programs,
the "```output" after a program, and the end of the turn. Not learned are the executor's output, and programs
that fail on purpose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from .problems import KINDS, Draft, Language, Step
from .problems.base import say
from .programs import Session


class Mode(StrEnum):
    """The two settings of Qwen2.5-Math."""

    TIR = "tir"
    COT = "cot"


SYSTEM = {
    Mode.TIR: "Please integrate natural language reasoning with programs to solve the problem above, "
    r"and put your final answer within \boxed{}.",
    Mode.COT: r"Please reason step by step, and put your final answer within \boxed{}.",
}

HARD = frozenset(
    {
        "integers",
        "decimals",
        "fractions",
        "bases",
        "congruences",
        "quadratic equations",
        "determinants",
        "series",
        "factorials",
        "probability",
        "days between",
        "chickens and rabbits",
    }
)
"""Kinds that a model of this size learns last, as measured on an early checkpoint."""

HARDER = tuple(name for name in KINDS for _ in range(3 if name in HARD else 1))
"""Every kind, to draw from; the hard ones are drawn three times as often."""

HELD_OUT_SHARE = 20
"""One problem in twenty is held out."""

SET_ASIDE_SHARE = 10
"""One problem in ten is for comparing reward models, on both sides of the split."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the assistant's turn; the loss is computed on `learned` parts."""

    text: str
    learned: bool


@dataclass(frozen=True, slots=True)
class Example:
    """One solved problem, ready to be tokenised."""

    kind: str
    language: Language
    mode: Mode
    problem: str
    answer: str
    parts: tuple[Part, ...]

    @property
    def prompt(self) -> str:
        """The ChatML text up to the assistant's first word."""
        return prompt(self.mode, self.problem)


class WrongProgram(Exception):
    """A draft's programs do not print the draft's answer."""


def prompt(mode: Mode, problem: str) -> str:
    """The ChatML prompt, the same bytes as for the released models."""
    return (
        f"<|im_start|>system\n{SYSTEM[mode]}<|im_end|>\n<|im_start|>user\n{problem}<|im_end|>\n<|im_start|>assistant\n"
    )


def is_held_out(problem: str) -> bool:
    """Whether a problem is held out of training; its text alone decides."""
    return hashlib.sha256(problem.encode()).digest()[0] % HELD_OUT_SHARE == 0


def is_set_aside(problem: str) -> bool:
    """Whether a problem is left out of the judge's corpus, so that reward models can be compared on it."""
    return hashlib.sha256(problem.encode()).digest()[1] % SET_ASIDE_SHARE == 0


def tool_integrated(draft: Draft) -> tuple[Part, ...]:
    """The TIR turn of a draft, with the real output of its programs.

    Raises:
        WrongProgram: the last program's output is not the draft's answer.
    """
    session, parts, output = Session(), [], ""
    for step in draft.steps:
        output = session.run(step.code)
        written = f"{step.prose}\n\n```python\n{step.code}\n```\n```output"
        parts += [Part(written, not step.mistake), Part(f"\n{output}\n```\n", False)]
    if draft.answer not in {output, rf"\text{{{output}}}"}:
        raise WrongProgram(f"{draft.problem}\nprinted {output!r}, expected {draft.answer!r}")
    return (*parts, Part(draft.closed(draft.answer) + "<|im_end|>", True))


def chain_of_thought(draft: Draft) -> tuple[Part, ...]:
    """The CoT turn of a draft."""
    text = f"{draft.reasoning}\n\n{draft.closed(draft.answer)}<|im_end|>"
    return (Part(text, True),)


def with_mistake(rng: Random, draft: Draft, language: Language) -> Draft:
    """The draft with its first program twice: once without a line that it needs, then complete."""
    first = draft.steps[0]
    lines = first.code.split("\n")
    if not lines[0].startswith("from ") or lines[1:2] != [""]:
        return draft
    dropped = 0
    if len(lines) > 3 and "symbols" in lines[2] and rng.random() < 0.5:
        dropped = 2
    code = "\n".join(line for i, line in enumerate(lines) if i != dropped).strip("\n")
    missing = say(language, "A line is missing. We add it.", "少了一行，补上。")
    steps = (replace(first, code=code, mistake=True), Step(missing, first.code), *draft.steps[1:])
    return replace(draft, steps=steps)


def draw(
    rng: Random, held_out: bool, tir_share: float = 0.87, mistakes: float = 0.06, kinds: Sequence[str] = HARDER
) -> Example:
    """An example of one of these kinds in a random language, on the given side of the split."""
    kind = rng.choice(kinds)
    language = rng.choice(list(Language))
    draft = draw_draft(rng, kind, language, held_out)
    if rng.random() >= tir_share:
        parts = chain_of_thought(draft)
        return Example(kind, language, Mode.COT, draft.problem, draft.answer, parts)
    if rng.random() < mistakes:
        draft = with_mistake(rng, draft, language)
    parts = tool_integrated(draft)
    return Example(kind, language, Mode.TIR, draft.problem, draft.answer, parts)


def draw_draft(rng: Random, kind: str, language: Language, held_out: bool) -> Draft:
    """A draft of one kind and language, on the given side of the split."""
    while True:
        draft = KINDS[kind](rng, language)
        if is_held_out(draft.problem) is held_out:
            return draft
