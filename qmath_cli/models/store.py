"""The installed models: those that were pulled, and those that are part of the package.

A pulled model is installed if its manifest exists. The hash in the manifest is compared with the memo if the file is
unchanged (see `hashes`), otherwise the file is read. Only `remove` and the memo write to the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.errors import IntegrityError, ModelMissing, QmathError
from qmath_cli.models import manifest
from qmath_cli.models.hashes import Memo, OnBytes, sha256_file
from qmath_cli.models.lockfile import Artifact, Lock, LockedFile, LockedModel
from qmath_cli.models.memory import memory
from qmath_cli.models.names import ModelName
from qmath_cli.paths import Paths
from qmath_cli.records import ModelKind

DEFAULT_QUANTIZATION = "q4_k_m"
# The order of preference if a name has no quantization; any other comes after these.
_PREFERENCE = (DEFAULT_QUANTIZATION, "q8_0")
_PACKAGE = Path(__file__).resolve().parents[1]


class State(StrEnum):
    """The state of an installed model, as far as it can be determined without reading its files."""

    VERIFIED = "verified"  # unchanged since its hash was compared
    UNVERIFIED = "unverified"  # of the right size, but not hashed since its last change
    CHANGED = "changed"  # its size or hash differs from the manifest
    INCOMPLETE = "incomplete"  # a file is missing


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of an installed model. `size` (bytes) and `sha256` are None if they were not recorded."""

    path: Path
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed model.

    Attributes:
        model: Its entry in the lock.
        quantization: In lower case, such as `q4_k_m`.
        parts: The GGUF, and the head of a reward model.
        revision: The commit it was converted from; empty for an embedded model.
    """

    model: LockedModel
    quantization: str
    parts: tuple[InstalledFile, ...]
    revision: str = ""

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
        return sum(part.path.stat().st_size for part in self.parts if part.path.is_file())


def head_path(gguf: Path) -> Path:
    """The path of a reward model's head: `x.gguf` -> `x.head.gguf`."""
    return gguf.with_suffix(".head.gguf")


def gguf_path(model: LockedModel, quantization: str, paths: Paths) -> Path:
    """The path of a converted model in the store."""
    return paths.models / f"{model.stem}-{quantization}.gguf"


def choose(name: ModelName, paths: Paths, lock: Lock) -> Installed:
    """Look up an installed model.

    Args:
        name: Its name; without a quantization, the preferred one is chosen.
        paths: Where models are stored.
        lock: All models.

    Raises:
        ModelMissing: It is not installed; the hint is the command that installs it.
    """
    model = lock.get(name.base)
    entries = of_model(model, paths)
    for entry in entries:
        if name.quantization in ("", entry.quantization):
            return entry
    wanted = ModelName(model.name, name.quantization)
    others = ", ".join(entry.name for entry in entries)
    if model.embedded:
        raise ModelMissing(
            f"{wanted} is not part of the package", f"installed: {others}" if others else "reinstall qmath"
        )
    also = f" (installed: {others})" if others else ""
    raise ModelMissing(f"{wanted} is not on this machine{also}", f"qmath pull {wanted}")


def best(paths: Paths, lock: Lock) -> Installed:
    """The default model: the largest installed Instruct model that fits into memory, else a base model, else the demo.

    Raises:
        ModelMissing: No model is installed.
    """
    solvers = (model for model in lock.models if model.kind is not ModelKind.REWARD)
    candidates = [entries[0] for model in solvers if (entries := of_model(model, paths))]
    if not candidates:
        raise ModelMissing("no model is installed", "qmath pull 1.5b-instruct")
    machine = memory()
    fitting = [entry for entry in candidates if machine is None or entry.size < machine.total]
    return max(fitting or candidates, key=_preference)


def checked_hash(entry: Installed, paths: Paths) -> str:
    """Check all files of a model against their recorded hashes; only changed files are read.

    Returns:
        The sha256 of the GGUF.

    Raises:
        IntegrityError: A file is missing, damaged, or not the recorded one.
    """
    hashes = [_checked(part, paths) for part in entry.parts]
    return hashes[0]


def installed(paths: Paths, lock: Lock) -> tuple[Installed, ...]:
    """All installed models, in the lock's order."""
    return tuple(entry for model in lock.models for entry in of_model(model, paths))


def of_model(model: LockedModel, paths: Paths) -> tuple[Installed, ...]:
    """The installed quantizations of one model, the preferred one first."""
    found = list(_embedded(model)) if model.embedded else list(_pulled(model, paths))
    order = [artifact.quantization for artifact in model.artifacts] or list(_PREFERENCE)
    found.sort(key=lambda entry: (_rank(entry.quantization, order), entry.quantization))
    return tuple(found)


def state(entry: Installed, paths: Paths) -> State:
    """The state of a model, without reading its files."""
    memo = Memo.within(paths.state)
    result = State.VERIFIED
    for part in entry.parts:
        if not part.path.is_file():
            return State.INCOMPLETE
        known = memo.get(part.path)
        if part.size not in (None, part.path.stat().st_size) or (known and part.sha256 not in (None, known)):
            return State.CHANGED
        if known is None or part.sha256 is None:
            result = State.UNVERIFIED
    return result


def verify(entry: Installed, paths: Paths, on_bytes: OnBytes | None = None) -> tuple[QmathError, ...]:
    """Read all files of a model and compare their hashes.

    Args:
        entry: The model.
        paths: Where the memo of hashes is.
        on_bytes: Called with the number of bytes of each block that was read.

    Returns:
        One error for each file that is missing, damaged, or not the recorded one.
    """
    return tuple(error for part in entry.parts if (error := _verify(part, paths, on_bytes)) is not None)


def remove(entry: Installed) -> int:
    """Delete a pulled model, its manifest first.

    Returns:
        The number of bytes freed.

    Raises:
        ValueError: The model is part of the package.
    """
    if entry.model.embedded:
        raise ValueError(f"{entry.name} is part of the package")
    freed = entry.size
    manifest.manifest_path(entry.path).unlink(missing_ok=True)
    for part in entry.parts:
        part.path.unlink(missing_ok=True)
    return freed


def _verify(part: InstalledFile, paths: Paths, on_bytes: OnBytes | None) -> QmathError | None:
    try:
        gguf_file.read(part.path)
        found = sha256_file(part.path, on_bytes)
    except QmathError as error:
        return error
    except OSError as exc:
        return IntegrityError(f"cannot read {part.path}: {exc}", "pull the model again")
    if part.sha256 not in (None, found):
        return _mismatch(part, found)
    Memo.within(paths.state).put(part.path, found)
    return None


def _checked(part: InstalledFile, paths: Paths) -> str:
    if not part.path.is_file():
        raise IntegrityError(f"{part.path} is missing", "pull the model again")
    memo = Memo.within(paths.state)
    known = memo.get(part.path)
    if known is None:
        gguf_file.read(part.path)
        known = sha256_file(part.path)
        memo.put(part.path, known)
    if part.sha256 not in (None, known):
        raise _mismatch(part, known)
    return known


def _mismatch(part: InstalledFile, found: str) -> IntegrityError:
    return IntegrityError(
        f"{part.path} has changed: its sha256 is {found}, expected {part.sha256}",
        "pull the model again, or give the path of the file to use it as it is",
    )


def _preference(entry: Installed) -> tuple[bool, bool, int]:
    """Pulled before embedded, Instruct before base, large before small."""
    model = entry.model
    return (not model.embedded, model.kind is ModelKind.INSTRUCT, model.parameters or 0)


def _rank(quantization: str, order: list[str]) -> int:
    return order.index(quantization) if quantization in order else len(order)


def _embedded(model: LockedModel) -> Iterator[Installed]:
    for artifact in model.artifacts:
        parts = tuple(_package_part(file) for file in _files(artifact))
        if parts[0].path.is_file():
            yield Installed(model, artifact.quantization, parts)


def _files(artifact: Artifact) -> tuple[LockedFile, ...]:
    return (artifact.file,) if artifact.head is None else (artifact.file, artifact.head)


def _package_part(file: LockedFile) -> InstalledFile:
    return InstalledFile(_PACKAGE / file.path, file.size, file.sha256)


def _pulled(model: LockedModel, paths: Paths) -> Iterator[Installed]:
    for path in sorted(paths.models.glob(f"{model.stem}-*.gguf.json")):
        record = manifest.read(path)
        if record.name == model.name:
            parts = tuple(InstalledFile(paths.models / part.file, part.size, part.sha256) for part in record.parts)
            yield Installed(model, record.quantization, parts, record.revision)
