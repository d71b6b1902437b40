"""What is on this disk: from the name a user says to the GGUF that is meant.

A name is `7b-instruct`, `7b-instruct:q8_0`, a repository's name, or the path of a `.gguf`; nothing means the best model
installed, else the embedded demo. `locate` promises that the file is there, is a whole GGUF, and has the hash that its
record names (from the memo while the file is unchanged, see `hashes`). Reads only, apart from that memo and `remove`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.errors import IntegrityError, ModelMissing, QmathError
from qmath_cli.models import manifest
from qmath_cli.models.hashes import Memo, Seen, sha256_file
from qmath_cli.models.lockfile import Artifact, Lock, LockedFile, LockedModel, ModelKind, load
from qmath_cli.models.memory import memory
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFile

DEFAULT_QUANTIZATION = "q4_k_m"
# Preferred first where a name leaves the quantization open; any other comes after these.
_PREFERENCE = (DEFAULT_QUANTIZATION, "q8_0")
_PACKAGE = Path(__file__).resolve().parents[1]


class State(StrEnum):
    """What is known of an installed model without reading it whole."""

    VERIFIED = "verified"  # unchanged since its hash was found right
    UNVERIFIED = "unverified"  # there, of the right size, but not hashed as it is now
    CHANGED = "changed"  # its size or hash is not the recorded one
    INCOMPLETE = "incomplete"  # a file of it is gone


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """A file of an installed model; size and hash None where the lock does not know them."""

    path: Path
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Installed:
    """A model on this disk: the GGUF first in `parts`, then the head of a reward model."""

    model: LockedModel
    quantization: str
    parts: tuple[InstalledFile, ...]
    revision: str = ""

    @property
    def name(self) -> str:
        """What a user says to get exactly this one."""
        return f"{self.model.name}:{self.quantization}"

    @property
    def path(self) -> Path:
        """The GGUF."""
        return self.parts[0].path

    @property
    def size(self) -> int:
        """Bytes on disk, of the files that are there."""
        return sum(part.path.stat().st_size for part in self.parts if part.path.is_file())


def head_path(gguf: Path) -> Path:
    """Where the head of a reward model lies: beside its body, `x.gguf` -> `x.head.gguf`."""
    return gguf.with_suffix(".head.gguf")


def gguf_path(model: LockedModel, quantization: str, paths: Paths) -> Path:
    """Where the store keeps a converted model."""
    return paths.models / f"{model.stem}-{quantization}.gguf"


def split(name: str) -> tuple[str, str]:
    """`7b:Q8_0` -> (`7b`, `q8_0`); without a quantization the second is empty."""
    base, _, quantization = name.partition(":")
    return base.lower(), quantization.lower()


def locate(name: str, paths: Paths, lock: Lock | None = None) -> ModelFile:
    """The model file a user means.

    Raises `ModelMissing` with the pull that would get it, `IntegrityError` for a file that is not what it should be.
    """
    lock = lock or load()
    if not name:
        return _open(_best(paths, lock), paths)
    if name.lower().endswith(".gguf") or Path(name).is_file():
        return _bare(Path(name).expanduser(), paths)
    base, quantization = split(name)
    return _open(_choose(lock.get(base), quantization, paths), paths)


def installed(paths: Paths, lock: Lock | None = None) -> tuple[Installed, ...]:
    """Every model on this disk, in the lock's order: those that were pulled, then those in the package."""
    lock = lock or load()
    return tuple(entry for model in lock.models for entry in of_model(model, paths))


def of_model(model: LockedModel, paths: Paths) -> tuple[Installed, ...]:
    """The quantizations of one model on this disk, the preferred first."""
    found = list(_embedded(model)) if model.embedded else list(_pulled(model, paths))
    order = [artifact.quantization for artifact in model.artifacts] or list(_PREFERENCE)
    found.sort(key=lambda entry: (_rank(entry.quantization, order), entry.quantization))
    return tuple(found)


def state(entry: Installed, paths: Paths) -> State:
    """What can be said about a model without reading it."""
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


def verify(entry: Installed, paths: Paths, seen: Seen | None = None) -> tuple[QmathError, ...]:
    """Read every byte of a model; return what is wrong with it, file by file. Empty: as recorded."""
    return tuple(error for part in entry.parts if (error := _examine(part, paths, seen)) is not None)


def remove(entry: Installed) -> int:
    """Delete a pulled model, its record first; return the bytes freed. The package's own models stay."""
    if entry.model.embedded:
        raise IntegrityError(f"{entry.name} is part of the package", "it is removed with qmath itself")
    freed = entry.size
    manifest.manifest_path(entry.path).unlink(missing_ok=True)
    for part in entry.parts:
        part.path.unlink(missing_ok=True)
    return freed


def _examine(part: InstalledFile, paths: Paths, seen: Seen | None) -> QmathError | None:
    try:
        gguf_file.read(part.path)
        found = sha256_file(part.path, seen)
    except QmathError as error:
        return error
    except OSError as exc:
        return IntegrityError(f"cannot read {part.path}: {exc}", "pull the model again")
    if part.sha256 not in (None, found):
        return _mismatch(part, found)
    Memo.within(paths.state).put(part.path, found)
    return None


def _open(entry: Installed, paths: Paths) -> ModelFile:
    """Check an installed model as cheaply as its last check allows."""
    hashes = [_checked(part, paths) for part in entry.parts]
    return ModelFile(entry.name, entry.path, entry.quantization, hashes[0])


def _checked(part: InstalledFile, paths: Paths) -> str:
    if not part.path.is_file():
        raise IntegrityError(f"{part.path} is gone", "pull the model again")
    memo = Memo.within(paths.state)
    known = memo.get(part.path)
    if known is None:
        gguf_file.read(part.path)
        known = memo.hash(part.path)
    if part.sha256 not in (None, known):
        raise _mismatch(part, known)
    return known


def _mismatch(part: InstalledFile, found: str) -> IntegrityError:
    return IntegrityError(
        f"{part.path} is not the file that was recorded: sha256 {found}, expected {part.sha256}",
        "pull the model again, or name the file by its path to use it as it is",
    )


def _bare(path: Path, paths: Paths) -> ModelFile:
    """A GGUF that the user named by its path: nothing is recorded of it, so only its shape is checked."""
    if not path.is_file():
        raise ModelMissing(f"there is no file {path}", "give the path of a .gguf, or a name that `qmath list` shows")
    header = gguf_file.read(path)
    return ModelFile(str(path), path.absolute(), header.quantization, Memo.within(paths.state).get(path) or "")


def _choose(model: LockedModel, quantization: str, paths: Paths) -> Installed:
    here = of_model(model, paths)
    for entry in here:
        if quantization in ("", entry.quantization):
            return entry
    wanted = f"{model.name}:{quantization}" if quantization else model.name
    others = ", ".join(entry.name for entry in here)
    if model.embedded:
        raise ModelMissing(f"{wanted} is not in this package", f"it has {others}" if others else "reinstall qmath")
    also = f" (installed: {others})" if others else ""
    raise ModelMissing(f"{wanted} is not on this machine{also}", f"qmath pull {wanted}")


def _best(paths: Paths, lock: Lock) -> Installed:
    """Nothing was asked for: the largest Instruct model that fits this machine, else a base model, else the demo."""
    solvers = (model for model in lock.models if model.kind is not ModelKind.REWARD)
    candidates = [here[0] for model in solvers if (here := of_model(model, paths))]
    if not candidates:
        raise ModelMissing("no model is installed", "qmath pull 1.5b-instruct")
    machine = memory()
    fitting = [entry for entry in candidates if machine is None or entry.size < machine.total]
    return max(fitting or candidates, key=_merit)


def _merit(entry: Installed) -> tuple[bool, bool, int]:
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
