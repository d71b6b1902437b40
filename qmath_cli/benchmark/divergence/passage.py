"""What two models are compared on: passages of text, each with the part that is scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qmath_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Passage:
    """A text as token ids, computed from an empty cache.

    Scored is the prediction at every position from `first` on but the last: that of the token behind it.

    Attributes:
        tokens: the text.
        first: the first position whose prediction is scored.
        given: stretches of tokens, as (start, end), that no prediction of is scored: the output of programs.
    """

    tokens: tuple[int, ...]
    first: int
    given: tuple[tuple[int, int], ...] = ()

    def scores(self, position: int) -> bool:
        """Whether the prediction at a position is scored."""
        target = position + 1
        inside = any(start <= target < end for start, end in self.given)
        return self.first <= position < len(self.tokens) - 1 and not inside


def chunks(tokens: Sequence[int], size: int, limit: int | None = None) -> list[Passage]:
    """Divide a text as `llama-perplexity` does: chunks that do not overlap, of which the second half is scored.

    Source: tools/perplexity of llama.cpp, `kl_divergence`. What is left at the end is not used.

    Args:
        tokens: token ids of the whole text.
        size: tokens per chunk.
        limit: chunks at most; None for all.

    Raises:
        UsageError: the text has fewer than two chunks.
    """
    if len(tokens) < 2 * size:
        raise UsageError(
            f"the text has {len(tokens)} tokens; two chunks of {size} are needed", "a longer text, or a smaller --chunk"
        )
    count = len(tokens) // size if limit is None else min(limit, len(tokens) // size)
    return [Passage(tuple(tokens[start : start + size]), size // 2) for start in range(0, count * size, size)]
