"""The process reward model: it scores every step of a solution. Implements `records.StepScorer`.

Qwen2.5-Math-PRM (`Qwen2ForProcessRewardModel`) applies its head to the final-norm hidden state of the control token
behind each step; the second output of the softmax is the probability that the step is right (its model card).

The tokens of a solution are computed once, in full batches and without outputs, because llama.cpp makes an output of
every token of a batch with hidden states. Then its marks are computed once more, all in one batch: each in a slot of
its own that shares the cells before it. The solutions of one problem share the cells of what they begin with.

A score does not depend on the other solutions, not even by rounding: each is computed in batches of its own, in the
same cells, which the one before it has left.

llama.cpp's flash attention sums in 16 bits on a CPU: with random weights, scores are off by 0.003 after a thousand
tokens and by 0.015 after three thousand. Longer solutions are therefore computed with plain attention, which is exact
to 0.0005 and takes a third more time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from qmath_cli.engine.llama.context import BatchRow, ComputeStatus, Context
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.rewards.head import Head
from qmath_cli.errors import EngineUnusable, IntegrityError, PromptTooLong
from qmath_cli.records import Prompt, Segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MARKS = 32  # marks that are read in one batch
_FLASH_TOKENS = 1024  # of a whole conversation, up to which flash attention is exact enough
_OPENING, _SOLUTION, _FIRST = 0, 1, 2  # the slots: of the common beginning, of one solution, of its first mark


class ProcessRewardModel:
    """A loaded body with its head.

    Args:
        model: The body.
        head: Its head, with two outputs.
        mark: The control token that follows every step.
        rows: Tokens per batch at most; None: as many as the context takes.

    Raises:
        IntegrityError: The vocabulary does not have the mark as a control token.
        DoesNotFit: There is no memory for the KV cache.
    """

    def __init__(self, model: Model, head: Head, mark: Segment, rows: int | None = None) -> None:
        tokens = model.tokenize(Prompt((mark,)))
        if len(tokens) != 1 or not model.ends(tokens[0]):
            raise IntegrityError(f"{model.path} has no control token {mark.text}", "convert the model again")
        self._model = model
        self._head = head
        self._mark = tokens[0]
        self._exact = False
        self._context = self._new_context()
        self._rows = min(rows or self._context.max_rows, self._context.max_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the context; the model stays loaded."""
        self._context.close()

    def score_steps(
        self, opening: Prompt, solutions: Sequence[Sequence[Prompt]]
    ) -> tuple[tuple[float, ...] | None, ...]:
        """The scores of all steps of several solutions of one problem.

        Args:
            opening: What all solutions begin with.
            solutions: The steps of each, without their marks.

        Returns:
            For each solution one number from 0 to 1 per step; None for one that exceeds the context.

        Raises:
            PromptTooLong: The opening alone exceeds the context.
            EngineUnusable: The computation failed.
        """
        tokens, limit = self._model.tokenize(opening), self._model.context_length
        if len(tokens) > limit:
            raise PromptTooLong(
                f"the problem is {len(tokens)} tokens long; the reward model holds {limit}", "a shorter problem"
            )
        marked = [self._marked(len(tokens), steps) for steps in solutions]
        lengths = [len(tokens) + len(one) for one, _ in marked]
        scores: list[tuple[float, ...] | None] = [None] * len(marked)
        for exact in (False, True):
            chosen = [i for i, length in enumerate(lengths) if length <= limit and (length > _FLASH_TOKENS) is exact]
            if chosen:
                self._begin(tokens, exact=exact)
            for i in chosen:
                scores[i] = self._scores(len(tokens), *marked[i])
        return tuple(scores)

    def _new_context(self) -> Context:
        model = self._model
        return Context(model, cells=model.context_length + _MARKS, slots=_FIRST + _MARKS, exact=self._exact)

    def _begin(self, opening: Sequence[int], *, exact: bool) -> None:
        """Compute the opening in an empty context with the attention that is wanted; there is never more than one."""
        self._context.abort()  # a computation that an exception left running
        if exact is not self._exact:
            self._context.close()
            self._exact = exact
            self._context = self._new_context()
        self._context.clear()
        self._context.output_hidden_states(enabled=False)
        self._fill(opening, 0, _OPENING)

    def _marked(self, begun: int, steps: Sequence[Prompt]) -> tuple[list[int], list[int]]:
        """The tokens of one solution with its marks, and the positions of the marks, which follow `begun` others."""
        tokens: list[int] = []
        marks: list[int] = []
        for step in steps:
            tokens += self._model.tokenize(step)
            marks.append(begun + len(tokens))
            tokens.append(self._mark)
        return tokens, marks

    def _scores(self, begun: int, tokens: Sequence[int], marks: Sequence[int]) -> tuple[float, ...]:
        """The scores at the marks of one solution."""
        self._context.share(_OPENING, _SOLUTION, begun)
        self._fill(tokens[:-1], begun, _SOLUTION)  # nothing comes after the last mark
        scores: list[float] = []
        for first in range(0, len(marks), _MARKS):
            scores += self._read(marks[first : first + _MARKS])
        self._context.truncate(_SOLUTION, 0)
        return tuple(scores)

    def _fill(self, tokens: Sequence[int], begun: int, slot: int) -> None:
        """Compute these tokens, from position `begun` on, without outputs."""
        for first in range(0, len(tokens), self._rows):
            part = tokens[first : first + self._rows]
            self._compute([BatchRow(token, begun + first + i, slot, output=False) for i, token in enumerate(part)])

    def _read(self, marks: Sequence[int]) -> list[float]:
        """The scores at these positions of the solution's slot."""
        import numpy as np

        for number, position in enumerate(marks):
            self._context.share(_SOLUTION, _FIRST + number, position)
        self._context.output_hidden_states(enabled=True)
        self._compute(
            [BatchRow(self._mark, position, _FIRST + number, output=True) for number, position in enumerate(marks)]
        )
        hidden = np.stack([self._context.hidden_state(number) for number in range(len(marks))])
        self._context.output_hidden_states(enabled=False)
        for number in range(len(marks)):
            self._context.truncate(_FIRST + number, 0)
        return _right(self._head(hidden))

    def _compute(self, rows: Sequence[BatchRow]) -> None:
        if self._context.compute(rows) is not ComputeStatus.DONE:
            raise EngineUnusable("llama.cpp finds no free cells for a solution that fits its context")


def _right(outputs: NDArray[np.float32]) -> list[float]:
    """The softmax's second component, for every row of (wrong, right)."""
    import numpy as np

    odds = np.clip((outputs[:, 0] - outputs[:, 1]).astype(np.float64), -700, 700)
    return [float(one) for one in 1 / (1 + np.exp(odds))]
