"""The results of a problem set in a file that survives a kill at any moment: each problem is in it once.

A result is added, and on the disk, as soon as its problem is finished. Opening the file again tells which problems are
left; once none is, the results are put into the order of the problems. A file that holds anything else, or results of
other problems, settings or models, is refused and stays as it is. Memory holds an id and an outcome per problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from qmath_cli.errors import UsageError
from qmath_cli.files import Journal
from qmath_cli.problem_set.result import Expectation, ProblemResult, ResultForm
from qmath_cli.records import Finish, Problem

_INSTEAD = "give another -o FILE, or --overwrite to start again"


@dataclass(frozen=True, slots=True)
class ResultOutcome:
    """What counts and exit codes need of a result; `equal` is None where nothing was expected or decided."""

    finish: Finish
    answered: bool
    expected: bool
    equal: bool | None

    @classmethod
    def of(cls, result: ProblemResult) -> ResultOutcome:
        """That of a result."""
        expected = result.expected
        equal = None if expected is None else expected.equal
        return cls(result.finish, result.answer is not None, expected is not None, equal)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a result stands in the file, in bytes, and its outcome."""

    offset: int
    length: int
    outcome: ResultOutcome


class ResultFile:
    """An open file of results."""

    def __init__(
        self, path: Path, form: ResultForm, problems: Sequence[Problem], run: str, *, overwrite: bool = False
    ) -> None:
        """Open the file, or start it.

        Args:
            path: The file.
            form: How results are written.
            problems: The set, with unique ids.
            run: What results of the same model and settings have in common.
            overwrite: Start again, whatever is in it.

        Raises:
            UsageError: Another process has it open, or it holds something else.
            DoesNotFit: It cannot be written.
        """
        self.path = path
        self._form = form
        self._problems = problems
        self._places: dict[str, _Place] = {}  # by the problem's id, in the order of the file
        busy = UsageError(f"another process is writing {path}", "wait for it, or give another -o FILE")
        self._journal = Journal(path, busy, tidy=True)
        try:
            if overwrite:
                self._journal.replace([])
            self._resume(run)
        except BaseException:  # Ctrl-C, too: the lock is released; raised again
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything in it is already on the disk."""
        self._journal.close()

    def has(self, name: str) -> bool:
        """Whether the problem with this id has a result."""
        return name in self._places

    @property
    def outcomes(self) -> list[ResultOutcome]:
        """The outcomes of all results."""
        return [place.outcome for place in self._places.values()]

    @property
    def missing(self) -> list[Problem]:
        """The problems that have no result, in their order."""
        return [problem for problem in self._problems if problem.id not in self._places]

    def add(self, result: ProblemResult) -> None:
        """Store a result; it is on the disk when this returns. After an interrupt it can be called again.

        Raises:
            ValueError: The problem has a result already.
            DoesNotFit: There is no room for it.
        """
        if result.id in self._places:
            raise ValueError(f"problem {result.id} has a result already")
        record = self._form.write(result)
        if self._beyond() != record:  # else an interrupt came after it had been written
            self._journal.add(record)
        self._places[result.id] = _Place(self._journal.size - len(record), len(record), ResultOutcome.of(result))

    def results(self) -> Iterator[ProblemResult]:
        """All results in the order of their problems, read from the disk one by one."""
        yield from (self._form.read(record) for record in self._in_order())

    def sort(self) -> None:
        """Put the results into the order of their problems."""
        order = [problem.id for problem in self._problems if problem.id in self._places]
        if list(self._places) == order:
            return
        self._journal.replace(self._sorted())
        end, places = len(self._form.header), {}
        for name in order:
            places[name] = replace(self._places[name], offset=end)
            end += places[name].length
        self._places = places

    def _sorted(self) -> Iterator[bytes]:
        yield self._form.header
        yield from self._in_order()

    def _in_order(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            for problem in self._problems:
                if problem.id in self._places:
                    place = self._places[problem.id]
                    file.seek(place.offset)
                    yield file.read(place.length)

    def _resume(self, run: str) -> None:
        """Read what is there. Nothing is removed or added before all of it is known to belong to this run."""
        header, known = self._form.header, {problem.id: problem for problem in self._problems}
        if not _begins_like(self.path, self._form.beginning):
            raise self._foreign()
        end = 0
        for number, record in enumerate(self._journal.records(self._form.complete)):
            if number == 0 and header:
                end = len(record)
                continue
            try:
                result = self._form.read(record)
            except (ValueError, KeyError, TypeError) as exc:
                raise self._foreign() from exc
            self._require(result, known.get(result.id), run)
            self._places[result.id] = _Place(end, len(record), ResultOutcome.of(result))
            end += len(record)
        if end == 0:
            self._journal.add(header)

    def _require(self, result: ProblemResult, problem: Problem | None, run: str) -> None:
        """Refuse a result that is not one of this run."""
        if problem is None or result.problem != problem.text or _expected(result.expected) != problem.reference:
            raise UsageError(f"{self.path} has results of other problems: {result.id} is not the same", _INSTEAD)
        if result.run != run:
            raise UsageError(f"{self.path} has results of other settings or another model ({result.model})", _INSTEAD)
        if result.id in self._places:
            raise UsageError(f"{self.path} has two results of problem {result.id}", _INSTEAD)

    def _foreign(self) -> UsageError:
        return UsageError(f"{self.path} is there, and is no file of such results", _INSTEAD)

    def _beyond(self) -> bytes:
        """What stands in the file after the last result that is known."""
        last = next(reversed(self._places.values()), None)
        with self.path.open("rb") as file:
            file.seek(len(self._form.header) if last is None else last.offset + last.length)
            return file.read()


def _expected(expectation: Expectation | None) -> str | None:
    return None if expectation is None else expectation.answer


def _begins_like(path: Path, beginning: bytes) -> bool:
    """Whether a file begins like one of results, as far as it goes: a kill may have cut it short."""
    with path.open("rb") as file:
        return beginning.startswith(file.read(len(beginning)))
