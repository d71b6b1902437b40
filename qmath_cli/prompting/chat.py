"""Every string a model ever sees, and the strings at which it must stop.

The chat format is ChatML as Qwen2.5 uses it, built here and not by a template found in a file. Control tokens come only
from this module's own text: a problem or a program's output that contains `<|im_end|>` stays text, because `Segment`s
say which stretches may be parsed as special. The system sentences are those of the Qwen2.5-Math README ("Quick Start");
they are English for Chinese problems too, as in Qwen's own evaluation.

Pure functions; few-shot examples live in `shots`.
"""

from __future__ import annotations

import re

from qmath_cli.records import Language, Mode, Prompt, Segment

COT_SYSTEM = r"Please reason step by step, and put your final answer within \boxed{}."
TIR_SYSTEM = (
    r"Please integrate natural language reasoning with programs to solve the problem above, "
    r"and put your final answer within \boxed{}."
)
SYSTEM = {Mode.COT: COT_SYSTEM, Mode.TIR: TIR_SYSTEM}

#: The opening of a tool-output block. In TIR the model must stop here, so that it never writes its own output; in CoT
#: nothing runs, so whatever it would pretend to have read is cut off at the same place.
OUTPUT_FENCE = "```output"

_CJK = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")


def chat(problem: str, mode: Mode, earlier: tuple[tuple[str, str], ...] = ()) -> Prompt:
    """The Instruct prompt up to the assistant's first word; `earlier` holds (user, assistant) turns before it."""
    segments = [Segment("<|im_start|>system\n", special=True), Segment(SYSTEM[mode])]
    for user, assistant in earlier:
        segments += [*_turn("user", user), *_turn("assistant", assistant)]
    segments += [*_turn("user", problem), Segment("<|im_end|>\n<|im_start|>assistant\n", special=True)]
    return Prompt(tuple(segments), (OUTPUT_FENCE,))


def qwen2_chat(problem: str) -> Prompt:
    """The prompt of the predecessors, Qwen2-Math-Instruct: chain of thought only, its sentence after the problem.

    Source: `qwen-boxed` of the Qwen2.5-Math evaluation (utils.py).
    """
    opening = Segment("<|im_start|>system\nYou are a helpful assistant.", special=True)
    closing = Segment("<|im_end|>\n<|im_start|>assistant\n", special=True)
    return Prompt((opening, *_turn("user", f"{problem}\n{COT_SYSTEM}"), closing), (OUTPUT_FENCE,))


def conversation(problem: str, mode: Mode, response: str) -> Prompt:
    """A finished conversation as a reward model reads it: it ends with the newline after `<|im_end|>`, which is scored.

    Source: the RM-72B model card's use of the chat template with `add_generation_prompt=False`.
    """
    opening = chat(problem, mode)
    ending = Segment("<|im_end|>\n", special=True)
    return Prompt((*opening.segments, Segment(response), ending))


def _turn(role: str, text: str) -> tuple[Segment, Segment]:
    return Segment(f"<|im_end|>\n<|im_start|>{role}\n", special=True), Segment(text)


def output_block(text: str) -> str:
    """A program's output as it is fed back, inside the same assistant turn."""
    return f"{OUTPUT_FENCE}\n{text}\n```\n"


def language_of(problem: str) -> Language:
    """Chinese where Chinese characters outweigh English words; mathematics counts for neither."""
    chinese = len(_CJK.findall(problem))
    return Language.ZH if chinese and chinese >= len(_WORD.findall(problem)) else Language.EN
