"""Prefill in slices, and reports of how far it has come, from when it starts until no prompt is left."""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.llama.placement import SMALL
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records.activity import Idle, OnActivity, Prefilling

#: Tokens of prompts per step where nothing decodes and the CPU computes. On two cores 64 tokens of a 7B model take some
#: seconds, after which there is something to report. Slices of 64 are as fast there as one of 384 tokens.
_SLICE_ON_CPU = 64
_WHOLE = 1 << 30


class Prefill:
    """The prefill of one batch: `report` is called before and after each step.

    Attributes:
        slice: tokens of prompts per step, where no sequence decodes. It depends on the model and its placement only, so
            that texts do not depend on who observes.
    """

    def __init__(self, model: Model, on_activity: OnActivity) -> None:
        slow = model.facts.size >= SMALL and model.placement.gpu_layers == 0
        self.slice = _SLICE_ON_CPU if slow else _WHOLE
        self._on_activity = on_activity
        self._tokens = 0  # of the prompts that are being prefilled; 0: none is

    def report(self, admitted: Iterable[SequenceState]) -> None:
        """Report what is left, if anything is or was."""
        left = sum(one.pending for one in admitted if one.active and one.pending > 1)
        if left:
            self._tokens = max(self._tokens, left)
            self._on_activity(Prefilling(self._tokens - left, self._tokens))
        elif self._tokens:
            self._tokens = 0
            self._on_activity(Idle())
