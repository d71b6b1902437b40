"""Arrangements of a loaded model, ready to be measured: contexts whose sequences all have the same prompt as their own.

The prompt is computed once, in the first arrangement; every sequence gets a copy of its cells, as if it had computed
them itself. After each step the new cells are removed again, so that all steps begin alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from qmath_cli.benchmark.measure import FILLER
from qmath_cli.benchmark.tuning.measure import MOST_ROWS
from qmath_cli.benchmark.tuning.rig import Rig
from qmath_cli.benchmark.tuning.table import Arrangement
from qmath_cli.engine.batch import cells_for
from qmath_cli.engine.llama.compute_thread import Team
from qmath_cli.engine.llama.context import BatchRow, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.sampler import Sampler
from qmath_cli.records import Sampling

_DEPTH = 240  # tokens of a sequence: a problem, and half of its solution
_SPARE = 4  # cells per sequence for the tokens of a step, which are removed after it


class Rigs:
    """The rigs of one model. Calling it with an arrangement opens its contexts for as long as the block lasts."""

    def __init__(self, model: Model, most: int = MOST_ROWS) -> None:
        """Name the model, and the most sequences of all batches together for which there is memory."""
        self._model = model
        self._most = most
        self._prompt = b""  # its cells, once they were computed
        self._depth = 0

    @contextmanager
    def __call__(self, arrangement: Arrangement) -> Iterator[Rig]:
        """Contexts for an arrangement. Raises `DoesNotFit`."""
        room = cells_for(self._most, self._model.context_length)
        depth = self._depth or min(_DEPTH, self._model.context_length - _SPARE)
        each = max(min(self._most, room // (depth + _SPARE)) // arrangement.batches, 1)
        with ExitStack() as stack:
            contexts = [
                stack.enter_context(
                    closing(
                        Context(
                            self._model,
                            cells=each * (depth + _SPARE),
                            slots=each,
                            team=Team(index, arrangement.threads),
                        )
                    )
                )
                for index in range(arrangement.batches)
            ]
            rig = _Contexts(self._model, contexts, each, depth, self._prompt)
            yield rig
            self._prompt, self._depth = rig.prompt, rig.depth


class _Contexts:
    """The contexts of one arrangement. Implements `Rig`."""

    def __init__(self, model: Model, contexts: list[Context], slots: int, longest: int, prompt: bytes) -> None:
        text = FILLER.encode() * (longest // 8 + 1)
        self._tokens = model.tokenize_plain(text)[:longest]
        self._contexts = contexts
        self._sampler = Sampler(Sampling())
        self.most = slots
        self.depth = 0
        self.prompt = prompt

    def prefill(self, tokens: int) -> float | None:
        start, end = self.depth, self.depth + tokens
        if end > len(self._tokens):
            return None
        context = self._contexts[0]
        began = time.perf_counter()
        context.compute([BatchRow(self._tokens[at], at, 0, at == end - 1) for at in range(start, end)])
        self.depth = end
        return time.perf_counter() - began

    def ready(self) -> None:
        first = self._contexts[0]
        self.prompt = self.prompt or first.state(0)
        for context in self._contexts:
            context.clear()
            for slot in range(self.most):
                context.set_state(slot, self.prompt)
        self.depth = first.length(0)

    def round(self, rows: int) -> float:
        token = self._tokens[0]
        step = [BatchRow(token, self.depth, slot, output=True) for slot in range(rows)]
        began = time.perf_counter()
        for context in self._contexts:
            context.submit(step)
        for context in self._contexts:
            context.result()
            for index in range(rows):
                self._sampler.draw(context.logits(index))
        ended = time.perf_counter()
        for context in self._contexts:
            for slot in range(rows):
                context.truncate(slot, self.depth)
        return ended - began
