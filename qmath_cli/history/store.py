"""The file of the history: problems by number, the newest with the highest.

Every change is one transaction with a rollback journal, flushed to the disk: a kill at any moment leaves every problem
that was kept, and nothing half written. Several processes may use the file at once; each waits for the other. A number
is never used twice, not even after `clear`. The file can be read by its owner only, and is not created by reading.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError, DoesNotFit, IntegrityError, QmathError, UsageError
from qmath_cli.files import cannot_write
from qmath_cli.history import search
from qmath_cli.history.entry import Listed, Solved, read, written
from qmath_cli.records import Finish, Language, Mode
from qmath_cli.solving import vote

_VERSION = 1
_WAIT_S = 10.0  # for another process; a transaction takes milliseconds
_LARGEST = 2**63 - 1  # SQLite's integers
_TABLE = """
CREATE TABLE IF NOT EXISTS problems (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    problem TEXT NOT NULL,
    answer TEXT,
    finish TEXT NOT NULL,
    mode TEXT NOT NULL,
    language TEXT NOT NULL,
    model TEXT NOT NULL,
    record TEXT NOT NULL,
    sought TEXT NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0
)"""
_COLUMNS = ("at", "problem", "answer", "finish", "mode", "language", "model", "record", "sought")
_LISTED = "SELECT number, at, problem, answer, finish, mode, language, model FROM problems"


class History:
    """The history in a file, which need not exist. The file is open during a call only.

    Every method raises `IntegrityError` where the file is no history or damaged, `DataError` where a newer version has
    written it, and `DoesNotFit` where it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, solved: Solved) -> int:
        """Add a solved problem; returns its number."""
        marks = ", ".join("?" * len(_COLUMNS))
        insert = f"INSERT INTO problems ({', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608
        with self._changing() as database:
            number = database.execute(insert, _row(solved)).lastrowid
        return number or 0

    def replace(self, solved: Solved) -> int:
        """Write a problem that is there again, under its number; add it if it has none, or is there no more."""
        update = f"UPDATE problems SET {', '.join(f'{name} = ?' for name in _COLUMNS)}, indexed = 0 WHERE number = ?"  # noqa: S608
        if solved.number is not None:
            with self._changing() as database:
                if database.execute(update, (*_row(solved), solved.number)).rowcount:
                    return solved.number
        return self.keep(solved)

    def newest(self, limit: int | None = None) -> list[Listed]:
        """The newest problems, the newest last; all of them if there is no limit."""
        return self._listed(f"{_LISTED} ORDER BY number DESC LIMIT ?", [-1 if limit is None else limit])

    def search(self, text: str, limit: int | None = None, *, indexed: bool = True) -> list[Listed]:
        """The newest problems that contain every word of a text: see `search.find`."""
        with self._reading() as database:
            numbers = search.find(database, text, indexed=indexed) if database is not None else []
        if limit is not None:
            numbers = numbers[max(len(numbers) - limit, 0) :]
        chosen = ", ".join(map(str, numbers))
        return self._listed(f"{_LISTED} WHERE number IN ({chosen}) ORDER BY number DESC", [])

    def solved(self, number: int) -> Solved:
        """One problem with everything about it. Raises `UsageError` if there is none with this number."""
        with self._reading() as database:
            query = "SELECT record FROM problems WHERE number = ?"
            wanted = [number] if 0 < number <= _LARGEST else [0]
            row = database.execute(query, wanted).fetchone() if database is not None else None
        if row is None:
            raise UsageError(f"there is no problem {number} in the history", "qmath history lists them")
        try:
            return read(row[0], number)
        except (KeyError, TypeError, ValueError) as exc:
            raise IntegrityError(f"problem {number} in {self.path} cannot be read: {exc!r}") from exc

    def conversation(self, number: int) -> list[Solved]:
        """A problem after those that its prompt contained, as far as they are still there."""
        last = self.solved(number)
        earlier = []
        for one in last.earlier:
            with suppress(UsageError):
                earlier.append(self.solved(one))
        return [*earlier, last]

    def clear(self) -> int:
        """Remove all problems, also from the free space of the file; returns how many they were."""
        if not self.path.exists():
            return 0
        with self._changing() as database:
            removed = database.execute("DELETE FROM problems").rowcount
            database.execute("DROP TABLE IF EXISTS words")
        with self._connected() as database, suppress(sqlite3.OperationalError):  # freed pages are zeros already
            database.execute("VACUUM")
        return removed

    def _listed(self, query: str, values: Sequence[int]) -> list[Listed]:
        with self._reading() as database:
            rows = database.execute(query, values).fetchall() if database is not None else []
        try:
            return [_line(row) for row in reversed(rows)]
        except ValueError as exc:
            raise IntegrityError(f"{self.path} cannot be read: {exc}") from exc

    # ------------------------------------------------------------ the file

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that writes; what raises inside leaves the file as it was."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as exc:
            raise cannot_write(self.path, exc) from exc
        with self._connected() as database:
            database.execute("PRAGMA secure_delete = ON")
            database.execute("BEGIN IMMEDIATE")
            database.execute(_TABLE)
            if _version(database) != _VERSION:
                database.execute(f"PRAGMA user_version = {_VERSION}")
            yield database
            database.execute("COMMIT")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """The file for reading; None where there is none, or one in which nothing was ever kept."""
        if not self.path.exists():
            yield None
            return
        with self._connected() as database:
            found = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'problems'").fetchone()
            yield database if found[0] else None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """The open file, of our version. Closing it ends a transaction that is not committed."""
        try:
            uri = f"{self.path.absolute().as_uri()}?mode=rw"  # SQLite opens a file that is only readable for reading
            opened = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
            with closing(opened) as database:
                if _version(database) > _VERSION:
                    raise DataError(f"{self.path} was written by a newer qmath", "update qmath, or use --no-history")
                yield database
        except sqlite3.Error as exc:
            raise _error(self.path, exc) from exc


def _version(database: sqlite3.Connection) -> int:
    """The version that has written the file; 0 for a new one."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _row(solved: Solved) -> tuple[str | None, ...]:
    solution = solved.solution
    shown = vote.shown(solution, solved.pick)
    texts = (solution.problem.text, solution.answer or "", shown.text if shown is not None else "")
    return (
        datetime.now(UTC).isoformat(timespec="seconds"),
        _storable(solution.problem.text),
        None if solution.answer is None else _storable(solution.answer),
        str(solution.finish),
        str(solution.mode),
        str(solution.problem.language),
        _storable(solved.model.name if solved.model is not None else ""),
        written(solved),
        search.folded("\n".join(texts)),
    )


def _storable(text: str) -> str:
    """A text without lone surrogates, which SQLite refuses."""
    return text.encode(errors="replace").decode()


def _line(row: Sequence[Any]) -> Listed:
    number, at, problem, answer, finish, mode, language, model = row
    when = datetime.fromisoformat(at)
    return Listed(number, when, problem, answer, Finish(finish), Mode(mode), Language(language), model)


def _error(path: Path, exc: sqlite3.Error) -> QmathError:
    """An error of SQLite as one of ours."""
    code = getattr(exc, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        return IntegrityError(f"{path} is damaged: {exc}", "move it away: the next problem starts a new history")
    return DoesNotFit(f"cannot use {path}: {exc}", "check the folder's permissions, or set QMATH_HOME")
