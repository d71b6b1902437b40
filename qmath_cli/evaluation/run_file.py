"""The file of one evaluation run: append-only JSONL that survives a kill at any moment.

First line: the setup. Then one line per finished sample, and one per leg before its samples, each written whole,
flushed and fsynced before the next. A line that a kill cut short is dropped when the run is opened again; nothing is
ever recorded twice. Two processes cannot write one run at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from qmath_cli.errors import DataError, UsageError
from qmath_cli.evaluation.records import Done, Group, Setup
from qmath_cli.files import held, write_atomically


class RunFile:
    """An open run. `done` holds what is stored, by item and sample number, `legs` the legs that were begun."""

    def __init__(self, folder: Path, setup: Setup) -> None:
        """Open or begin the run of this setup. Raises `UsageError` if another process writes it."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{setup.data}-{setup.key}.jsonl"
        self.done: dict[tuple[str, int], Done] = {}
        self.legs: list[Group] = []
        self._stack = ExitStack()
        busy = UsageError(f"another process is writing {self.path}", "wait for it, or give this run another --out")
        self._stack.enter_context(held(self.path, busy))
        try:
            self._file: BinaryIO = self.path.open("a+b")
            self._stack.callback(self._close_file)
            self._resume(setup)
        except BaseException:  # Ctrl-C too: the lock must not outlive us; raised again
            self._stack.close()
            raise

    def __enter__(self) -> RunFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything in it is already on the disk."""
        self._stack.close()

    def _close_file(self) -> None:
        """Close the file that is open now: `rewrite` opens another one."""
        self._file.close()

    def add(self, one: Done) -> None:
        """Store a sample, for good."""
        assert one.key not in self.done, one.key
        self._write(one.record())
        self.done[one.key] = one

    def begin(self, leg: Group) -> None:
        """Note, for good, what is computed together from now on."""
        self._write(leg.record())
        self.legs.append(leg)

    def rewrite(self, setup: Setup, order: Iterable[Done]) -> None:
        """Replace the file by the same run in another order or with other grades, without its legs: all or nothing."""
        self._file.close()
        write_atomically(self.path, (_line(line) for line in [setup.record(), *(one.record() for one in order)]))
        self._file = self.path.open("a+b")

    def _resume(self, setup: Setup) -> None:
        self._file.seek(0)
        data = self._file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):  # the line that a kill cut short
            self._file.truncate(whole)
        if whole == 0:
            self._write(setup.record())
            return
        found, self.legs = _read(data[:whole], self.path)
        self.done = {one.key: one for one in found}

    def _write(self, record: dict[str, object]) -> None:
        self._file.write(_line(record))
        self._file.flush()
        os.fsync(self._file.fileno())


def read(path: Path) -> tuple[Setup, list[Done]]:
    """A stored run. Raises `DataError` for a file that is none."""
    data = path.read_bytes()
    try:
        setup = Setup.of(json.loads(data.split(b"\n", 1)[0]))
    except (ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{path} is not a stored evaluation") from exc
    return setup, _read(data[: data.rfind(b"\n") + 1], path)[0]


def _read(data: bytes, path: Path) -> tuple[list[Done], list[Group]]:
    found, legs = [], []
    for number, line in enumerate(data.splitlines(), 1):
        if number == 1:
            continue
        try:
            record = json.loads(line)
            if "leg" in record:
                legs.append(Group.of(record))
            else:
                found.append(Done.of(record))
        except (ValueError, KeyError, TypeError) as exc:
            raise DataError(f"{path}, line {number}: damaged", "move the file away to start the run anew") from exc
    return found, legs


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=True).encode() + b"\n"
