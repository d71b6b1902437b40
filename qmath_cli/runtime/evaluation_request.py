"""What an evaluation is asked to do, and who follows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.records import Event
from qmath_cli.records.activity import Activity
from qmath_cli.settings import Grade, Settings


class Observer(Protocol):
    """Follows a run."""

    def begin(self, done: int, total: int) -> None:
        """`done` of the run's `total` samples are stored before it begins."""
        ...

    def activity(self, activity: Activity) -> None:
        """What the run is busy with; called from any thread."""
        ...

    def event(self, event: Event) -> None:
        """Something has happened in one of the sequences."""
        ...

    def stored(self, one: GradedSample, done: int, total: int) -> None:
        """A sample was graded and stored, the `done`-th of `total`."""
        ...


OnModel = Callable[[Sequence[str], Sequence[str]], None]
"""Called with the notes on a model, one sentence each, and with llama.cpp's own warnings where the model was loaded."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What is to be evaluated.

    Attributes:
        data: the problems.
        settings: sampling, limits, device.
        grade: whose verdict counts.
        parallel: sequences at once; 0: as suits the model and this machine.
        folder: where runs are stored.
        regrade: grade what is stored again.
        force: load the model even if it does not seem to fit.
        on_model: told what is to be said of each model before it runs.
        on_shape: told in one sentence in which shape a model computes, and why.
        source: the file of the problems, for those who read the run again.
        tuned: whether the shape is the fastest one; else that of the model's size, the same for every quantization, so
            that texts of two models differ by nothing else.
    """

    data: Dataset
    settings: Settings
    grade: Grade
    parallel: int
    folder: Path
    regrade: bool = False
    force: bool = False
    on_model: OnModel = lambda _notes, _engine: None
    on_shape: Callable[[str], object] = lambda _sentence: None
    source: Path | None = None
    tuned: bool = True
