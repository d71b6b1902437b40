"""From the logits of a computed step to tokens and chunks.

A sequence gets one token, and with a draft further ones: while the sampled token is the drafted one, the row of the
drafted token has the logits of the next. The cells of rejected tokens are removed.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.engine.llama.context import Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.scheduler import StepShare
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.engine.slots import Slots
from qmath_cli.records import Chunk, Stop


class Decoder:
    """Samples the tokens of one batch.

    Args:
        model: The loaded model.
        context: Where steps are computed.
        slots: The slots of the context.
        endless: Only token limits and the context's end stop a sequence.
    """

    def __init__(self, model: Model, context: Context, slots: Slots, *, endless: bool) -> None:
        self._model = model
        self._context = context
        self._slots = slots
        self._endless = endless

    def decode(self, planned: Iterable[StepShare], chunks: list[Chunk]) -> None:
        """Record the tokens of a step that was computed, and sample for each sequence that has none pending.

        Args:
            planned: The step.
            chunks: Gets one chunk per sampled token, so that an interrupt between two of them loses none.
        """
        end = 0
        for share in planned:
            sequence, count, draft = share
            sequence.prefilled += 0 if sequence.newly_sampled else count
            self._slots.commit(sequence, count)
            if not sequence.pending:
                self._sample_all(sequence, end + count - 1, draft, chunks)
            end += share.rows

    def _sample_all(self, sequence: SequenceState, row: int, draft: tuple[int, ...], chunks: list[Chunk]) -> None:
        """Sample from the logits of `row`, and of the rows after it as far as the draft is accepted."""
        chunks.append(self._sample(sequence, row))
        for index, drafted in enumerate(draft, row + 1):
            if not sequence.active or sequence.tokens[-1] != drafted:
                break
            self._slots.commit(sequence, 1)
            chunks.append(self._sample(sequence, index))
        if draft:
            self._slots.truncate(sequence, sequence.cached)

    def _sample(self, sequence: SequenceState, row: int) -> Chunk:
        """Sample a token from the logits of `row`."""
        token = sequence.sampler.draw(self._context.logits(row))
        if self._model.ends(token) and not self._endless:
            return sequence.stop(Stop.END)
        text, match = sequence.accept(token, self._model.piece(token))
        if match is not None:
            sequence.remove_stop(match)
            self._slots.truncate(sequence, len(sequence.tokens))
            return sequence.stop(Stop.STRING, text)
        if sequence.detector.add(token, text) and not self._endless:
            return sequence.stop(Stop.DEGENERATE, text)
        if sequence.sampled >= sequence.sampling.max_tokens:
            return sequence.stop(Stop.MAX_TOKENS, text)
        if len(sequence.tokens) >= self._model.context_length:
            return sequence.stop(Stop.CONTEXT, text)
        return Chunk(sequence.id, text)
