"""The manifest of an installed model: its name, its files with size and sha256, and the source of its conversion.

There is one JSON file per GGUF in the store, `<file>.json`. It is written atomically after everything else: without it,
the model is not installed. It has the sizes and hashes of all source files, so that a conversion can be repeated.
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
from qmath_cli.models.quality import Quality, quality_of

SCHEMA = "qmath.model/1"


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file of an installed model: its name in the store, size in bytes, and hash."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """An installed model.

    Attributes:
        name: Its name in models.lock.
        quantization: In lower case, such as `q4_k_m`.
        body: The GGUF.
        head: The second file of a reward model.
        repo: The repository of the checkpoint.
        revision: The commit of the checkpoint.
        licence: As in models.lock.
        sources: The files of the checkpoint.
        quality: What the quantization cost; None where it was not measured.
    """

    name: str
    quantization: str
    body: RecordedFile
    head: RecordedFile | None = None
    repo: str = ""
    revision: str = ""
    licence: str = ""
    sources: tuple[LockedFile, ...] = ()
    quality: Quality | None = None

    @property
    def parts(self) -> tuple[RecordedFile, ...]:
        """Every file of the model."""
        return (self.body,) if self.head is None else (self.body, self.head)


def manifest_path(gguf: Path) -> Path:
    """The path of a GGUF's manifest."""
    return gguf.with_name(gguf.name + ".json")


def write(folder: Path, manifest: Manifest) -> Path:
    """Write a manifest, after which the model is installed.

    Args:
        folder: The folder of the GGUF.
        manifest: The manifest.

    Returns:
        The path of the manifest.

    Raises:
        OSError: It cannot be written.
    """
    path = manifest_path(folder / manifest.body.file)
    write_json(path, {"schema": SCHEMA, **asdict(manifest)})
    return path


def read(path: Path) -> Manifest:
    """Read a manifest. Raises `IntegrityError` if the file cannot be read or is not a manifest."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return _manifest(record)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise IntegrityError(f"{path} is not a manifest: {exc}", "delete it and pull the model again") from exc


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
        quality=quality_of(record.get("quality")),  # manifests of earlier versions have none
    )


def _part(record: Mapping[str, Any]) -> RecordedFile:
    part = RecordedFile(**record)
    if Path(part.file).name != part.file:
        raise ValueError(f"{part.file!r} is not a plain file name")
    return part
