"""Models of one's own, recorded under a name: a GGUF that is already here, or one that was just converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli import gguf_file
from qmath_cli.errors import UsageError
from qmath_cli.models import own, store
from qmath_cli.models.describe import describe
from qmath_cli.models.hashes import Memo, sha256_file
from qmath_cli.models.installed import Installed, InstalledFile
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.names import ModelName
from qmath_cli.models.own import OwnModel
from qmath_cli.paths import Paths

if TYPE_CHECKING:
    from qmath_convert.pipeline import Written

_UNKNOWN = "gguf"  # the quantization of a file whose header has none
_NOT_MODELS = {"adapter": "a LoRA adapter", "imatrix": "an importance matrix", "mmproj": "a vision projector"}


def add_file(
    name: ModelName, path: Path, paths: Paths, lock: Lock, on_bytes: Callable[[int, int], None], *, force: bool
) -> Installed:
    """Record a GGUF under a name. Nothing is copied: the file stays where it is, and is read once to be hashed.

    Args:
        name: as `own.checked_name` gives it; without a quantization, the header's is taken.
        path: the GGUF; of a split one, any part.
        paths: where the record goes.
        lock: models.lock.
        on_bytes: called with the bytes read so far and in all.
        force: replace a record of the same name.

    Raises:
        UsageError: the name is taken, the quantization is another one, or the file is no model.
        ModelMissing, IntegrityError: there is no such file, or it is damaged.
    """
    parts = own.split_parts(path.expanduser().absolute())
    header = gguf_file.read(parts[0])
    if found := _NOT_MODELS.get(header.text("general.type")):
        raise UsageError(f"{path} is {found}, not a model", "give the GGUF of the model itself")
    info = describe(str(parts[0]), paths, lock)
    if name.quantization and info.quantization not in ("", name.quantization):
        raise UsageError(f"{path} is {info.quantization}, not {name.quantization}", f"qmath add {name.base} {path}")
    full = ModelName(name.base, name.quantization or info.quantization or _UNKNOWN)
    require_free(full, paths, force=force)
    head = store.head_path(parts[0])
    files = _hashed([*parts, head] if head.is_file() else list(parts), paths, on_bytes)
    own.write(OwnModel(full, info.kind, info.family, files), paths)
    return store.choose(full, paths, lock)


def add_converted(name: str, source: str, written: Sequence[Written], paths: Paths, lock: Lock) -> list[Installed]:
    """Record what a conversion wrote into the store.

    Args:
        name: the models' name; their quantizations tell them apart.
        source: where the checkpoint came from, for people.
        written: all files of the conversion.
        paths: where the records go.
        lock: models.lock.
    """
    by_path = {file.path: InstalledFile(file.path.absolute(), file.size, file.sha256) for file in written}
    entries = []
    for file in written:
        Memo.within(paths.state).put(file.path, file.sha256)
    for file in written:
        if file.quant is None:
            continue
        info = describe(str(file.path), paths, lock)
        head = by_path.get(store.head_path(file.path))
        full = ModelName(name, str(file.quant))
        files = (by_path[file.path],) if head is None else (by_path[file.path], head)
        own.write(OwnModel(full, info.kind, info.family, files, source, linked=False), paths)
        entries.append(store.choose(full, paths, lock))
    return entries


def require_free(name: ModelName, paths: Paths, *, force: bool) -> None:
    """Raise `UsageError` if the name has a model already, unless it may be replaced."""
    if not force and own.record_path(name, paths).exists():
        raise UsageError(f"{name} is already the name of a model", "choose another name, or --force to replace it")


def _hashed(files: Sequence[Path], paths: Paths, on_bytes: Callable[[int, int], None]) -> tuple[InstalledFile, ...]:
    total = sum(file.stat().st_size for file in files)
    read = 0

    def count(more: int) -> None:
        nonlocal read
        read += more
        on_bytes(read, total)

    hashed = []
    for file in files:
        sha256 = sha256_file(file, count)
        Memo.within(paths.state).put(file, sha256)
        hashed.append(InstalledFile(file, file.stat().st_size, sha256))
    return tuple(hashed)
