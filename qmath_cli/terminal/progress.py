"""How far a long piece of work is, on stderr: a bar for people, and nothing for pipes but one line per stage.

Redrawn at most ten times a second. Knows stages and bytes, nothing of what they are bytes of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qmath_cli.terminal.output import Terminal, clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_INTERVAL = 0.1


class ByteProgress:
    """Call `update` as often as you like; use it through `byte_progress`."""

    def __init__(self, terminal: Terminal, bar: Progress | None) -> None:
        self._terminal = terminal
        self._bar = bar
        self._stage = ""
        self._task: TaskID | None = None
        self._drawn = 0.0

    def update(self, stage: str, done: int, total: int, detail: str = "") -> None:
        """`done` of `total` bytes of `stage`; a new stage name begins a new line."""
        if stage != self._stage:
            self._begin(stage, total)
        now = time.monotonic()
        if self._bar is not None and self._task is not None and (now - self._drawn >= _INTERVAL or done == total):
            self._bar.update(self._task, completed=done, total=total, detail=clean(detail))
            self._drawn = now

    def _begin(self, stage: str, total: int) -> None:
        self._stage, self._drawn = stage, 0.0
        if self._bar is None:
            self._terminal.note(stage)
        else:
            self._task = self._bar.add_task(clean(stage), total=total, detail="")


@contextmanager
def byte_progress(terminal: Terminal) -> Iterator[ByteProgress]:
    """A bar while the block runs if stderr is a terminal; otherwise each stage is named once."""
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
