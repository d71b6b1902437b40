"""What lies beside every GGUF in the store: which model it is, which bytes it has, and where it came from.

One JSON file per GGUF, `<file>.json`, written last and whole: while it is absent, the model is not installed. It holds
the sizes and hashes of the results and of every source file, so that the same conversion can be repeated and checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qmath_cli.errors import IntegrityError
from qmath_cli.files import write_json
from qmath_cli.models.lockfile import LockedFile

SCHEMA = "qmath.model/1"


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file of an installed model: its name in the store, bytes, and hash."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """An installed model. `head` is a reward model's second file; `sources` are the files it was converted from."""

    name: str
    quantization: str
    body: RecordedFile
    head: RecordedFile | None = None
    repo: str = ""
    revision: str = ""
    licence: str = ""
    sources: tuple[LockedFile, ...] = ()

    @property
    def parts(self) -> tuple[RecordedFile, ...]:
        """Every file of the model."""
        return (self.body,) if self.head is None else (self.body, self.head)


def manifest_path(gguf: Path) -> Path:
    """Where the manifest of `gguf` lies."""
    return gguf.with_name(gguf.name + ".json")


def write(folder: Path, manifest: Manifest) -> Path:
    """Put the manifest beside its GGUF; from this moment the model is installed."""
    path = manifest_path(folder / manifest.body.file)
    write_json(path, {"schema": SCHEMA, **asdict(manifest)})
    return path


def read(path: Path) -> Manifest:
    """Read a manifest. Raises `IntegrityError` where it is not one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return _manifest(record)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise IntegrityError(f"{path} is not a model's record: {exc}", "remove it and pull the model again") from exc


def _manifest(record: Mapping[str, Any]) -> Manifest:
    if record["schema"] != SCHEMA:
        raise ValueError(f"schema {record['schema']!r}")
    head = record["head"]
    return Manifest(
        name=record["name"],
        quantization=record["quantization"],
        body=_part(record["body"]),
        head=_part(head) if head else None,
        repo=record["repo"],
        revision=record["revision"],
        licence=record["licence"],
        sources=tuple(LockedFile(**source) for source in record["sources"]),
    )


def _part(record: Mapping[str, Any]) -> RecordedFile:
    part = RecordedFile(**record)
    if Path(part.file).name != part.file:
        raise ValueError(f"{part.file!r} is not a plain file name")
    return part
