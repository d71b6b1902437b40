"""The engine: many sequences decoded together in one llama.cpp context. `Batch` implements `records.Engine`.

Each step computes the newest token of every decoding sequence, drafts of what may follow it where these gain, and a
slice of the prompts that are being prefilled, small enough that the decoding sequences do not stall. A prompt that
shares a prefix with tokens in the KV cache (the k samples of a problem, few-shot examples, a conversation so far)
shares their cells, and only its remaining tokens are prefilled. When no cells are free, the youngest sequence is
preempted and computed again later.

Equal prompts, samplings and seeds give equal texts on the same machine and build, whatever the order of the samplings.
After an exception at any moment (Ctrl-C), a batch can be used as if it had not happened. It is not thread-safe.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from qmath_cli.engine import prefix_cache, scheduler
from qmath_cli.engine.decoder import Decoder
from qmath_cli.engine.drafts.opening import NO_DRAFTS, DraftOptions, open_drafts
from qmath_cli.engine.llama.compute_thread import ALONE, Team
from qmath_cli.engine.llama.context import ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.prefill import Prefill
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.engine.slots import Slots
from qmath_cli.errors import PromptTooLong
from qmath_cli.records import Chunk, Prompt, Sampling, Stop, Usage
from qmath_cli.records.activity import OnActivity, unobserved

_MIN_PREFIX = 64  # tokens; few-shot examples have more, the system message of a chat has fewer
MOST_CONTEXTS = 4  # the default KV cache holds at most this many whole contexts; more sequences share it or wait


class Batch:
    """Up to `slots` sequences at the same time on one model.

    Args:
        model: The loaded model.
        slots: How many sequences can run at the same time; others wait.
        cells: Size of the KV cache in tokens; 0 means one whole context per slot, at most `MOST_CONTEXTS`.
        retain: How many released sequences keep their cells until these are needed, for prompts that share a prefix.
            The prefix of `cache_prefix` is one of them.
        endless: For measurements: only token limits and the context's end stop a sequence.
        team: The compute thread, and the CPU threads that it computes on.
        on_activity: Told how far the prefill of prompts has come.
        drafts: How tokens are drafted, and what steps cost; the texts are the same with any of them.

    Raises:
        DoesNotFit: There is no memory for the KV cache.
    """

    def __init__(
        self,
        model: Model,
        slots: int = 1,
        *,
        cells: int = 0,
        retain: int = 0,
        endless: bool = False,
        team: Team = ALONE,
        on_activity: OnActivity = unobserved,
        drafts: DraftOptions = NO_DRAFTS,
    ) -> None:
        whole = model.context_length
        cells = max(cells or cells_for(slots, whole), whole)
        self._model = model
        outputs = slots + retain + drafts.rows
        self._context = Context(model, cells=cells, slots=slots + retain, outputs=outputs, team=team)
        self._sequences: dict[int, SequenceState] = {}  # not released, oldest first
        self._slots = Slots(self._context, self._sequences, slots, retain)
        self._ids = itertools.count()
        self._chunks: list[Chunk] = []  # not taken yet
        self._planned: list[scheduler.StepShare] = []  # what is being computed
        self._unfinished = False  # an exception may have left a step or a release half done
        self._decoder = Decoder(model, self._context, self._slots, endless=endless)
        self._prefill = Prefill(model, on_activity)
        self._drafts = open_drafts(drafts, model, slots + retain, cells, team)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Release every sequence and free the context; the model stays loaded."""
        self._sequences.clear()
        self._drafts.recover()
        self._context.close()
        self._drafts.close()

    @property
    def context_length(self) -> int:
        """Tokens that one sequence can hold, prompt included."""
        return self._model.context_length

    @property
    def steps_per_round(self) -> int:
        """Steps in which every sequence that can run gets a token."""
        return 1

    @property
    def has_chunks(self) -> bool:
        """Whether `take_chunks` would return any."""
        return bool(self._chunks)

    @property
    def step_cost(self) -> int:
        """Estimated cost of the step that is being computed, in tokens."""
        return scheduler.cost(self._planned)

    @property
    def cells_used(self) -> int:
        """KV cells in use; shared cells count once."""
        return self._slots.cells_used

    @property
    def preemptions(self) -> int:
        """How many times a sequence has been preempted."""
        return self._slots.preemptions

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt: see `Engine.start`.

        The sequences run in the order of their seeds, so that the order of `samplings` does not change any text.
        """
        tokens = self._model.tokenize(prompt)
        if not tokens:
            raise ValueError("the prompt is empty")
        if len(tokens) >= self.context_length:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long; the context holds {self.context_length}, answer included",
                "shorten the problem, or raise --ctx if the model was trained on more",
            )
        return self._queue(tokens, samplings, prompt.stops)

    def _queue(self, tokens: list[int], samplings: Sequence[Sampling], stops: tuple[str, ...]) -> tuple[int, ...]:
        ids: dict[int, int] = {}
        for index in scheduler.seed_order(samplings):
            sequence = SequenceState(next(self._ids), samplings[index], stops, list(tokens))
            self._sequences[sequence.id] = sequence
            ids[index] = sequence.id
        return tuple(ids[index] for index in range(len(samplings)))

    def cache_prefix(self, prefix: Prompt, folder: Path, identity: str = "") -> bool:
        """Keep the cells of a prefix that many prompts share, in memory and on disk.

        The last token of the prefix is left out, because the tokenizer may merge it with the text that follows. A
        prefix of fewer than 64 tokens is not kept.

        Args:
            prefix: The text with which the prompts begin.
            folder: Where the cells are stored: see `prefix_cache`.
            identity: The SHA-256 of the model file, if it is known.

        Returns:
            True if the cells were read from disk, false if they were computed or are not kept.

        Raises:
            ValueError: A sequence has been started, or the batch was created with `retain=0`.
        """
        if self._sequences:
            raise ValueError("a prefix is cached before the first sequence starts")
        tokens = self._model.tokenize(prefix)[:-1]
        if not _MIN_PREFIX <= len(tokens) < self.context_length:
            return False
        file = prefix_cache.file_of(folder, self._model, identity, tokens)
        state = prefix_cache.read(file)
        if state is not None and self._pin(tokens, state):
            return True
        state = self._compute_state(tokens)
        prefix_cache.save(state, file)
        self._pin(tokens, state)
        return False

    def _pin(self, tokens: list[int], state: bytes) -> bool:
        return self._slots.pin(SequenceState(next(self._ids), Sampling(), (), list(tokens)), state)

    def _compute_state(self, tokens: list[int]) -> bytes:
        """The serialised cells of these tokens."""
        (key,) = self._queue(tokens, [Sampling(max_tokens=1)], ())
        try:
            self.step()
            return self._slots.state(self._sequences[key])
        finally:
            self.release(key)

    def clear_prefix_cache(self) -> None:
        """Evict the cells of released sequences, but not those of `cache_prefix`.

        If no sequence is running, what follows gives the same texts as in a new batch.
        """
        self._recover()
        self._slots.drop_retained()
        if not self._sequences:
            self._drafts.reset()

    def extend(self, sequence: int, text: str) -> None:
        """Append plain text to a sequence that has stopped, and let it decode again: see `Engine.extend`."""
        self._recover()
        state = self._sequences[sequence]
        if state.active:
            raise ValueError(f"sequence {sequence} has not stopped")
        state.append(self._model.tokenize_plain(state.rest + text.encode()))
        if len(state.tokens) >= self.context_length:
            self._chunks.append(state.stop(Stop.CONTEXT, tokens=0))
        elif state.sampled >= state.sampling.max_tokens:
            self._chunks.append(state.stop(Stop.MAX_TOKENS, tokens=0))
        elif not state.pending:  # nothing was appended: compute the last token again to get its logits
            self._slots.truncate(state, len(state.tokens) - 1)

    def release(self, sequence: int) -> None:
        """Remove a sequence, running or not; its cells are freed or retained."""
        self._recover()
        state = self._sequences[sequence]
        self._unfinished = True
        del self._sequences[sequence]
        self._chunks = [chunk for chunk in self._chunks if chunk.sequence != sequence]
        self._slots.release(state)
        self._unfinished = False

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        return self._sequences[sequence].usage

    def step(self) -> tuple[Chunk, ...]:
        """Compute until at least one sequence has a chunk; returns the chunks, none if no sequence can run."""
        self._recover()
        while not self._chunks and self.begin_step():
            self.finish_step()
        return self.take_chunks()

    def begin_step(self) -> bool:
        """Plan a step and start computing it.

        Returns:
            False if no sequence can run. Otherwise `finish_step` must be called next.
        """
        self._recover()
        self._unfinished = True
        self._admit()
        self._planned = scheduler.schedule(self._slots.admitted, self._context.max_rows, self._prefill.slice)
        self._planned = self._drafts.add(self._planned, lambda: self._context.cells - self._slots.cells_used)
        if self._planned:
            self._prefill.report(self._slots.admitted)
            self._context.submit(list(scheduler.rows(self._planned)))
        else:
            self._unfinished = False
        return bool(self._planned)

    def finish_step(self) -> None:
        """Wait for the computation and sample the next tokens."""
        if self._context.result() is ComputeStatus.NO_CELLS:
            self._slots.reclaim()
        else:
            self._decoder.decode(self._planned, self._chunks)
            self._drafts.settle()
            self._prefill.report(self._slots.admitted)
        self._unfinished = False

    def take_chunks(self) -> tuple[Chunk, ...]:
        """The chunks that have not been taken yet."""
        chunks, self._chunks = tuple(self._chunks), []
        return chunks

    def _recover(self) -> None:
        """Discard a step that an exception left unfinished."""
        if self._unfinished:
            self._drafts.recover()  # first: one of the two may be computing, and neither waits for the other
            self._context.abort()
            self._slots.recover()
            self._unfinished = False

    def _admit(self) -> None:
        """Admit waiting sequences in FIFO order: none is admitted before an older one."""
        for sequence in self._sequences.values():
            if sequence.active and sequence.slot is None and not self._slots.admit(sequence):
                return


def cells_for(slots: int, context_length: int) -> int:
    """The default size of the KV cache for so many slots, in tokens."""
    return min(slots, MOST_CONTEXTS) * context_length
