"""The records of a pulled model: its manifests, which make it installed, and its hashes in the user's lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qmath_cli.models import local_lock, manifest, store
from qmath_cli.models.hashes import Memo
from qmath_cli.models.lockfile import LockedFile, LockedModel
from qmath_cli.paths import Paths

if TYPE_CHECKING:
    from qmath_cli.runtime.checkpoint import RemoteSource
    from qmath_convert.pipeline import Plan, Written


def install(paths: Paths, model: LockedModel, source: RemoteSource, planned: Plan, written: Sequence[Written]) -> None:
    """Record what was converted, and the verified hashes of what it was converted from.

    Args:
        paths: where the records are.
        model: the model in the lock.
        source: its checkpoint, all of whose shards are verified.
        planned: the plan of the conversion.
        written: the files that it gave.

    Raises:
        DoesNotFit, OSError: a record cannot be written.
    """
    sources = _sources(source, planned)
    recorded = local_lock.Recorded(source.hub.name, source.origin.commit, sources)
    local_lock.record(paths.state, model.name, recorded)
    by_path = {file.path: manifest.RecordedFile(file.path.name, file.size, file.sha256) for file in written}
    for file in written:
        Memo.within(paths.state).put(file.path, file.sha256)
    for file in written:
        if file.quant is not None:
            record = manifest.Manifest(
                name=model.name,
                quantization=str(file.quant),
                body=by_path[file.path],
                head=by_path.get(store.head_path(file.path)),
                repo=source.snapshot.repo,
                revision=source.snapshot.commit,
                licence=source.origin.licence or "",
                sources=sources,
            )
            manifest.write(paths.models, record)


def _sources(source: RemoteSource, planned: Plan) -> tuple[LockedFile, ...]:
    """The files that the models were made from; without a hash where nobody knows it."""
    hashes = source.hashes()
    names = sorted({*hashes, *planned.checkpoint.shards})
    return tuple(LockedFile(name, source.size(name), hashes.get(name)) for name in names)
