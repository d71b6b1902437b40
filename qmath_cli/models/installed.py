"""What an installed model is, wherever its files came from: pulled, part of the package, or a user's own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_cli.models.lockfile import LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.models.quality import Quality


class State(StrEnum):
    """The state of an installed model, as far as it can be determined without reading its files."""

    VERIFIED = "verified"  # unchanged since its hash was compared
    UNVERIFIED = "unverified"  # of the right size, but not hashed since its last change
    CHANGED = "changed"  # its size or hash differs from what was recorded
    INCOMPLETE = "incomplete"  # a file is missing


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of an installed model. `size` (bytes) and `sha256` are None if they were not recorded."""

    path: Path
    size: int | None
    sha256: str | None

    @property
    def is_there(self) -> bool:
        """Whether the file exists; False too where its folder cannot be entered."""
        return os.path.isfile(self.path)


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed model.

    Attributes:
        model: Its entry in the lock; for a model of one's own, an entry that is not in the lock.
        quantization: In lower case, such as `q4_k_m`.
        parts: The GGUF, the head of a reward model, and the further parts of a split GGUF.
        revision: The commit it was converted from; empty for an embedded model.
        source: Where a model of one's own came from, for people.
        linked: Whether its files are the user's, which `rm` leaves alone.
        record: The file that makes a model of one's own installed; None for any other.
        quality: What its quantization cost, where that was measured.
    """

    model: LockedModel
    quantization: str
    parts: tuple[InstalledFile, ...]
    revision: str = ""
    source: str = ""
    linked: bool = False
    record: Path | None = None
    quality: Quality | None = None

    @property
    def name(self) -> str:
        """The full name, such as `7b-instruct:q4_k_m`."""
        return str(ModelName(self.model.name, self.quantization))

    @property
    def path(self) -> Path:
        """The GGUF."""
        return self.parts[0].path

    @property
    def size(self) -> int:
        """Bytes on disk; a missing file has none."""
        return sum(part.path.stat().st_size for part in self.parts if part.is_there)

    @property
    def missing(self) -> tuple[Path, ...]:
        """The files that are no longer where they were recorded."""
        return tuple(part.path for part in self.parts if not part.is_there)

    @property
    def cure(self) -> str:
        """The command that repairs the model."""
        if self.model.own:
            return f"qmath add {self.name} {'FILE' if self.linked else 'FOLDER'} --force"
        return f"qmath pull --force {self.name}" if self.model.repo else "reinstall qmath"
