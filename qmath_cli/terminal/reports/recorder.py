"""What happens to the solutions of a batch: each is a result on the disk at once, and a problem of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qmath_cli.records import Event, Finish, Solution
from qmath_cli.runtime.problem_set import Solver
from qmath_cli.terminal.maths import plain
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.reports.batch import BatchProgress
from qmath_cli.terminal.reports.results import Results


@dataclass(slots=True)
class BatchRecorder:
    """Records solutions, and keeps them in the history.

    What an interrupt ended is not recorded: the same command solves it from its beginning. What an interrupt ends while
    it is recorded is recorded by the next `settle`.
    """

    results: Results
    progress: BatchProgress
    solver: Solver
    keep: Callable[[Solution], object]
    _pending: Solution | None = None

    def event(self, _position: int, event: Event) -> None:
        """Record a solution, or show that something happens."""
        self.settle()
        if isinstance(event, Solution):
            if event.finish is not Finish.INTERRUPTED:
                self._pending = event
                self.settle()
                self.progress.solved()
        else:
            self.progress.tick(event)

    def settle(self) -> None:
        """Record the last solution, unless that is done. The result comes first: it says what is left to solve."""
        solution = self._pending
        if solution is None:
            return
        if not self.results.has(solution.problem.id):
            answer = None if solution.answer is None else clean(solution.answer)
            self.results.add(self.solver.result(solution, answer, None if answer is None else plain(answer)))
        self.keep(solution)
        self._pending = None
