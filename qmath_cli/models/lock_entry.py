"""Entries of `models.lock` as text, for a person to look at and paste: what the hub or this disk says, made exact.

The program never writes the lock. TOML's strings here hold names and hashes only, whose characters need no escaping
beyond JSON's, which is a subset of TOML's basic strings.
"""

from __future__ import annotations

import json
from pathlib import Path

from qmath_cli.models.hashes import sha256_file
from qmath_cli.models.hub.client import Snapshot
from qmath_cli.models.lockfile import Artifact, LockedFile, LockedModel


def toml_of_snapshot(model: LockedModel, snapshot: Snapshot) -> str:
    """A model's whole entry with the files of a snapshot, their sizes, and the hashes that the hub knows."""
    files = [
        LockedFile(file.name, file.size, file.sha256)
        for file in sorted(snapshot.files.values(), key=lambda file: file.name)
        if not file.name.startswith(".")
    ]
    listed = "".join(f"    {_inline(file)},\n" for file in files)
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
    """An artifact's entry with the size and hash of the files that are here now."""
    lines = [
        "[[model.artifact]]",
        f"quantization = {_text(artifact.quantization)}",
        *_lines(_measured(artifact.file.path, body)),
    ]
    if artifact.head is not None and head is not None:
        lines.append(f"head = {_inline(_measured(artifact.head.path, head))}")
    return "\n".join(lines) + "\n"


def _measured(name: str, path: Path) -> LockedFile:
    return LockedFile(name, path.stat().st_size, sha256_file(path))


def _inline(file: LockedFile) -> str:
    return "{ " + ", ".join(_lines(file)) + " }"


def _lines(file: LockedFile) -> list[str]:
    pairs = {"path": file.path, "size": file.size, "sha256": file.sha256}
    return [f"{key} = {_text(value)}" for key, value in pairs.items() if value is not None]


def _text(value: str | int) -> str:
    return json.dumps(value if isinstance(value, int) else str(value), ensure_ascii=False)
