"""ChatML as Qwen2.5 uses it, the strings around programs, and the language of a problem.

Control tokens come only from this module's own text: a problem or a program's output that contains `<|im_end|>` stays
text, because `Segment`s say which stretches may be parsed as special. The system sentences are those of the
Qwen2.5-Math README ("Quick Start"); they are English for Chinese problems too, as in Qwen's own evaluation. The
template in a GGUF is not used.

Pure. Few-shot formats are in `few_shot`; which model is asked how is decided in `select`.
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

USER = Segment("<|im_end|>\n<|im_start|>user\n", special=True)
ASSISTANT = Segment("<|im_end|>\n<|im_start|>assistant\n", special=True)

#: The system sentence of AceMath's reward models, in place of the two above. Source: the model card's example.
ACEMATH_SYSTEM = r"Please reason step by step, and check your final answer within \boxed{}."

#: The opening of a tool-output block. In TIR the model stops here, so that it never writes its own output. In CoT
#: nothing is cut: Qwen's evaluation stops at the end tokens only, and an output that the model makes up is its text.
OUTPUT_FENCE = "```output"

#: Our own sentences, in the language that is wanted. Qwen2.5-Math has none: its answers follow the problem's language.
_WANTED = {Language.EN: "Please answer in English.", Language.ZH: "请用中文回答。"}

_CJK = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")


def system(text: str) -> tuple[Segment, ...]:
    """The opening of a chat, up to the first user turn."""
    return Segment("<|im_start|>system\n", special=True), Segment(text), USER


def conversation(problem: str, mode: Mode, response: str, sentence: str = "") -> Prompt:
    """A finished conversation as a reward model reads it: it ends with the newline after `<|im_end|>`, which is scored.

    Source: the RM-72B model card's use of the chat template with `add_generation_prompt=False`.

    Args:
        problem: the problem.
        mode: how the response was written; it decides the system sentence.
        response: the solution.
        sentence: the system sentence of a model that was trained with one of its own.
    """
    ending = Segment("<|im_end|>\n", special=True)
    return Prompt((*system(sentence or SYSTEM[mode]), Segment(problem), ASSISTANT, Segment(response), ending))


def in_language(language: Language | None) -> tuple[Segment, ...]:
    """What follows the problem where the solution is wanted in a language; nothing where that is left to the model."""
    return () if language is None else (Segment(f"\n{_WANTED[language]}"),)


def output_block(text: str) -> str:
    """A program's output as it is fed back, inside the same assistant turn."""
    return f"{OUTPUT_FENCE}\n{text}\n```\n"


def language_of(problem: str) -> Language:
    """Chinese where Chinese characters outweigh English words; mathematics counts for neither."""
    chinese = len(_CJK.findall(problem))
    return Language.ZH if chinese and chinese >= len(_WORD.findall(problem)) else Language.EN
