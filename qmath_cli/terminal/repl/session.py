"""What a session remembers: its settings, and every problem with all that came of it. Saved and loaded as JSON.

There is never a problem without a solution: an interrupted one keeps what was said, so that a conversation that goes on
alternates between the two sides as the chat format demands.
"""

from __future__ import annotations

import json
import re
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError, UsageError
from qmath_cli.records import (
    Finish,
    Language,
    Mode,
    Output,
    Problem,
    ProgramRun,
    RunStatus,
    Sample,
    Sampling,
    Solution,
    Usage,
    VoteGroup,
    Votes,
)
from qmath_cli.settings import Settings
from qmath_cli.solving import vote

SCHEMA = "qmath.session/1"
_NAME = re.compile(r"[\w][\w.-]{0,63}")


@dataclass(slots=True)
class Session:
    """The mutable state of a session."""

    settings: Settings
    solutions: list[Solution] = field(default_factory=list)
    follow: bool = False  # whether the next problem sees the earlier ones

    @property
    def last(self) -> Solution:
        """The latest solution. Raises `UsageError` where there is none yet."""
        if not self.solutions:
            raise UsageError("there is no solution yet", "type a problem first")
        return self.solutions[-1]

    def picked(self) -> Sample:
        """The sample of the latest solution that was shown."""
        return shown(self.last, self.settings)

    def earlier(self) -> tuple[tuple[str, str], ...]:
        """The conversation so far as (problem, response) pairs."""
        return tuple((solution.problem.text, shown(solution, self.settings).text) for solution in self.solutions)


def shown(solution: Solution, settings: Settings) -> Sample:
    """The sample that speaks for a solution."""
    picked = vote.pick(solution.samples, solution.votes, settings.pick)
    if picked is not None:
        return picked
    return solution.samples[0] if solution.samples else Sample("", None, solution.finish)


def extended(solution: Solution, partial: Sample, more: Solution) -> Solution:
    """A solution whose shown sample went on: `more` holds what was said after `partial`."""
    tail = more.samples[0]
    whole = replace(
        tail,
        text=partial.text + tail.text,
        answer=tail.answer if tail.answer is not None else partial.answer,
        runs=partial.runs + tail.runs,
        usage=replace(partial.usage + tail.usage, prompt_tokens=partial.usage.prompt_tokens),
    )
    answer = whole.answer
    groups = (VoteGroup(answer, 1, None, (whole.index,)),) if answer is not None else ()
    return replace(
        more,
        problem=solution.problem,
        answer=answer,
        samples=(whole,),
        votes=Votes(1, 1, groups),
        usage=solution.usage + more.usage,
    )


# ---------------------------------------------------------------- on disk


def path_of(folder: Path, name: str) -> Path:
    """Where the session `name` is kept. Raises `UsageError` for a name that is no file name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"not a name for a session: {name!r}", "letters, digits, dots and dashes")
    return folder / f"{name}.json"


def save(session: Session, path: Path) -> None:
    """Write the problems and solutions; the settings stay behind."""
    record = {
        "schema": SCHEMA,
        "follow": session.follow,
        "solutions": [_record(solution, session.settings) for solution in session.solutions],
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc


def load(path: Path) -> tuple[list[Solution], bool]:
    """The solutions of a saved session, and whether it followed. Raises `UsageError`, `DataError`."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise UsageError(f"there is no session {path.stem!r}", f"sessions are kept in {path.parent}") from exc
    except ValueError as exc:
        raise DataError(f"{path} is not a saved session: {exc}") from exc
    try:
        if record["schema"] != SCHEMA:
            raise DataError(f"{path} is not a saved session: schema {record['schema']!r}")
        return [_solution(entry) for entry in record["solutions"]], bool(record["follow"])
    except (KeyError, TypeError, ValueError) as exc:
        raise DataError(f"{path} is not a saved session: {exc!r}") from exc


def _record(solution: Solution, settings: Settings) -> dict[str, Any]:
    sample = shown(solution, settings)
    return {
        "problem": solution.problem.text,
        "language": str(solution.problem.language),
        "mode": str(solution.mode),
        "seed": solution.sampling.seed,
        "answer": solution.answer,
        "finish": str(solution.finish),
        "text": sample.text,
        "tokens": list(astuple(sample.usage)),
        "votes": [[group.answer, group.count] for group in solution.votes.groups],
        "k": solution.votes.k,
        "sampled": solution.votes.sampled,
        "programs": [[run.code, run.output.text, str(run.output.status), run.output.seconds] for run in sample.runs],
    }


def _solution(entry: dict[str, Any]) -> Solution:
    runs = tuple(
        ProgramRun(str(code), Output(str(text), RunStatus(status), float(seconds)))
        for code, text, status, seconds in entry["programs"]
    )
    finish, answer = Finish(entry["finish"]), entry["answer"]
    usage = Usage(*(int(count) for count in entry["tokens"]))
    sample = Sample(str(entry["text"]), answer, finish, runs, usage)
    groups = tuple(VoteGroup(str(text), int(count), None, (0,)) for text, count in entry["votes"])
    return Solution(
        problem=Problem(str(entry["problem"]), Language(entry["language"])),
        mode=Mode(entry["mode"]),
        answer=answer,
        finish=finish,
        samples=(sample,),
        sampling=Sampling(seed=int(entry["seed"])),
        votes=Votes(int(entry["k"]), int(entry["sampled"]), groups),
        usage=usage,
    )
