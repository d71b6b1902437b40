"""Entries of `models.lock` as TOML, with sizes and hashes from the hub or from files on this disk.

A person checks and pastes them; the program never writes the lock. Strings are written as JSON strings: they hold names
and hashes only, and for those JSON is a subset of TOML's basic strings.
"""

from __future__ import annotations

import json
from pathlib import Path

from qmath_cli.models.hashes import sha256_file
from qmath_cli.models.hub.remote import Snapshot
from qmath_cli.models.lockfile import Artifact, LockedFile, LockedModel


def toml_of_snapshot(model: LockedModel, snapshot: Snapshot) -> str:
    """A model's whole entry, with the files of a snapshot, their sizes, and the hashes that the hub has."""
    files = [
        LockedFile(file.name, file.size, file.sha256)
        for file in sorted(snapshot.files.values(), key=lambda file: file.name)
        if not file.name.startswith(".")
    ]
    listed = "".join(f"    {inline(file)},\n" for file in files)
    source = f"{{ repo = {_text(model.repo)}, asked = {_text(model.asked)}, revision = {_text(snapshot.commit)} }}"
    lines = [
        "[[model]]",
        f"name = {_text(model.name)}",
        f"kind = {_text(model.kind)}",
        f"family = {_text(model.family)}",
        *([f"licence = {_text(licence)}"] if (licence := model.licence or snapshot.licence) else []),
        *([f"parameters = {model.parameters}"] if model.parameters is not None else []),
        f"source = {source}",
    ]
    return "\n".join(lines) + f"\nfiles = [\n{listed}]\n"


def toml_of_artifact(artifact: Artifact, body: Path, head: Path | None) -> str:
    """An artifact's entry, with the sizes and hashes of its files.

    Args:
        artifact: the entry as the lock has it.
        body: the model's file on this disk.
        head: a reward model's head; None if there is none.
    """
    lines = [
        "[[model.artifact]]",
        f"quantization = {_text(artifact.quantization)}",
        *_lines(_measured(artifact.file.path, body)),
    ]
    if artifact.head is not None and head is not None:
        lines.append(f"head = {inline(_measured(artifact.head.path, head))}")
    return "\n".join(lines) + "\n"


def _measured(name: str, path: Path) -> LockedFile:
    return LockedFile(name, path.stat().st_size, sha256_file(path))


def inline(file: LockedFile) -> str:
    """A file as an inline table."""
    return "{ " + ", ".join(_lines(file)) + " }"


def _lines(file: LockedFile) -> list[str]:
    pairs = {"path": file.path, "size": file.size, "sha256": file.sha256}
    return [f"{key} = {_text(value)}" for key, value in pairs.items() if value is not None]


def _text(value: str | int) -> str:
    return json.dumps(value if isinstance(value, int) else str(value), ensure_ascii=False)
