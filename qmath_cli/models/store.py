"""The installed models: those that were pulled, those that are part of the package, and the user's own.

A pulled model is installed if its manifest exists, one of the user's own if its record does (see `own`). The recorded
hash is compared with the memo if the file is unchanged (see `hashes`), otherwise the file is read. Only `remove` and
the memo write to the disk.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.errors import IntegrityError, ModelMissing, QmathError
from qmath_cli.files import UNFINISHED
from qmath_cli.models import manifest, own
from qmath_cli.models.hashes import Memo, OnBytes, sha256_file
from qmath_cli.models.installed import Installed, InstalledFile, State
from qmath_cli.models.lockfile import Artifact, Lock, LockedFile, LockedModel
from qmath_cli.models.memory import memory
from qmath_cli.models.names import ModelName
from qmath_cli.models.suggestions import suggestion
from qmath_cli.paths import Paths
from qmath_cli.records import ModelFamily, ModelKind

__all__ = ["Installed", "InstalledFile", "State"]  # with what is defined here

DEFAULT_QUANTIZATION = "q4_k_m"
# The order of preference if a name has no quantization; any other comes after these.
_PREFERENCE = (DEFAULT_QUANTIZATION, "q8_0")
_PACKAGE = Path(__file__).resolve().parents[1]


def head_path(gguf: Path) -> Path:
    """The path of a reward model's head: `x.gguf` -> `x.head.gguf`."""
    return gguf.with_suffix(".head.gguf")


def gguf_path(model: LockedModel, quantization: str, paths: Paths) -> Path:
    """The path of a converted model in the store."""
    return paths.models / f"{model.stem}-{quantization}.gguf"


def unfinished(model: LockedModel, paths: Paths) -> tuple[Path, ...]:
    """What interrupted conversions of a model left in the store."""
    ours = re.compile(re.escape(model.stem) + r"-[^-]+\.gguf" + re.escape(UNFINISHED) + ".*")
    return tuple(path for path in sorted(paths.models.glob(f"*{UNFINISHED}*")) if ours.fullmatch(path.name))


def find(name: str, paths: Paths, lock: Lock) -> LockedModel:
    """The model of a name without a quantization: one of the user's own, else the lock's.

    Raises:
        ModelMissing: There is no such model; the hint has similar names.
    """
    mine = [entry.model for entry in own.installed(paths, strict=False)]
    for model in mine:
        if model.name == name.lower():
            return model
    try:
        return lock.get(name)
    except ModelMissing as exc:
        own_names = dict.fromkeys(model.name for model in mine)
        if not difflib.get_close_matches(name.lower(), own_names, n=1):
            raise
        raise ModelMissing(exc.message, suggestion(name.lower(), [*own_names, *lock.names()])) from exc


def names(paths: Paths, lock: Lock) -> tuple[str, ...]:
    """The names of all models, without quantizations: the lock's, then the user's own."""
    mine = (entry.model.name for entry in own.installed(paths, strict=False))
    return (*lock.names(), *dict.fromkeys(mine))


def choose(name: ModelName, paths: Paths, lock: Lock) -> Installed:
    """Look up an installed model.

    Args:
        name: Its name; without a quantization, the preferred one is chosen.
        paths: Where models are stored.
        lock: All models.

    Raises:
        ModelMissing: It is not installed; the hint is the command that installs it.
    """
    model = find(name.base, paths, lock)
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
    if model.own:
        raise ModelMissing(f"{wanted} is not on this machine", f"installed: {others}")
    also = f" (installed: {others})" if others else ""
    raise ModelMissing(f"{wanted} is not on this machine{also}", f"qmath pull {wanted}")


def best(paths: Paths, lock: Lock) -> Installed:
    """The default model: the largest installed Instruct model that fits into memory, else a base model, else the demo.

    A model of one's own comes after the released ones of its kind, and never where it is of another family or gone.

    Raises:
        ModelMissing: No model is installed.
    """
    mine = {entry.model.name: entry.model for entry in own.installed(paths, strict=False) if _by_default(entry)}
    solvers = (model for model in (*lock.models, *mine.values()) if not model.kind.scores)
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
    hashes = [_checked(part, entry, paths) for part in entry.parts]
    return hashes[0]


def installed(paths: Paths, lock: Lock) -> tuple[Installed, ...]:
    """All installed models, in the lock's order; then the user's own."""
    released = tuple(entry for model in lock.models for entry in of_model(model, paths))
    return released + own.installed(paths)


def of_model(model: LockedModel, paths: Paths) -> tuple[Installed, ...]:
    """The installed quantizations of one model, the preferred one first."""
    if model.own:
        found = [entry for entry in own.installed(paths, strict=False) if entry.model.name == model.name]
    else:
        found = list(_embedded(model)) if model.embedded else list(_pulled(model, paths))
    order = [artifact.quantization for artifact in model.artifacts] or list(_PREFERENCE)
    found.sort(key=lambda entry: (_rank(entry.quantization, order), entry.quantization))
    return tuple(found)


def state(entry: Installed, paths: Paths) -> State:
    """The state of a model, without reading its files."""
    memo = Memo.within(paths.state)
    result = State.VERIFIED
    for part in entry.parts:
        if not part.is_there:
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
    return tuple(error for part in entry.parts if (error := _verify(part, entry, paths, on_bytes)) is not None)


def remove(entry: Installed) -> int:
    """Delete a model, its manifest or record first. The files of a linked model stay: they are the user's.

    Returns:
        The number of bytes freed.

    Raises:
        ValueError: The model is part of the package.
    """
    if entry.model.embedded:
        raise ValueError(f"{entry.name} is part of the package")
    freed = 0 if entry.linked else entry.size
    (entry.record or manifest.manifest_path(entry.path)).unlink(missing_ok=True)
    for part in () if entry.linked else entry.parts:
        part.path.unlink(missing_ok=True)
    return freed


def _verify(part: InstalledFile, entry: Installed, paths: Paths, on_bytes: OnBytes | None) -> QmathError | None:
    try:
        if not part.is_there:
            return _gone(part, entry)
        _require_gguf(part, entry)
        found = sha256_file(part.path, on_bytes)
    except QmathError as error:
        return error
    except OSError as exc:
        return IntegrityError(f"cannot read {part.path}: {exc}", _again(entry))
    if part.sha256 not in (None, found):
        return _mismatch(part, entry, found)
    Memo.within(paths.state).put(part.path, found)
    return None


def _checked(part: InstalledFile, entry: Installed, paths: Paths) -> str:
    if not part.is_there:
        raise _gone(part, entry)
    memo = Memo.within(paths.state)
    known = memo.get(part.path)
    if known is None:
        _require_gguf(part, entry)
        known = sha256_file(part.path)
        memo.put(part.path, known)
    if part.sha256 not in (None, known):
        raise _mismatch(part, entry, known)
    return known


def _require_gguf(part: InstalledFile, entry: Installed) -> None:
    """Raise unless a file's header can be read. Further parts of a split GGUF are hashed only."""
    if part.path in (entry.path, head_path(entry.path)):
        gguf_file.read(part.path)


def _gone(part: InstalledFile, entry: Installed) -> IntegrityError:
    moved = "if it was moved: " if entry.linked else ""
    return IntegrityError(f"{part.path} is missing", moved + _again(entry))


def _mismatch(part: InstalledFile, entry: Installed, found: str) -> IntegrityError:
    return IntegrityError(
        f"{part.path} has changed: its sha256 is {found}, expected {part.sha256}",
        f"{_again(entry)}, or give the path of the file to use it as it is",
    )


def _again(entry: Installed) -> str:
    return entry.cure if entry.model.own else "pull the model again"


def _preference(entry: Installed) -> tuple[bool, bool, int]:
    """Pulled or own before embedded, Instruct before base, large before small."""
    model = entry.model
    return (not model.embedded, model.kind is ModelKind.INSTRUCT, model.parameters or 0)


def _by_default(entry: Installed) -> bool:
    return entry.model.family is not ModelFamily.OTHER and not entry.missing


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
            yield Installed(model, record.quantization, parts, record.revision, quality=record.quality)
