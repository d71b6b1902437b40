"""Reports how far the prefill of prompts has come, from when it starts until no prompt is left."""

from __future__ import annotations

from collections.abc import Iterable

from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records.activity import Idle, OnActivity, Prefilling


class PrefillReport:
    """The prefill of one batch: `report` is called before and after each step."""

    def __init__(self, on_activity: OnActivity) -> None:
        self._on_activity = on_activity
        self._tokens = 0  # of the prompts that are being prefilled; 0: none is

    def report(self, admitted: Iterable[SequenceState]) -> None:
        """Report what is left, if anything is or was."""
        pending = [one.pending for one in admitted if one.active and one.slot is not None]
        left = sum(tokens for tokens in pending if tokens > 1)
        if left:
            self._tokens = max(self._tokens, left)
            self._on_activity(Prefilling(self._tokens - left, self._tokens))
        elif self._tokens:
            self._tokens = 0
            self._on_activity(Idle())
