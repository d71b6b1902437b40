"""Many sequences in one llama.cpp context: the engine behind the `Engine` port.

Each `step` computes one batch: the newest token of every decoding sequence, and beside them a slice of the joining
sequences' prompts, small enough that the others do not stall. A prompt that begins like tokens already in the KV cache
(the k samples of one problem, the shots of a base model, the conversation so far) shares their cells and costs only its
own ending. When cells run short the youngest sequence is paused: it gives its cells back, and is computed again when
there is room.

Promises: the same prompt, samplings and seeds give the same texts on the same machine and build, in whatever order the
samplings are listed; an exception at any moment (Ctrl-C) leaves a batch that goes on as if nothing had happened. Not
thread-safe.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Self

from qmath_cli.engine import prefix_cache
from qmath_cli.engine.llama.context import ROWS, BatchRow, Computed, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.sampler import Sampler
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.engine.slots import Slots, common_prefix
from qmath_cli.errors import PromptTooLong
from qmath_cli.records import Chunk, Prompt, Sampling, Stop, Usage

_JOINING = 64  # prompt tokens computed per step while others decode
_WORTH_KEEPING = 64  # tokens of a common beginning: a chat's system sentence is not, the shots of a base model are
MOST_CONTEXTS = 4  # more sequences than that share the cells of so many whole contexts, or take turns


class Batch:
    """Up to `slots` sequences at once on one model. Implements `records.Engine`.

    `cells` is the size of the KV cache in tokens (default: a whole context per sequence, at most four). The cells of up
    to `retain` released sequences are kept while nobody needs them, for a next prompt that begins alike. An `endless`
    batch is for measuring: only token limits and the context end a sequence. `lane` numbers the batches of `Lanes`.
    """

    def __init__(
        self,
        model: Model,
        slots: int = 1,
        *,
        cells: int = 0,
        retain: int = 0,
        endless: bool = False,
        lane: int = 0,
    ) -> None:
        whole = model.context_length
        self._model = model
        self._context = Context(
            model, cells=max(cells or cells_for(slots, whole), whole), slots=slots + retain, lane=lane
        )
        self._sequences: dict[int, SequenceState] = {}
        self._residence = Slots(self._context, self._sequences, slots, retain)
        self._ids = itertools.count()
        self._outbox: list[Chunk] = []
        self._shares: list[tuple[SequenceState, int]] = []  # what is being computed: who, and how many tokens
        self._torn = False
        self._endless = endless
        self.pauses = 0  # times a sequence had to give way because cells ran short

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget every sequence and give the context's memory back; the model stays."""
        self._sequences.clear()
        self._context.close()

    @property
    def context_length(self) -> int:
        """Tokens that one sequence may hold, prompt included."""
        return self._model.context_length

    @property
    def turns(self) -> int:
        """Steps in which every sequence that can run moves once."""
        return 1

    @property
    def speaks(self) -> bool:
        """Whether `said` has anything to give."""
        return bool(self._outbox)

    @property
    def effort(self) -> int:
        """What was begun, in tokens; a batch of the demo's costs as much as two more of them, whatever it holds."""
        return 2 + sum(count for _sequence, count in self._shares)

    @property
    def cells_used(self) -> int:
        """KV cells in use, each counted once however many sequences share it."""
        return self._residence.cells_used

    def start(self, prompt: Prompt, samplings: Sequence[Sampling]) -> tuple[int, ...]:
        """Queue one sequence per sampling, all on the same prompt. Raises `PromptTooLong`.

        Inside, they run in the order of their seeds, so that the order of `samplings` changes nothing.
        """
        tokens = self._model.tokenize(prompt)
        if len(tokens) >= self.context_length:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long; the context holds {self.context_length}, answer included",
                "shorten the problem, or raise --ctx if the model was trained on more",
            )
        return self._queue(tokens, samplings, prompt.stops)

    def _queue(self, tokens: list[int], samplings: Sequence[Sampling], stops: tuple[str, ...]) -> tuple[int, ...]:
        ids: dict[int, int] = {}
        for place in seed_order(samplings):
            state = _state(next(self._ids), samplings[place], stops, tokens)
            self._sequences[state.id] = state
            ids[place] = state.id
        return tuple(ids[place] for place in range(len(samplings)))

    def warm(self, alike: Sequence[Prompt], folder: Path, identity: str = "") -> bool:
        """Keep the cells of what these prompts begin with in common, if it is worth it; from disk if `folder` has them.

        For a batch that retains, before its first sequence; returns whether they came from disk. `identity` is the
        model's hash: see `prefixes`. Cells computed here are written there.
        """
        tokens = functools.reduce(_common, map(self._model.tokenize, alike))
        if not _WORTH_KEEPING <= len(tokens) < self.context_length:
            return False
        file = prefix_cache.file_of(folder, self._model, identity, tokens)
        state = prefix_cache.read(file)
        if state is not None and self._residence.pin(_state(next(self._ids), Sampling(), (), tokens), state):
            return True
        (key,) = self._queue(tokens, [Sampling(max_tokens=1)], ())
        self.step()
        slot = self._sequences[key].slot
        assert slot is not None, "the first sequence of a batch has a slot"
        state = self._context.state(slot)
        self.release(key)
        self.forget()
        prefix_cache.save(state, file)
        self._residence.pin(_state(next(self._ids), Sampling(), (), tokens), state)
        return False

    def forget(self) -> None:
        """Let go of what is retained: what follows comes out as in a new batch."""
        self._mend()
        self._residence.forget()

    def extend(self, sequence: int, text: str) -> None:
        """Append plain text to a stopped sequence, and let it decode on."""
        self._mend()
        state = self._sequences[sequence]
        assert not state.active, "only a sequence that has stopped can be extended"
        state.append(self._model.tokenize_plain(state.rest + text.encode()))
        if len(state.tokens) >= self.context_length:
            self._outbox.append(state.stop(Stop.CONTEXT, tokens=0))
        elif state.sampled >= state.sampling.max_tokens:
            self._outbox.append(state.stop(Stop.MAX_TOKENS, tokens=0))
        elif not state.pending:  # nothing was appended: compute the last token again for its logits
            self._residence.cut(state, len(state.tokens) - 1)

    def release(self, sequence: int) -> None:
        """Forget a sequence, running or not."""
        self._mend()
        state = self._sequences.pop(sequence)
        self._outbox = [chunk for chunk in self._outbox if chunk.sequence != sequence]
        self._residence.leave(state)

    def usage(self, sequence: int) -> Usage:
        """Token counts of a sequence that has not been released."""
        return self._sequences[sequence].usage

    def step(self) -> tuple[Chunk, ...]:
        """Compute until at least one sequence has said something; empty when none can run."""
        self._mend()
        while not self._outbox and self.begin():
            self.finish()
        return self.said()

    def said(self) -> tuple[Chunk, ...]:
        """What sequences have said and nobody has taken yet."""
        chunks, self._outbox = tuple(self._outbox), []
        return chunks

    def _mend(self) -> None:
        """An exception left a step unfinished: drop what is half done."""
        if self._torn:
            self._context.settle()
            self._residence.mend()
            self._torn = False

    def begin(self) -> bool:
        """Plan one batch and start computing it; False when nothing can run. `finish` comes before all else."""
        self._mend()
        self._torn = True
        self._admit()
        self._shares = self._plan()
        if self._shares:
            self._context.begin([row for sequence, count in self._shares for row in _rows(sequence, count)])
        else:
            self._torn = False
        return bool(self._shares)

    def finish(self) -> None:
        """Wait for the batch that was begun, and sample."""
        if self._context.finish() is Computed.NO_CELLS:
            self._pause()
        else:
            self._read()
        self._torn = False

    def _read(self) -> None:
        """What was begun has been computed: keep the books, and sample where a sequence is up to date."""
        index = -1
        for sequence, count in self._shares:
            index += count
            sequence.prefilled += 0 if sequence.fresh else count
            self._residence.commit(sequence, count)
            if not sequence.pending:
                self._sample(sequence, index)

    def _admit(self) -> None:
        """Let waiting sequences in, oldest first and nobody past another."""
        for sequence in self._sequences.values():
            if sequence.active and sequence.slot is None and not self._residence.admit(sequence):
                return

    def _plan(self) -> list[tuple[SequenceState, int]]:
        """Who computes how many of its pending tokens: every decoder one, then the oldest joiners as room allows."""
        running = [sequence for sequence in self._residence.residents if sequence.active]
        shares = [(sequence, 1) for sequence in running if sequence.pending == 1]
        room = min(_JOINING if shares else ROWS, ROWS - len(shares))
        for sequence in running:
            if sequence.pending > 1 and room > 0:
                shares.append((sequence, min(sequence.pending, room)))
                room -= shares[-1][1]
        return shares

    def _pause(self) -> None:
        paused = self._residence.make_room()
        if paused is not None:
            self.pauses += 1

    def _sample(self, sequence: SequenceState, index: int) -> None:
        """Draw the next token from the logits of row `index`, and say what came of it."""
        token = sequence.sampler.draw(self._context.logits(index))
        if self._model.ends(token) and not self._endless:
            self._outbox.append(sequence.stop(Stop.END))
            return
        text, found = sequence.accept(token, self._model.piece(token))
        if found is not None:
            sequence.forget_from(found)
            self._residence.cut(sequence, len(sequence.tokens))
            self._outbox.append(sequence.stop(Stop.STRING, text))
        elif sequence.watch.add(token, text) and not self._endless:
            self._outbox.append(sequence.stop(Stop.DEGENERATE, text))
        elif sequence.sampled >= sequence.sampling.max_tokens:
            self._outbox.append(sequence.stop(Stop.MAX_TOKENS, text))
        elif len(sequence.tokens) >= self.context_length:
            self._outbox.append(sequence.stop(Stop.CONTEXT, text))
        else:
            self._outbox.append(Chunk(sequence.id, text))


def seed_order(samplings: Sequence[Sampling]) -> list[int]:
    """The places of samplings in an order that does not depend on how they are listed."""
    return sorted(range(len(samplings)), key=lambda place: astuple(samplings[place]))


def cells_for(slots: int, context_length: int) -> int:
    """How many cells so many sequences get where nothing else was asked for."""
    return min(slots, MOST_CONTEXTS) * context_length


def _state(key: int, sampling: Sampling, stops: tuple[str, ...], tokens: list[int]) -> SequenceState:
    return SequenceState(key, sampling, stops, list(tokens), Sampler(sampling))


def _common(these: list[int], those: list[int]) -> list[int]:
    return these[: common_prefix(these, those)]


def _rows(sequence: SequenceState, count: int) -> Iterator[BatchRow]:
    """The next `count` pending tokens of a resident; logits are wanted after the last pending one."""
    assert sequence.slot is not None
    last = len(sequence.tokens) - 1
    for position in range(sequence.cached, sequence.cached + count):
        yield BatchRow(sequence.tokens[position], position, sequence.slot, position == last)
