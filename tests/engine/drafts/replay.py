"""A batch whose model says what a test wrote down: everything but the model is the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from qmath_cli.engine import scheduler
from qmath_cli.engine.decoder import Decoder
from qmath_cli.engine.drafts.drafts import Drafts
from qmath_cli.engine.llama.context import BatchRow
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.engine.slots import Slots
from qmath_cli.records import Chunk, Sampling, Usage

_CONTEXT = 1 << 15


class Certain:
    """Logits of which one is the largest, as far as greedy sampling looks at them."""

    def __init__(self, token: int) -> None:
        self._token = token

    def argmax(self) -> int:
        return self._token


@dataclass
class ReplayContext:
    """After the tokens of `text` up to some place, the next of them is certain; after any others, token -1."""

    text: Sequence[int]
    cells: int = _CONTEXT
    rows: list[BatchRow] = field(default_factory=list)
    held: list[int] = field(default_factory=list)  # what the one slot holds

    def compute(self, rows: Sequence[BatchRow]) -> None:
        self.rows = list(rows)
        for row in rows:
            assert row.position == len(self.held), "the cells of rejected tokens were not removed"
            self.held.append(row.token)

    def logits(self, row: int) -> Certain:
        assert self.rows[row].output
        end = self.rows[row].position + 1
        return Certain(self.text[end] if self.held[:end] == self.text[:end] else -1)

    def truncate(self, _slot: int, length: int) -> None:
        del self.held[length:]


class ReplayModel:
    """Its tokens are letters."""

    context_length = _CONTEXT

    def ends(self, token: int) -> bool:
        return token < 0

    def piece(self, _token: int) -> bytes:
        return b"x"


@dataclass(frozen=True)
class Replayed:
    """What came out, and in how many steps."""

    tokens: list[int]
    steps: int
    usage: Usage


def replay(prompt: Sequence[int], response: Sequence[int], drafts: Drafts) -> Replayed:
    """Decode a recorded response greedily."""
    text = [*prompt, *response]
    context = ReplayContext(text)
    table: dict[int, SequenceState] = {}
    slots = Slots(cast("Any", context), table, 1, 0)
    decoder = Decoder(cast("Any", ReplayModel()), cast("Any", context), slots, endless=True)
    sequence = table[0] = SequenceState(0, Sampling(max_tokens=len(response)), (), list(prompt))
    assert slots.admit(sequence)
    steps = 0
    chunks: list[Chunk] = []
    while sequence.active:
        planned = drafts.add(scheduler.schedule(slots.admitted, _CONTEXT, _CONTEXT), lambda: context.cells)
        context.compute(list(scheduler.rows(planned)))
        decoder.decode(planned, chunks)
        drafts.settle()
        steps += 1
    return Replayed(sequence.tokens, steps, sequence.usage)
