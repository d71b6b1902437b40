"""The reward model: one number for a whole conversation. Implements `records.Reward`.

Qwen2.5-Math-RM puts two linear layers with a ReLU between them on the final-norm hidden state of the last token
(`Qwen2ForRewardModel`). llama.cpp has no such head, so the body runs as an ordinary model that gives out hidden states,
and the head, from the side file `X.head.gguf`, is applied here in numpy, in float32.

Shapes: hidden h; score.0.weight (h, h), score.0.bias (h), score.2.weight (1, h), score.2.bias (1).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from qmath_cli.engine.llama.context import ROWS, BatchRow, Computed, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import EngineUnusable, IntegrityError, ModelMissing, PromptTooLong
from qmath_cli.records import Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TENSORS = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")


@dataclass(frozen=True, slots=True)
class Head:
    """The two layers, float32."""

    inner: NDArray[np.float32]
    inner_bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_bias: NDArray[np.float32]

    def score(self, hidden: NDArray[np.float32]) -> float:
        """The scalar of one hidden state of shape (h,)."""
        inside = self.inner @ hidden + self.inner_bias
        inside[inside < 0] = 0
        return float((self.outer @ inside + self.outer_bias).item())


def read_head(path: Path, hidden: int) -> Head:
    """Read `X.head.gguf`. Raises `ModelMissing`, and `IntegrityError` where the tensors are not those of a head."""
    import gguf
    import numpy as np

    if not path.is_file():
        raise ModelMissing(f"{path} is missing: a reward model is two files", "`qmath pull rm-72b` makes both")
    try:
        found = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        arrays = [gguf.dequantize(found[name].data, found[name].tensor_type).astype(np.float32) for name in _TENSORS]
    except (KeyError, ValueError, IndexError, OSError, NotImplementedError) as exc:
        raise IntegrityError(f"{path} does not hold the head of a reward model: {exc}", "convert it again") from exc
    shapes = [array.shape for array in arrays]
    if shapes != [(hidden, hidden), (hidden,), (1, hidden), (1,)]:
        raise IntegrityError(f"{path} has shapes {shapes}, not those of a body with {hidden} hidden values")
    return Head(*arrays)


class RewardModel:
    """A loaded body with its head.

    Every conversation is computed from its first token: sharing a beginning would round differently from computing it,
    and a score must not depend on what was scored before.
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
        """Give the context's memory back; the model stays."""
        self._context.close()

    def score(self, prompt: Prompt) -> float:
        """The scalar at the last token of a whole conversation; unbounded. Raises `PromptTooLong`."""
        return self._head.score(self.hidden_state(prompt))

    def hidden_state(self, prompt: Prompt) -> NDArray[np.float32]:
        """The final-norm hidden state of the last token, shape (h,)."""
        tokens = self._model.tokenize(prompt)
        if len(tokens) > self._model.context_length:
            raise PromptTooLong(
                f"the conversation is {len(tokens)} tokens long; the reward model holds {self._model.context_length}",
                "a shorter --max-tokens keeps solutions shorter",
            )
        self._context.settle()
        self._context.clear()
        # Only the last token is computed with hidden states on: llama.cpp would give out the logits of every other too.
        self._context.give_hidden_states(wanted=False)
        for first in range(0, len(tokens) - 1, ROWS):
            self._compute(tokens, first, min(first + ROWS, len(tokens) - 1))
        self._context.give_hidden_states(wanted=True)
        self._compute(tokens, len(tokens) - 1, len(tokens))
        return self._context.hidden_state(0, self._model.facts.embedding)

    def _compute(self, tokens: list[int], first: int, end: int) -> None:
        last = len(tokens) - 1
        rows = [BatchRow(tokens[position], position, 0, position == last) for position in range(first, end)]
        if self._context.compute(rows) is not Computed.DONE:
            raise EngineUnusable("llama.cpp finds no room for a conversation that fits its context")
