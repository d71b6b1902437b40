"""How one model is asked in one run: what stands before every problem, after it, and between the turns.

A format is data. All prompts of a format begin with `head`, so that its KV cells can be kept (`Engine.cache_prefix`);
earlier turns of a conversation and an unfinished solution have their place in every format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from qmath_cli.prompting.typography import in_plain_signs
from qmath_cli.records import Mode, Prompt, Segment

Turn = tuple[str, str]
"""A problem, and the response to it."""


class PromptStyle(StrEnum):
    """What `--prompt` takes. All but the chats are few-shot formats for base models."""

    AUTO = "auto"  # the one that the model was trained on
    CHAT = "chat"  # Qwen2.5-Math-Instruct, both modes
    QWEN2 = "qwen2"  # Qwen2-Math-Instruct, CoT only
    GSM8K = "gsm8k"
    MATH = "math"
    MMLU_STEM = "mmlu_stem"
    CMATH = "cmath"
    CLOZE = "gaokao_math_cloze"
    QA = "gaokao_math_qa"
    PLAIN = "plain"  # Question / Answer, the released evaluation's own route for base models

    @property
    def few_shot(self) -> bool:
        """Whether the prompt is worked examples instead of a chat."""
        return self not in {PromptStyle.AUTO, PromptStyle.CHAT, PromptStyle.QWEN2}

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes that a model can be run in with this prompt."""
        return (Mode.TIR, Mode.COT) if self is PromptStyle.CHAT else (Mode.COT,)


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """How a model is asked. Made by `select`.

    `head` precedes every problem, `tail` follows it; `between` follows a response, before the next problem. `stops` are
    the strings at which decoding ends. `stated` says that an answer may follow a phrase and need not be boxed.
    """

    style: PromptStyle
    mode: Mode
    head: tuple[Segment, ...]
    tail: tuple[Segment, ...]
    between: tuple[Segment, ...]
    stops: tuple[str, ...] = ()
    stated: bool = False

    @property
    def prefix(self) -> Prompt:
        """What all prompts of this format share."""
        return self._prompt(self.head)

    def build(self, problem: str, earlier: Sequence[Turn] = ()) -> Prompt:
        """The prompt of a problem, up to the first token of the response.

        Args:
            problem: the problem's text; control tokens in it stay text.
            earlier: the turns before it, oldest first.
        """
        turns = [
            segment
            for asked, response in earlier
            for segment in (Segment(asked), *self.tail, Segment(response), *self.between)
        ]
        return self._prompt((*self.head, *turns, Segment(problem), *self.tail))

    def typed(self, problem: str, earlier: Sequence[Turn] = ()) -> Prompt:
        """The same for a problem that a person typed or pasted: in plain signs (see `typography`)."""
        asked = [(in_plain_signs(text), response) for text, response in earlier]
        return self.build(in_plain_signs(problem), asked)

    def resume(self, problem: str, response: str, earlier: Sequence[Turn] = ()) -> Prompt:
        """The same as `typed`, with an unfinished response to go on with."""
        built = self.typed(problem, earlier)
        return replace(built, segments=(*built.segments, Segment(response)), begun=response)

    def _prompt(self, segments: tuple[Segment, ...]) -> Prompt:
        return Prompt(segments, self.stops, self.stated)
