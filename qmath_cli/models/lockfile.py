"""`models.lock`: which models and data sets exist, and exactly which bytes they are.

TOML, schema version 1, read with tomllib and never written by the program. Of each model: the repository, the revision
that was asked for and the commit it resolved to, the licence, the files with size and sha256 where known, and the GGUF
artifacts that the conversion gives where it was made here. What is unknown is absent (None, or an empty tuple): a hash
is never invented. Models without a commit are pinned at their first pull, in the user's own state (see `pins`).

No network, no dependency. Raises `IntegrityError` for a lock that cannot be read and `ModelMissing` for a name that it
does not have.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from qmath_cli.errors import IntegrityError, ModelMissing

SCHEMA = 1
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ModelKind(StrEnum):
    """What a checkpoint was trained to do."""

    BASE = "base"
    INSTRUCT = "instruct"
    REWARD = "reward"


class ModelFamily(StrEnum):
    """Which generation of prompts a checkpoint understands."""

    QWEN2 = "qwen2-math"
    QWEN2_5 = "qwen2.5-math"


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file of a repository or an artifact; `size` in bytes, both facts None where nobody has seen them."""

    path: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """A GGUF that a conversion gives; `file.path` is relative to the package where it is embedded there."""

    quantization: str
    file: LockedFile
    head: LockedFile | None = None


@dataclass(frozen=True, slots=True)
class LockedModel:
    """One model. `revision` is a commit; `parameters` counts weights, those of a reward head included."""

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

    @property
    def embedded(self) -> bool:
        """Whether it comes with the package instead of from the hub."""
        return not self.repo

    @property
    def stem(self) -> str:
        """The start of its files' names on this disk: `qwen2.5-math-7b-instruct`."""
        return self.repo.rpartition("/")[2].lower() if self.repo else self.name


@dataclass(frozen=True, slots=True)
class LockedData:
    """A benchmark's data set on the hub."""

    name: str
    repo: str
    asked: str = "main"
    revision: str | None = None
    files: tuple[LockedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole lock, in the file's order."""

    models: tuple[LockedModel, ...]
    datasets: tuple[LockedData, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Every model's name."""
        return tuple(model.name for model in self.models)

    def get(self, name: str) -> LockedModel:
        """The model called `name` (its short name or its repository's, in any case).

        Raises `ModelMissing` with the nearest names.
        """
        wanted = name.lower()
        for model in self.models:
            if wanted in {model.name, model.stem, model.repo.lower()}:
                return model
        raise ModelMissing(f"no model is called {name!r}", suggestion(wanted, self.names()))


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """A hint for a mistyped name: the nearest ones, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(names)}"


def lock_path() -> Path:
    """Where the lock lies: inside an installed package, else at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models.lock"
    return inside if inside.is_file() else package.parent / "models.lock"


def load(path: Path | None = None) -> Lock:
    """Read and check a lock file (None: the one this program came with)."""
    path = path or lock_path()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse(table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise IntegrityError(f"cannot read {path}: {exc}", "reinstall qmath") from exc
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise IntegrityError(f"{path} is not a lock this version understands: {exc}", "reinstall qmath") from exc


def parse(table: Mapping[str, Any]) -> Lock:
    """Build a lock from parsed TOML. Raises KeyError, TypeError or ValueError where it breaks the schema."""
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
        files=tuple(_file(item) for item in entry.get("files", ())),
        artifacts=tuple(_artifact(item) for item in entry.get("artifact", ())),
    )


def _data(entry: Mapping[str, Any]) -> LockedData:
    source = entry["source"]
    return LockedData(
        name=entry["name"],
        repo=source["repo"],
        asked=source.get("asked", "main"),
        revision=_hex(source.get("revision"), _COMMIT),
        files=tuple(_file(item) for item in entry.get("files", ())),
    )


def _artifact(entry: Mapping[str, Any]) -> Artifact:
    head = entry.get("head")
    return Artifact(entry["quantization"], _file(entry), _file(head) if head else None)


def _file(entry: Mapping[str, Any]) -> LockedFile:
    size = entry.get("size")
    if size is not None and (not isinstance(size, int) or size < 0):
        raise ValueError(f"{entry['path']}: size {size!r}")
    return LockedFile(entry["path"], size, _hex(entry.get("sha256"), _SHA256))


def _hex(value: str | None, pattern: re.Pattern[str]) -> str | None:
    if value is not None and not pattern.fullmatch(value):
        raise ValueError(f"{value!r} is not a hash of the right length")
    return value
