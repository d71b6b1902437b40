"""`qmath verify`: read models again, byte by byte; or show which hashes models.lock has.

Works without a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from qmath_cli.commands import model_names
from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, ModelMissing
from qmath_cli.models import local_lock, lockfile, manifest, store
from qmath_cli.models.hub.pins import Pins
from qmath_cli.models.local_lock import Recorded
from qmath_cli.models.lock_entry import toml_of_artifact
from qmath_cli.models.lockfile import Lock, LockedFile, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.models.store import Installed
from qmath_cli.terminal.progress import byte_progress
from qmath_cli.terminal.tables import columns


@dataclass(frozen=True, slots=True)
class Finding:
    """One model, and what is wrong with it (nothing, where `problems` is empty).

    `unchecked` are the files it was made from whose hashes nobody knew.
    """

    entry: Installed
    problems: tuple[str, ...]
    unchecked: tuple[str, ...] = ()


def command(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="The models to verify. Default: all.", autocompletion=model_names.complete_installed
        ),
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

    recorded = local_lock.read(here.paths.state)
    with byte_progress(here.terminal) as progress:
        for entry in entries:
            damaged = [problem.message for problem in store.verify(entry, here.paths, seen)]
            sources = _sources(entry)
            foreign = _foreign(entry, sources, recorded.get(entry.model.name))
            unchecked = tuple(file.path for file in sources if file.sha256 is None)
            findings.append(Finding(entry, (*damaged, *foreign), unchecked))
    return findings


def _sources(entry: Installed) -> tuple[LockedFile, ...]:
    """The files that a pulled model was made from."""
    path = manifest.manifest_path(entry.path)
    return manifest.read(path).sources if path.is_file() else ()


def _foreign(entry: Installed, sources: Sequence[LockedFile], recorded: Recorded | None) -> list[str]:
    """What the model was made from that is not what models.lock, or the user's own, has for its commit."""
    known = {file.path: file.sha256 for file in entry.model.files}
    if recorded is not None:
        parts = (file for file in recorded.files if local_lock.is_part(file.path))
        if recorded.revision in (None, entry.revision):
            known |= {file.path: file.sha256 for file in parts}
    return [
        f"{entry.name} was made from another {file.path}: its sha256 is {file.sha256}, the hub's {known[file.path]}"
        for file in sources
        if file.sha256 and known.get(file.path) not in (None, file.sha256)
    ]


def _show(here: Invocation, findings: Sequence[Finding]) -> None:
    for finding in findings:
        here.terminal.line(f"{finding.entry.name}  {_verdict(finding)}")
        for problem in finding.problems:
            here.terminal.error(problem, finding.entry.cure)


def _verdict(finding: Finding) -> str:
    if finding.problems:
        return "damaged"
    if all(part.sha256 is None for part in finding.entry.parts):
        return "readable; no hash is recorded"
    if finding.unchecked:
        return f"ok, but made from files that nobody knew the hash of: {', '.join(finding.unchecked)}"
    return "ok"


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
    pins, recorded = Pins.within(here.paths.state), local_lock.read(here.paths.state)
    rows = [_lock_record(model, pins, recorded.get(model.name)) for model in lock.models]
    if as_json:
        here.terminal.json({"schema": "qmath.lock/1", "models": rows})
        return ExitCode.OK
    head = ("NAME", "COMMIT", "FILES", "HASHES", "LICENCE")
    cells = [
        (str(r["name"]), _commit(r), str(r["files"] or "unknown"), _hashes(r), str(r["licence"] or "unknown"))
        for r in rows
    ]
    for line in columns([head, *cells]):
        here.terminal.line(line)
    here.terminal.note(
        "unknown hashes are taken from the hub at the first pull here, and later pulls are held to them:"
    )
    here.terminal.note(f"{local_lock.path_within(here.paths.state)}")
    here.terminal.note("`qmath pull NAME --toml` prints a whole entry to fill in")
    return ExitCode.OK


def _lock_record(model: LockedModel, pins: Pins, recorded: Recorded | None) -> dict[str, object]:
    files = [a.file for a in model.artifacts] + [a.head for a in model.artifacts if a.head] + list(model.files)
    return {
        "name": model.name,
        "repo": model.repo or None,
        "commit": model.revision,
        "pinned_here": pins.get(model.repo) if model.repo and model.revision is None else None,
        "files": len(files),
        "hashes": sum(file.sha256 is not None for file in files),
        "recorded_here": {file.path: file.sha256 for file in recorded.files} if recorded else {},
        "recorded_from": str(recorded.hub) if recorded else None,
        "licence": model.licence or None,
    }


def _hashes(row: dict[str, object]) -> str:
    here = row["recorded_here"]
    return f"{row['hashes']}, {len(here)} recorded here" if isinstance(here, dict) and here else str(row["hashes"])


def _commit(row: dict[str, object]) -> str:
    if row["repo"] is None:
        return "in the package"
    if row["commit"]:
        return str(row["commit"])
    return f"{row['pinned_here']} (pinned here)" if row["pinned_here"] else "unknown"
