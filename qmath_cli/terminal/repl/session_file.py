"""Saves and loads sessions: their problems and solutions as JSON, without the settings.

A file is written atomically, and only its owner can read it. Files of schema version 1 can be loaded, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

from qmath_cli.errors import DataError, UsageError
from qmath_cli.files import write_json
from qmath_cli.records import Finish, Language, Mode, Problem, Sampling, Solution, VoteGroup, Votes
from qmath_cli.solving.sample_record import field_of, record_of, sample_of
from qmath_cli.terminal.repl.session import Session, shown

SCHEMA = "qmath.session/2"
_NAME = re.compile(r"[\w][\w.-]{0,63}")

Record = dict[str, Any]


def path_of(folder: Path, name: str) -> Path:
    """The file of a session. Raises `UsageError` if `name` cannot be a file name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be the name of a session", "use letters, digits, dots and dashes")
    return folder / f"{name}.json"


def save(session: Session, path: Path) -> None:
    """Write a session. Raises `UsageError` if the file cannot be written."""
    solutions = [_record(solution, session) for solution in session.solutions]
    try:
        write_json(path, {"schema": SCHEMA, "follow": session.follow, "solutions": solutions}, private=True)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc


def load(path: Path) -> tuple[list[Solution], bool]:
    """Read a session.

    Returns:
        Its solutions, and its `follow`.

    Raises:
        UsageError: There is no such session.
        DataError: The file is not a saved session.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise UsageError(f"there is no session {path.stem!r}", f"sessions are saved in {path.parent}") from exc
    except (ValueError, RecursionError) as exc:
        raise DataError(f"{path} is not a saved session: {exc}") from exc
    try:
        upgrade = _UPGRADES[record["schema"]]
        return [_solution(upgrade(entry)) for entry in record["solutions"]], bool(record["follow"])
    except (KeyError, TypeError, ValueError) as exc:
        raise DataError(f"{path} is not a saved session: {exc!r}") from exc


def _record(solution: Solution, session: Session) -> Record:
    return {
        "problem": solution.problem.text,
        "language": str(solution.problem.language),
        "mode": str(solution.mode),
        "seed": solution.sampling.seed,
        "answer": solution.answer,
        "finish_reason": str(solution.finish),
        "sample": record_of(shown(solution, session.settings)),
        "votes": [[group.answer, group.count] for group in solution.votes.groups],
        "k": solution.votes.k,
        "sampled": solution.votes.sampled,
    }


def _solution(entry: Record) -> Solution:
    sample = sample_of(entry["sample"])
    groups = tuple(VoteGroup(str(text), int(count), None, (sample.index,)) for text, count in entry["votes"])
    return Solution(
        problem=Problem(str(entry["problem"]), Language(entry["language"])),
        mode=Mode(entry["mode"]),
        answer=field_of(entry, "answer", str, NoneType),
        finish=Finish(entry["finish_reason"]),
        samples=(sample,),
        sampling=Sampling(seed=int(entry["seed"])),
        votes=Votes(int(entry["k"]), int(entry["sampled"]), groups),
        usage=sample.usage,
    )


def _of_first_version(entry: Record) -> Record:
    """A solution of schema version 1 as one of the current version."""
    prompt, completion, prefilled, output = (int(count) for count in entry["tokens"])
    sample = {
        "index": 0,
        "text": str(entry["text"]),
        "answer": entry["answer"],
        "finish_reason": entry["finish"],
        "programs": [
            {"code": code, "output": text, "status": status, "seconds": float(seconds), "error": ""}
            for code, text, status, seconds in entry["programs"]
        ],
        "unrun_programs": 0,
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "prefilled_tokens": prefilled,
            "output_tokens": output,
        },
        "reward": None,
    }
    return {**entry, "finish_reason": entry["finish"], "sample": sample}


_UPGRADES: dict[str, Callable[[Record], Record]] = {SCHEMA: dict, "qmath.session/1": _of_first_version}
