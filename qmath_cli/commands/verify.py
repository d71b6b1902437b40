"""`qmath verify`: read models again, byte by byte; or show which hashes models.lock has.

Works without a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, ModelMissing
from qmath_cli.models import lockfile, store
from qmath_cli.models.hub.pins import Pins
from qmath_cli.models.lock_entry import toml_of_artifact
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.models.store import Installed
from qmath_cli.terminal.progress import byte_progress
from qmath_cli.terminal.tables import columns


@dataclass(frozen=True, slots=True)
class Finding:
    """One model, and what is wrong with it (nothing, where `problems` is empty)."""

    entry: Installed
    problems: tuple[str, ...]


def command(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="The models to verify. Default: all.", autocompletion=o.complete_installed),
    ] = None,
    lock: Annotated[bool, typer.Option("--lock", help="Only show what models.lock knows of each model.")] = False,
    toml: Annotated[bool, typer.Option("--toml", help="Print the embedded models' entries for models.lock.")] = False,
    json: o.Json = False,
) -> int:
    """Read models again and compare them with their records. Exit 7, naming the files, where one is damaged."""
    here = invocation(context)
    known = lockfile.load()
    if lock:
        return _about_lock(here, known, as_json=json)
    entries = _meant(names or [], here, known)
    if toml:
        return _entries_for_lock(here, entries)
    findings = _read(here, entries)
    if json:
        here.terminal.json({"schema": "qmath.verify/1", "models": [_record(finding) for finding in findings]})
    else:
        _show(here, findings)
    return ExitCode.INTEGRITY if any(finding.problems for finding in findings) else ExitCode.OK


def _meant(names: Sequence[str], here: Invocation, lock: Lock) -> list[Installed]:
    everything = store.installed(here.paths, lock)
    if not names:
        return list(everything)
    found = []
    for name in names:
        named = ModelName.parse(name)
        model = store.find(named.base, here.paths, lock)
        entries = [e for e in everything if e.model == model and named.quantization in ("", e.quantization)]
        if not entries:
            raise ModelMissing(f"{name} is not on this machine", f"qmath pull {name}")
        found += entries
    return found


def _read(here: Invocation, entries: Sequence[Installed]) -> list[Finding]:
    total = sum(entry.size for entry in entries)
    read = 0
    findings = []

    def seen(count: int) -> None:
        nonlocal read
        read += count
        progress.update("verifying", read, total)

    with byte_progress(here.terminal) as progress:
        for entry in entries:
            problems = store.verify(entry, here.paths, seen)
            findings.append(Finding(entry, tuple(problem.message for problem in problems)))
    return findings


def _show(here: Invocation, findings: Sequence[Finding]) -> None:
    for finding in findings:
        unknown = all(part.sha256 is None for part in finding.entry.parts)
        verdict = "damaged" if finding.problems else "readable; no hash is recorded" if unknown else "ok"
        here.terminal.line(f"{finding.entry.name}  {verdict}")
        for problem in finding.problems:
            here.terminal.error(problem, finding.entry.cure)


def _record(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.entry.name,
        "files": [{"path": str(part.path), "sha256": part.sha256} for part in finding.entry.parts],
        "ok": not finding.problems,
        "problems": list(finding.problems),
    }


def _entries_for_lock(here: Invocation, entries: Sequence[Installed]) -> int:
    """Print the entries that belong into models.lock after the demo was converted again."""
    for entry in entries:
        for artifact in entry.model.artifacts:
            if artifact.quantization == entry.quantization:
                head = entry.parts[1].path if len(entry.parts) > 1 else None
                here.terminal.line(f"# {entry.model.name}")
                here.terminal.write(toml_of_artifact(artifact, entry.path, head) + "\n")
    return ExitCode.OK


def _about_lock(here: Invocation, lock: Lock, *, as_json: bool) -> int:
    pins = Pins.within(here.paths.state)
    rows = [_lock_record(model, pins) for model in lock.models]
    if as_json:
        here.terminal.json({"schema": "qmath.lock/1", "models": rows})
        return ExitCode.OK
    head = ("NAME", "COMMIT", "FILES", "HASHES", "LICENCE")
    cells = [
        (str(r["name"]), _commit(r), str(r["files"] or "unknown"), str(r["hashes"]), str(r["licence"] or "unknown"))
        for r in rows
    ]
    for line in columns([head, *cells]):
        here.terminal.line(line)
    here.terminal.note("unknown hashes are taken from the hub's metadata at the pull and recorded beside the model;")
    here.terminal.note("`qmath pull NAME --toml` prints a whole entry to fill in")
    return ExitCode.OK


def _lock_record(model: LockedModel, pins: Pins) -> dict[str, object]:
    files = [a.file for a in model.artifacts] + [a.head for a in model.artifacts if a.head] + list(model.files)
    return {
        "name": model.name,
        "repo": model.repo or None,
        "commit": model.revision,
        "pinned_here": pins.get(model.repo) if model.repo and model.revision is None else None,
        "files": len(files),
        "hashes": sum(file.sha256 is not None for file in files),
        "licence": model.licence or None,
    }


def _commit(row: dict[str, object]) -> str:
    if row["repo"] is None:
        return "in the package"
    if row["commit"]:
        return str(row["commit"])
    return f"{row['pinned_here']} (pinned here)" if row["pinned_here"] else "unknown"
