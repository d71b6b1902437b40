"""The reward model: it scores a whole conversation with one number. Implements `records.Reward`.

Qwen2.5-Math-RM (`Qwen2ForRewardModel`) applies two linear layers with a ReLU between them to the final-norm hidden
state of the last token. llama.cpp does not have this head. The body therefore runs as an ordinary model that outputs
hidden states, and the head, from the second file `X.head.gguf`, is applied here in numpy, in float32.

Shapes, with hidden size h: score.0.weight (h, h), score.0.bias (h), score.2.weight (1, h), score.2.bias (1).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import EngineUnusable, IntegrityError, ModelMissing, PromptTooLong
from qmath_cli.records import Prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TENSORS = ("score.0.weight", "score.0.bias", "score.2.weight", "score.2.bias")


@dataclass(frozen=True, slots=True)
class Head:
    """The two linear layers of the head, in float32."""

    inner: NDArray[np.float32]
    inner_bias: NDArray[np.float32]
    outer: NDArray[np.float32]
    outer_bias: NDArray[np.float32]

    def score(self, hidden: NDArray[np.float32]) -> float:
        """The score of one hidden state of shape (h,)."""
        inside = self.inner @ hidden + self.inner_bias
        inside[inside < 0] = 0
        return float((self.outer @ inside + self.outer_bias).item())


def read_head(path: Path, hidden: int) -> Head:
    """Read the head of a reward model.

    Args:
        path: The file `X.head.gguf`.
        hidden: Hidden size of the body.

    Raises:
        ModelMissing: The file does not exist.
        IntegrityError: Its tensors are missing, damaged, or of the wrong shape.
    """
    import gguf
    import numpy as np

    if not path.is_file():
        raise ModelMissing(f"{path} is missing: a reward model is two files", "`qmath pull rm-72b` makes both")
    try:
        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        arrays = [
            gguf.dequantize(tensors[name].data, tensors[name].tensor_type).astype(np.float32) for name in _TENSORS
        ]
    except (KeyError, ValueError, IndexError, OSError, NotImplementedError) as exc:
        raise IntegrityError(
            f"{path} does not contain the head of a reward model: {exc}", "convert the model again"
        ) from exc
    shapes = [array.shape for array in arrays]
    if shapes != [(hidden, hidden), (hidden,), (1, hidden), (1,)]:
        raise IntegrityError(
            f"{path} has tensors of the shapes {shapes}, which do not fit a model of hidden size {hidden}",
            "convert the model again",
        )
    return Head(*arrays)


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
        return self._head.score(self.hidden_state(prompt))

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
