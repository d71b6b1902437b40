"""Which tokens of a prompt a server has already computed, in blocks, as vLLM and SGLang count them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence


class Prefixes:
    """The blocks of the latest sequences.

    Args:
        block: Tokens of a block.
        most: How many blocks are kept.
    """

    def __init__(self, block: int = 16, most: int = 50_000) -> None:
        self._block = block
        self._most = most
        self._blocks: OrderedDict[int, None] = OrderedDict()

    def cached(self, ids: Sequence[int]) -> int:
        """How many leading tokens are there; at least the last one is computed again."""
        count = 0
        for key in self._keys(ids[:-1]):
            if key not in self._blocks:
                break
            count += self._block
        return count

    def add(self, ids: Sequence[int]) -> None:
        """Keep a sequence."""
        for key in self._keys(ids):
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while len(self._blocks) > self._most:
            self._blocks.popitem(last=False)

    def _keys(self, ids: Sequence[int]) -> Iterator[int]:
        key = 0
        for start in range(0, len(ids) - self._block + 1, self._block):
            key = hash((key, tuple(ids[start : start + self._block])))
            yield key
