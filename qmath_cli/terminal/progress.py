"""Progress of an operation that is measured in bytes, on stderr.

On a terminal it is a bar, redrawn at most ten times a second; elsewhere it is one line per stage.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qmath_cli.terminal.output import Terminal, clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_REDRAW_S = 0.1  # least time between two redraws


class ByteProgress:
    """The progress of one operation; `byte_progress` makes it. `update` may be called for every block."""

    def __init__(self, terminal: Terminal, bar: Progress | None) -> None:
        self._terminal = terminal
        self._bar = bar
        self._stage = ""
        self._task: TaskID | None = None
        self._drawn = 0.0

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """Report `done` of `total` bytes of `stage`, with a detail such as a file name. A new stage gets a new line."""
        if stage != self._stage:
            self._begin(stage, total)
        now = time.monotonic()
        if self._bar is not None and self._task is not None and (now - self._drawn >= _REDRAW_S or done == total):
            self._bar.update(self._task, completed=done, total=total, detail=clean(detail))
            self._drawn = now

    def detail(self, text: str) -> None:
        """Show a word beside the bar, such as why it stands still. Elsewhere than on a terminal it is not shown."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, detail=clean(text))

    def _begin(self, stage: str, total: int) -> None:
        self._stage, self._drawn = stage, 0.0
        if self._bar is None:
            self._terminal.note(stage)
        else:
            self._task = self._bar.add_task(clean(stage), total=total, detail="")


@contextmanager
def byte_progress(terminal: Terminal) -> Iterator[ByteProgress]:
    """Show progress while the block runs: a bar if stderr is a terminal, otherwise one line per stage."""
    if not terminal.err.isatty():
        yield ByteProgress(terminal, None)
        return
    from rich import progress as rich_progress
    from rich.console import Console

    columns = (
        rich_progress.TextColumn("{task.description}", markup=False),
        rich_progress.BarColumn(),
        rich_progress.DownloadColumn(binary_units=True),
        rich_progress.TransferSpeedColumn(),
        rich_progress.TimeRemainingColumn(),
        rich_progress.TextColumn("{task.fields[detail]}", markup=False),
    )
    with rich_progress.Progress(*columns, console=Console(file=terminal.err), transient=True) as bar:
        yield ByteProgress(terminal, bar)
