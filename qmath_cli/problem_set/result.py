"""The result of one problem of a set, and its two written forms: a line of JSONL, a row of CSV.

Reading what was written gives an equal result; only the working (`text`) and the servers are not part of a row of CSV.
The schema of a line is `qmath.batch/1`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from types import NoneType
from typing import Any, Protocol

from qmath_cli.records import Finish, Language, Mode, ServerInfo, Solution
from qmath_cli.solving.sample_record import field_of, server_of, server_record

SCHEMA = "qmath.batch/1"
_CELL = re.compile(r'(?:^|,)("(?:[^"]|"")*"|[^",\n]*)')  # of a row that this module wrote; Python's reader has a limit
_EQUAL = {True: "yes", False: "no", None: "undecided"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """The expected answer, and whether the answer is equal to it; None if that could not be decided."""

    answer: str
    equal: bool | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the finished samples have the answer, how many are finished, and how many were wanted."""

    agree: int
    sampled: int
    k: int


@dataclass(frozen=True, slots=True)
class ProblemResult:
    """The result of one problem.

    Attributes:
        id: The problem's, unique in its set.
        problem: Its text.
        answer: LaTeX; None if there is none.
        plain: The answer on one line of plain characters, `19/12`; None if there is none.
        finish: Why it ended.
        votes: The agreement of its samples.
        expected: The comparison with the expected answer, if one was given.
        seconds: From the start of the problem to its end, while others were computed beside it.
        tokens: Decoded tokens of all samples.
        language: That the solution was asked for in, else that of the problem.
        mode: How it was solved.
        model: The model's name.
        run: What tells runs with other settings or another model apart.
        text: The working that gives the answer; empty where it is not kept.
        servers: The servers that computed it; none where it was this machine, or where they are not kept.
    """

    id: str
    problem: str
    answer: str | None
    plain: str | None
    finish: Finish
    votes: Agreement
    expected: Expectation | None
    seconds: float
    tokens: int
    language: Language
    mode: Mode
    model: str
    run: str
    text: str = ""
    servers: tuple[ServerInfo, ...] = ()


def agreement(solution: Solution) -> Agreement:
    """The agreement of a solution's samples with its answer."""
    counts = [group.count for group in solution.votes.groups if _holds(group.members, solution)]
    return Agreement(counts[0] if counts else 0, solution.votes.sampled, solution.votes.k)


def _holds(members: tuple[int, ...], solution: Solution) -> bool:
    return any(sample.answer == solution.answer for sample in solution.samples if sample.index in members)


class ResultForm(Protocol):
    """A written form of results.

    Attributes:
        header: What stands before the first result.
        beginning: What every file of results begins with.
    """

    header: bytes
    beginning: bytes

    def complete(self, lines: bytes) -> bool:
        """Whether these lines, from the beginning of a record, are all of it."""
        ...

    def write(self, result: ProblemResult) -> bytes:
        """A result as a record."""
        ...

    def read(self, record: bytes) -> ProblemResult:
        """The result of a record. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        ...


class JsonLines:
    """One object on each line, in ASCII."""

    header = b""
    beginning = f'{{"schema": "{SCHEMA}"'.encode()

    def complete(self, lines: bytes) -> bool:
        """Whether the line has its end."""
        return lines.endswith(b"\n")

    def write(self, result: ProblemResult) -> bytes:
        """A result as one line."""
        return json.dumps(record_of(result), ensure_ascii=True, allow_nan=False).encode() + b"\n"

    def read(self, record: bytes) -> ProblemResult:
        """The result of a line."""
        found = json.loads(record)
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise ValueError("no result")
        return _result_of(found)


class CommaSeparated:
    """Rows as in RFC 4180 but for line feeds alone at their ends, in UTF-8 without a byte order mark."""

    names = (
        *("id", "problem", "answer", "plain", "agree", "sampled", "k", "finish", "seconds", "expected", "equal"),
        *("tokens", "language", "mode", "model", "run"),
    )
    header = (",".join(names) + "\n").encode()
    beginning = header

    def complete(self, lines: bytes) -> bool:
        """Whether the row has its end: a line break inside of quotes is none."""
        return lines.endswith(b"\n") and lines.count(b'"') % 2 == 0

    def write(self, result: ProblemResult) -> bytes:
        """A result as one row."""
        expected, equal = ("", "")
        if result.expected is not None:
            expected, equal = result.expected.answer, _EQUAL[result.expected.equal]
        votes = result.votes
        head = (result.id, result.problem, result.answer or "", result.plain or "", votes.agree, votes.sampled, votes.k)
        tail = (expected, equal, result.tokens, result.language, result.mode, result.model, result.run)
        row = io.StringIO()
        csv.writer(row, lineterminator="\n").writerow((*head, result.finish, result.seconds, *tail))
        return row.getvalue().encode()

    def read(self, record: bytes) -> ProblemResult:
        """The result of a row."""
        cells = _CELL.findall(record.decode().removesuffix("\n"))
        row = dict(zip(self.names, map(_unquoted, cells), strict=True))
        equal = {word: value for value, word in _EQUAL.items()}
        return ProblemResult(
            id=row["id"],
            problem=row["problem"],
            answer=row["answer"] or None,
            plain=row["plain"] or None,
            finish=Finish(row["finish"]),
            votes=Agreement(int(row["agree"]), int(row["sampled"]), int(row["k"])),
            expected=Expectation(row["expected"], equal[row["equal"]]) if row["equal"] else None,
            seconds=float(row["seconds"]),
            tokens=int(row["tokens"]),
            language=Language(row["language"]),
            mode=Mode(row["mode"]),
            model=row["model"],
            run=row["run"],
        )


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def record_of(result: ProblemResult) -> dict[str, Any]:
    """A result as `qmath.batch/1`."""
    votes, expected = result.votes, result.expected
    return {
        "schema": SCHEMA,
        "id": result.id,
        "problem": result.problem,
        "answer": result.answer,
        "plain": result.plain,
        "finish_reason": str(result.finish),
        "votes": {"agree": votes.agree, "sampled": votes.sampled, "k": votes.k},
        "expected": None if expected is None else {"answer": expected.answer, "equal": expected.equal},
        "seconds": result.seconds,
        "tokens": result.tokens,
        "language": str(result.language),
        "mode": str(result.mode),
        "model": result.model,
        "run": result.run,
        "text": result.text,
        "servers": [server_record(one) for one in result.servers],
    }


def _result_of(record: dict[str, Any]) -> ProblemResult:
    votes, expected = field_of(record, "votes", dict), field_of(record, "expected", dict, NoneType)
    if expected is not None:
        expected = Expectation(field_of(expected, "answer", str), field_of(expected, "equal", bool, NoneType))
    return ProblemResult(
        id=field_of(record, "id", str),
        problem=field_of(record, "problem", str),
        answer=field_of(record, "answer", str, NoneType),
        plain=field_of(record, "plain", str, NoneType),
        finish=Finish(record["finish_reason"]),
        votes=Agreement(*(field_of(votes, name, int) for name in ("agree", "sampled", "k"))),
        expected=expected,
        seconds=field_of(record, "seconds", float, int),
        tokens=field_of(record, "tokens", int),
        language=Language(record["language"]),
        mode=Mode(record["mode"]),
        model=field_of(record, "model", str),
        run=field_of(record, "run", str),
        text=field_of(record, "text", str),
        servers=tuple(server_of(one) for one in record.get("servers", ())),  # absent in files of earlier versions
    )
