"""Reads `models.lock`, the list of all models and data sets that can be pulled.

TOML, schema version 1; the program never writes it. A model has its repository, the requested revision and the commit
that it resolved to, its licence, its files with size and sha256, and the GGUFs that this project converted and hashed.
Facts that are not known are absent: None or an empty tuple. A model without a commit is pinned at its first pull, in
the user's state folder (`hub.pins`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from qmath_cli.errors import IntegrityError, ModelMissing
from qmath_cli.models.suggestions import for_model
from qmath_cli.records import ModelFamily, ModelKind

SCHEMA = 1
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DataHost(StrEnum):
    """Where a data set is."""

    HUGGINGFACE = "huggingface"
    GITHUB = "github"


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file of a repository, or an artifact. Size (bytes) and hashes are None if they are not known.

    `git_sha1` is the name of the file's content in git, as in `git ls-tree`.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A GGUF, and the head of a reward model. The path of an embedded file is relative to the package."""

    quantization: str
    file: LockedFile
    head: LockedFile | None = None


@dataclass(frozen=True, slots=True)
class LockedModel:
    """One model.

    Attributes:
        name: Its short name, such as `7b-instruct`.
        kind: What it was trained to do.
        family: Which prompts it was trained on.
        licence: Empty if it is not known.
        parameters: The number of weights, including those of a reward head.
        repo: The repository on the hub; empty for an embedded model.
        asked: The requested revision.
        revision: The commit that `asked` resolved to; None if it is not known.
        files: The files of the repository.
        artifacts: GGUFs that this project has converted and hashed: the files of an embedded model.
        own: Whether it is a model of the user's own, which is in no lock.
    """

    name: str
    kind: ModelKind
    family: ModelFamily
    licence: str = ""
    parameters: int | None = None
    repo: str = ""
    asked: str = "main"
    revision: str | None = None
    files: tuple[LockedFile, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    own: bool = False

    @property
    def embedded(self) -> bool:
        """Whether it is part of the package."""
        return not self.repo and not self.own

    @property
    def restriction(self) -> str:
        """What its licence forbids, one sentence; empty where anybody may use it."""
        if "-nc" not in self.licence.lower():
            return ""
        return f"the licence of {self.name} is {self.licence.upper()}: it is not for commercial use"

    @property
    def stem(self) -> str:
        """The beginning of its files' names in the store, such as `qwen2.5-math-7b-instruct`."""
        return self.repo.rpartition("/")[2].lower() if self.repo else self.name


@dataclass(frozen=True, slots=True)
class LockedData:
    """A data set. `asked` and `revision` are as in `LockedModel`; on GitHub the revision is always known."""

    name: str
    repo: str
    asked: str = "main"
    revision: str | None = None
    files: tuple[LockedFile, ...] = ()
    host: DataHost = DataHost.HUGGINGFACE


@dataclass(frozen=True, slots=True)
class Lock:
    """All models and data sets, in the file's order."""

    models: tuple[LockedModel, ...]
    datasets: tuple[LockedData, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Every model's name."""
        return tuple(model.name for model in self.models)

    def get(self, name: str) -> LockedModel:
        """Look up a model.

        Args:
            name: Its short name, its repository, or the repository's last part; in any case.

        Raises:
            ModelMissing: There is no such model; the hint has similar names.
        """
        wanted = name.lower()
        for model in self.models:
            if wanted in {model.name, model.stem, model.repo.lower()}:
                return model
        raise ModelMissing(
            f"there is no model {name!r}", for_model(name, {model.stem: model.name for model in self.models})
        )


def lock_path() -> Path:
    """The path of the lock: inside the package if it is installed, otherwise at the root of the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models.lock"
    return inside if inside.is_file() else package.parent / "models.lock"


def load(path: Path | None = None) -> Lock:
    """Read a lock.

    Args:
        path: The file; None for the program's own.

    Raises:
        IntegrityError: The file cannot be read, or breaks the schema.
    """
    path = path or lock_path()
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise IntegrityError(f"cannot read {path}: {exc}", "reinstall qmath") from exc
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise IntegrityError(f"{path} is not a lock of schema version {SCHEMA}: {exc}", "reinstall qmath") from exc


def parse(table: Mapping[str, Any]) -> Lock:
    """Build a lock from parsed TOML.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It breaks the schema.
    """
    if table["version"] != SCHEMA:
        raise ValueError(f"version {table['version']!r}, expected {SCHEMA}")
    models = tuple(_model(entry) for entry in table.get("model", ()))
    names = [model.name for model in models]
    if len(set(names)) != len(names):
        raise ValueError("a model's name appears twice")
    return Lock(models, tuple(_data(entry) for entry in table.get("dataset", ())))


def _model(entry: Mapping[str, Any]) -> LockedModel:
    source = entry.get("source", {})
    return LockedModel(
        name=entry["name"],
        kind=ModelKind(entry["kind"]),
        family=ModelFamily(entry["family"]),
        licence=entry.get("licence", ""),
        parameters=entry.get("parameters"),
        repo=source.get("repo", ""),
        asked=source.get("asked", "main"),
        revision=_hex(source.get("revision"), _COMMIT),
        files=tuple(file_entry(item) for item in entry.get("files", ())),
        artifacts=tuple(_artifact(item) for item in entry.get("artifact", ())),
    )


def _data(entry: Mapping[str, Any]) -> LockedData:
    source = entry["source"]
    host = DataHost(source.get("host", DataHost.HUGGINGFACE))
    if host is DataHost.GITHUB and "revision" not in source:
        raise ValueError(f"{entry['name']}: a file on GitHub needs its commit")
    return LockedData(
        host=host,
        name=entry["name"],
        repo=source["repo"],
        asked=source.get("asked", "main"),
        revision=_hex(source.get("revision"), _COMMIT),
        files=tuple(file_entry(item) for item in entry.get("files", ())),
    )


def _artifact(entry: Mapping[str, Any]) -> Artifact:
    head = entry.get("head")
    return Artifact(entry["quantization"], file_entry(entry), file_entry(head) if head else None)


def file_entry(entry: Mapping[str, Any]) -> LockedFile:
    """A file of a lock. Raises `KeyError`, `TypeError` or `ValueError` if it breaks the schema."""
    size = entry.get("size")
    if size is not None and (not isinstance(size, int) or size < 0):
        raise ValueError(f"{entry['path']}: {size!r} is not a size")
    return LockedFile(entry["path"], size, _hex(entry.get("sha256"), _SHA256), _hex(entry.get("git_sha1"), _COMMIT))


def _hex(value: str | None, pattern: re.Pattern[str]) -> str | None:
    if value is not None and not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not a hash of the right length")
    return value
