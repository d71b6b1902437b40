"""The file of one evaluation run: append-only JSONL that survives a kill at any moment.

First line: the setup, and where the problems are. Then one line per group before its samples, and one per graded
sample, each written whole, flushed and fsynced before the next. A line that a kill cut short is dropped when the run is
opened again; no sample is stored twice. Two processes cannot write one run at once. Files of schema version 1 are read
too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from qmath_cli.errors import DataError, UsageError
from qmath_cli.evaluation.records import GradedSample, Group, SampleKey, Setup
from qmath_cli.files import Journal

_LONGEST = 150  # bytes of a data set's name in a file's name


class RunFile:
    """An open run. `stored` holds its samples by key, `groups` the groups that were started."""

    def __init__(self, folder: Path, setup: Setup, source: Path | None = None) -> None:
        """Open the run of this setup, or start it.

        Args:
            folder: Where runs are.
            setup: What is run.
            source: The file of the problems, for those who read the run again.

        Raises:
            UsageError: another process writes the run.
        """
        self._source = source
        self.path = folder / f"{_short(setup.data)}-{setup.key}.jsonl"
        self.stored: dict[SampleKey, GradedSample] = {}
        self.groups: list[Group] = []
        busy = UsageError(f"another process is writing {self.path}", "wait for it, or give this run another --out")
        self._journal = Journal(self.path, busy)
        try:
            self._resume(setup)
        except BaseException:  # Ctrl-C, too: the lock is released; raised again
            self._journal.close()
            raise

    def __enter__(self) -> RunFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything in it is already on the disk."""
        self._journal.close()

    def add(self, sample: GradedSample) -> None:
        """Store a sample; it is on the disk when this returns. Raises `ValueError` if it is stored already."""
        if sample.key in self.stored:
            raise ValueError(f"sample {sample.key} is stored already")
        self._write(sample.record())
        self.stored[sample.key] = sample

    def start(self, group: Group) -> None:
        """Store a group that is computed from now on."""
        self._write(group.record())
        self.groups.append(group)

    def rewrite(self, setup: Setup, samples: Iterable[GradedSample]) -> None:
        """Replace the file atomically by the setup and these samples, without groups."""
        records = [setup.record(self._source), *(sample.record() for sample in samples)]
        self._journal.replace(_line(record) for record in records)

    def _resume(self, setup: Setup) -> None:
        lines = list(self._journal.records())
        if not lines:
            self._write(setup.record(self._source))
            return
        samples, self.groups = _read(lines, self.path)
        self.stored = {sample.key: sample for sample in samples}

    def _write(self, record: dict[str, object]) -> None:
        self._journal.add(_line(record))


@dataclass(frozen=True, slots=True)
class StoredRun:
    """What a run file holds: the setup, where its problems were (None in files of earlier versions), the samples."""

    setup: Setup
    source: Path | None
    samples: Sequence[GradedSample]


def stored_run(path: Path) -> StoredRun | None:
    """Read a run file without opening the run; None for a file of another kind.

    Raises:
        DataError: it cannot be read, is damaged, or no sample of it is finished.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise DataError(f"cannot read {path}: {exc.strerror or exc}") from exc
    first = content.partition(b"\n")[0]
    if not first.startswith(b'{"schema": "qmath.eval-run/'):
        return None
    try:
        record = json.loads(first)
        setup = Setup.of(record["setup"])
        source = record.get("source")
    except (ValueError, KeyError, TypeError) as exc:
        raise DataError(f"{path}, line 1: not the setup of a run that this version reads") from exc
    lines = content.splitlines()
    whole = lines if content.endswith(b"\n") else lines[:-1]  # a kill cut the last one short, or it is being written
    samples, _ = _read(whole, path)
    if not samples:
        raise DataError(f"{path} has no sample yet", "the command that started the run goes on with it")
    return StoredRun(setup, Path(source) if isinstance(source, str) else None, samples)


def _short(name: str) -> str:
    """A data set's name as the beginning of a file's, which no file system finds too long."""
    return name.encode()[:_LONGEST].decode(errors="ignore")


def _read(lines: list[bytes], path: Path) -> tuple[list[GradedSample], list[Group]]:
    samples, groups = [], []
    for number, line in enumerate(lines[1:], 2):  # the first line is the setup
        try:
            record = _current(json.loads(line))
            if "group" in record:
                groups.append(Group.of(record))
            else:
                samples.append(GradedSample.of(record))
        except (ValueError, KeyError, TypeError) as exc:
            raise DataError(f"{path}, line {number}: damaged", "delete or move the file to start again") from exc
    return samples, groups


def _current(record: dict[str, Any]) -> dict[str, Any]:
    """A record of schema version 1 as one of the current version."""
    if "leg" in record:
        return {"group": record["leg"], "parallel": record["parallel"]}
    if "sample" in record:
        return {"unrun_programs": 0, "joules": None, **record, "index": record["sample"]}
    return record


def _line(record: dict[str, object]) -> bytes:
    return json.dumps(record, ensure_ascii=True).encode() + b"\n"
