"""The logits of a given text: what a model predicts at each of its positions.

Nothing is sampled. Each text is computed from its first token, in an empty KV cache, so that what is predicted does not
depend on the texts before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import EngineUnusable, PromptTooLong

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OUTPUTS = 256  # rows of logits at once: 156 MB with Qwen2's vocabulary


class LogitsReader:
    """Reads the logits of texts of up to `cells` tokens. Close it, or use it as a context manager.

    Args:
        model: The loaded model.
        cells: The longest text, in tokens.
    """

    def __init__(self, model: Model, cells: int) -> None:
        self._cells = cells
        self._context = Context(model, cells=cells, slots=1, outputs=min(cells, _OUTPUTS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the context; the model stays loaded."""
        self._context.close()

    def read(self, tokens: Sequence[int], first: int, end: int) -> Iterator[tuple[int, list[NDArray[np.float32]]]]:
        """The logits at the positions from `first` to `end` - 1, in blocks.

        All tokens are computed, also those after `end`: the number of rows in a computation changes the rounding.

        Args:
            tokens: Token ids of the text.
            first: The first position whose logits are wanted.
            end: One past the last one.

        Yields:
            The position of a block's first row, and its rows: views of shape (vocabulary,), valid until the next block.

        Raises:
            PromptTooLong: The text is longer than `cells`.
            EngineUnusable: The computation failed.
        """
        if len(tokens) > self._cells:
            raise PromptTooLong(f"{len(tokens)} tokens do not fit into a context of {self._cells}", "a larger --ctx")
        self._context.abort()  # a computation that an exception left running
        self._context.clear()
        for start, stop in _blocks(first, len(tokens), self._context.max_rows):
            rows = [BatchRow(tokens[i], i, 0, first <= i < end) for i in range(start, stop)]
            if self._context.compute(rows) is not ComputeStatus.DONE:
                raise EngineUnusable("llama.cpp finds no free cells for a text that fits its context")
            wanted = range(max(start, first), min(stop, end))
            if wanted:
                yield wanted[0], [self._context.logits(i - start) for i in wanted]


def _blocks(first: int, end: int, most: int) -> Iterator[tuple[int, int]]:
    """Computations as (start, stop): at most `most` rows each, of which at most `_OUTPUTS` are at `first` or later."""
    start = 0
    while start < end:
        stop = min(end, start + most, max(start, first) + _OUTPUTS)
        yield start, stop
        start = stop
