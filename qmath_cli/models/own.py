"""Models of one's own: GGUF files that were given a name, and checkpoints that were converted into the store.

One record per name and quantization, a JSON file in the folder `own` of the models folder, written atomically and last.
A file that was given a name stays where it is: path, size and hash are recorded, nothing is copied or moved. A path
inside the models folder is recorded relative to it, so that the folder can be moved to another disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qmath_cli.errors import IntegrityError, ModelMissing, UsageError
from qmath_cli.files import cannot_write, write_json
from qmath_cli.models.installed import Installed, InstalledFile
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFamily, ModelKind

SCHEMA = "qmath.own-model/1"
_NAME = re.compile(r"\w[\w.\-]{0,63}")
_SUFFIXES = (".gguf", ".json", ".safetensors", ".bin")
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OwnModel:
    """What is recorded of a model of one's own.

    Attributes:
        name: Its name and quantization.
        kind: As its header said when it was recorded.
        family: Likewise.
        files: The GGUF first; then the head of a reward model or the further parts of a split GGUF.
        source: What it was converted from, for people; empty for a file.
        linked: Whether the files are the user's, which `rm` leaves alone.
    """

    name: ModelName
    kind: ModelKind
    family: ModelFamily
    files: tuple[InstalledFile, ...]
    source: str = ""
    linked: bool = True


def checked_name(text: str, lock: Lock) -> ModelName:
    """The name that a user gives a model, in lower case.

    Raises:
        UsageError: It is not a name, or models.lock has it.
    """
    name = ModelName.parse(text)
    if not _NAME.fullmatch(name.base) or name.base.endswith(_SUFFIXES):
        raise UsageError(
            f"{text!r} is not a name for a model", "letters, digits, dots, hyphens and underscores: qmath add mine FILE"
        )
    try:
        known = lock.get(name.base)
    except ModelMissing:
        return name
    raise UsageError(f"{name.base} is the name of a released model ({known.repo or known.name})", "choose another name")


def free_name(text: str, lock: Lock) -> ModelName:
    """A valid name that is made from any text, such as the name of a file."""
    base = re.sub(r"[^\w.\-]+", "-", text.lower()).strip("-.")[:50] or "model"
    try:
        return checked_name(base, lock)
    except UsageError:
        return ModelName(f"{base.replace('.gguf', '')}-local")


def write(model: OwnModel, paths: Paths) -> None:
    """Record a model, after which it is installed. Raises `DoesNotFit` if the record cannot be written."""
    path = record_path(model.name, paths)
    files = [
        {"path": _stored(file.path, paths.models), "size": file.size, "sha256": file.sha256} for file in model.files
    ]
    record = {
        "schema": SCHEMA,
        "name": model.name.base,
        "quantization": model.name.quantization,
        "kind": model.kind,
        "family": model.family,
        "source": model.source,
        "linked": model.linked,
        "files": files,
    }
    try:
        write_json(path, record)
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def record_path(name: ModelName, paths: Paths) -> Path:
    """The path of a model's record."""
    return paths.models / "own" / f"{name.base}-{name.quantization}.json"


def installed(paths: Paths, *, strict: bool = True) -> tuple[Installed, ...]:
    """All models of one's own, by name.

    Args:
        paths: Where the records are.
        strict: Whether a record that cannot be read is an error; else it is skipped, so that other models still run.

    Raises:
        IntegrityError: A record cannot be read.
    """
    found = []
    for path in sorted((paths.models / "own").glob("*.json")):
        try:
            found.append(_read(path, paths.models))
        except IntegrityError:
            if strict:
                raise
    return tuple(found)


def split_parts(path: Path) -> tuple[Path, ...]:
    """All files of the GGUF that `path` belongs to, in order; of one that is not split, the file alone.

    Raises:
        ModelMissing: A part is not beside the others.
    """
    found = _PART.fullmatch(path.name)
    if found is None:
        return (path,)
    count = int(found["count"])
    parts = tuple(path.with_name(f"{found['stem']}-{i:05}-of-{found['count']}.gguf") for i in range(1, count + 1))
    if lost := [part.name for part in parts if not part.is_file()]:
        raise ModelMissing(
            f"{path.name} is one of {count} parts, and {lost[0]} is missing", f"put it into {path.parent}"
        )
    return parts


def _stored(path: Path, models: Path) -> str:
    return path.relative_to(models).as_posix() if path.is_relative_to(models) else str(path)


def _read(path: Path, models: Path) -> Installed:
    try:
        return _installed(json.loads(path.read_text(encoding="utf-8")), path, models)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise IntegrityError(
            f"{path} is not the record of a model: {exc}", "delete it and add the model again"
        ) from exc


def _installed(record: Mapping[str, Any], path: Path, models: Path) -> Installed:
    if record["schema"] != SCHEMA:
        raise ValueError(f"schema {record['schema']!r}")
    name, kind, family = str(record["name"]), ModelKind(record["kind"]), ModelFamily(record["family"])
    return Installed(
        model=LockedModel(name, kind, family, own=True),
        quantization=str(record["quantization"]),
        parts=_files(record["files"], models),
        source=str(record["source"]),
        linked=bool(record["linked"]),
        record=path,
    )


def _files(records: Sequence[Mapping[str, Any]], models: Path) -> tuple[InstalledFile, ...]:
    if not records:
        raise ValueError("no file")
    return tuple(InstalledFile(models / item["path"], int(item["size"]), str(item["sha256"])) for item in records)
