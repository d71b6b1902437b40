"""The outcome reward model: it scores a whole conversation with one number. Implements `records.ConversationScorer`.

Qwen2.5-Math-RM (`Qwen2ForRewardModel`) and sequence classifiers with one label apply their head to the final-norm
hidden state of the last token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.rewards.head import Head
from qmath_cli.errors import EngineUnusable, PromptTooLong
from qmath_cli.records import Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RewardModel:
    """A loaded body with its head.

    Every conversation is computed from its first token. Sharing cells with an earlier conversation would change the
    rounding, and a score must not depend on what was scored before.
    """

    def __init__(self, model: Model, head: Head) -> None:
        self._model = model
        self._head = head
        self._context = Context(model, cells=model.context_length, slots=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the context; the model stays loaded."""
        self._context.close()

    def score(self, prompt: Prompt) -> float:
        """The score of a whole conversation, read at its last token; unbounded.

        Raises:
            PromptTooLong: The conversation exceeds the context.
            EngineUnusable: The computation failed.
        """
        return float(self._head(self.hidden_state(prompt)[None])[0, 0])

    def hidden_state(self, prompt: Prompt) -> NDArray[np.float32]:
        """The final-norm hidden state of the last token, of shape (h,). Raises as `score` does."""
        tokens = self._model.tokenize(prompt)
        if len(tokens) > self._model.context_length:
            raise PromptTooLong(
                f"the conversation is {len(tokens)} tokens long; the reward model holds {self._model.context_length}",
                "a shorter --max-tokens keeps solutions shorter",
            )
        self._context.abort()  # a computation that an exception left running
        self._context.clear()
        # Only the last token is computed with hidden states on: with them, llama.cpp makes an output of every token.
        self._context.output_hidden_states(enabled=False)
        for first in range(0, len(tokens) - 1, self._context.max_rows):
            self._compute(tokens, first, min(first + self._context.max_rows, len(tokens) - 1))
        self._context.output_hidden_states(enabled=True)
        self._compute(tokens, len(tokens) - 1, len(tokens))
        return self._context.hidden_state(0)

    def _compute(self, tokens: list[int], first: int, end: int) -> None:
        last = len(tokens) - 1
        rows = [BatchRow(tokens[position], position, 0, position == last) for position in range(first, end)]
        if self._context.compute(rows) is not ComputeStatus.DONE:
            raise EngineUnusable("llama.cpp finds no free cells for a conversation that fits its context")
