"""`qmath list`: the models on this disk, what they take in memory, and whether their files are as recorded.

With `--server` it shows the models of servers instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from qmath_cli import gguf_file
from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.engine.remote.detect import Detected
from qmath_cli.errors import ExitCode, QmathError, ServerUnusable
from qmath_cli.models import fit, lockfile, memory, served, store
from qmath_cli.models.fit import Fit
from qmath_cli.models.lockfile import Lock, LockedModel
from qmath_cli.models.mixture import Mixture, mixture_of
from qmath_cli.models.store import Installed, State
from qmath_cli.records import ModelFamily
from qmath_cli.runtime import need
from qmath_cli.runtime.servers.listing import listed
from qmath_cli.settings import Settings
from qmath_cli.terminal.tables import columns


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model. What its header says is None where its file cannot be read. `bits`: of the file per weight."""

    entry: Installed
    state: State
    fit: Fit | None = None
    bits: float | None = None
    mixture: Mixture | None = None


def command(
    context: typer.Context,
    every: Annotated[bool, typer.Option("-a", "--all", help="Also show the models that `qmath pull` can get.")] = False,
    quality: Annotated[
        bool, typer.Option("--quality", help="Show what the quantization cost, where it was measured.")
    ] = False,
    server: o.Server = None,
    server_kind: o.ServerKindOption = None,
    json: o.Json = False,
) -> int:
    """Show the models on this machine; with --all, also those that can be pulled; with --server, those there."""
    here = invocation(context)
    if server:
        return _on_servers(here, here.settings_of(context), as_json=json)
    lock = lockfile.load()
    rows = _rows(here, lock)
    others = _others(lock, rows) if every else []
    if json:
        here.terminal.json({"schema": "qmath.list/1", "models": [_record(row) for row in rows] + _known(others)})
        return ExitCode.OK
    if quality:
        table = columns([_QUALITY_HEAD, *map(_quality_cells, rows)], right=frozenset({1, 2, 3, 4}))
    else:
        table = columns([_HEAD, *map(_cells, rows)], right=frozenset({1, 2}))
    for line in table:
        here.terminal.line(line)
    for row in rows:
        for path in row.entry.missing:
            here.terminal.note(f"{row.entry.name}: {path} is missing")
    if others:
        here.terminal.line()
        here.terminal.line("to be pulled (sizes at q4_k_m and q8_0):")
        for line in columns([_other_cells(model) for model in others], right=frozenset({1, 2})):
            here.terminal.line("  " + line)
    return ExitCode.OK


def _on_servers(here: Invocation, settings: Settings, *, as_json: bool) -> int:
    """The models of servers. Exit code 9 if one of the servers cannot be asked."""
    lock = lockfile.load()
    found = list(listed(settings))
    if as_json:
        servers = [_served_record(one, lock) for one in found]
        here.terminal.json({"schema": "qmath.list/1", "models": [], "servers": servers})
    for one in () if as_json else found:
        if isinstance(one, ServerUnusable):
            here.terminal.note(one.message + (f" ({one.hint})" if one.hint else ""))
        else:
            _show_server(here, one, lock)
    return ExitCode.OK if all(isinstance(one, Detected) for one in found) else ExitCode.ENGINE


def _show_server(here: Invocation, one: Detected, lock: Lock) -> None:
    at_once = f", {one.width} sequences at once" if one.width else ""
    here.terminal.line(f"{one.address}: {' '.join(filter(None, (one.kind, one.version)))}{at_once}")
    for line in columns([_served_cells(one, model.id, lock) for model in one.models] or [("no model loaded",)]):
        here.terminal.line(f"  {line}")


def _served_cells(one: Detected, name: str, lock: Lock) -> Sequence[str]:
    info = one.info(name)
    model = served.served([info], lock)
    other = ", no Qwen2.5-Math model" if model.family is ModelFamily.OTHER else ""
    return name, f"{model.kind}{other}", f"{info.context} tokens" if info.context else "context not told"


def _served_record(one: Detected | ServerUnusable, lock: Lock) -> dict[str, object]:
    if isinstance(one, ServerUnusable):
        return {"error": one.message}
    infos = [one.info(model.id) for model in one.models]
    models = [
        {"name": info.model, "kind": served.served([info], lock).kind, "context": info.context or None}
        for info in infos
    ]
    return {
        "address": one.address,
        "kind": one.kind,
        "version": one.version or None,
        "width": one.width or None,
        "models": models,
    }


_HEAD = ("NAME", "SIZE", "MEMORY", "FITS NOW", "STATE", "SOURCE")


def _rows(here: Invocation, lock: Lock) -> list[ListedModel]:
    free = memory.memory()
    available = free.available if free else None
    settings = here.settings()
    repacked = need.repacked_types(settings, here.paths, lock)
    return [
        _listed(entry, store.state(entry, here.paths), settings, repacked, available)
        for entry in store.installed(here.paths, lock)
    ]


def _listed(
    entry: Installed, state: State, settings: Settings, repacked: tuple[str, ...], available: int | None
) -> ListedModel:
    try:
        header = gguf_file.read(entry.path)
    except QmathError:  # the state column shows what is wrong
        return ListedModel(entry, state)
    judged = need.judge(header, settings, repacked, available)
    bits = 8 * header.weights / header.elements if header.elements else None
    return ListedModel(entry, state, judged, bits, mixture_of(header))


def _cells(row: ListedModel) -> Sequence[str]:
    return (
        row.entry.name,
        fit.size(row.entry.size),
        fit.size(row.fit.need.total) if row.fit else "-",
        row.fit.verdict if row.fit else "-",
        row.state,
        _source(row.entry),
    )


_QUALITY_HEAD = ("NAME", "SIZE", "BITS", "MEAN KLD", "SAME TOP", "HOW IT IS KNOWN")


def _quality_cells(row: ListedModel) -> Sequence[str]:
    """What was measured when it was pulled, else what was expected when its types were chosen."""
    size, bits = fit.size(row.entry.size), f"{row.bits:.2f}" if row.bits else "-"
    if (found := row.entry.quality) is not None:
        how = f"measured against {found.base}: {found.text}, {found.positions} predictions"
        return row.entry.name, size, bits, f"{found.kld:.4f} ± {found.kld_error:.4f}", f"{found.same_top:.1%}", how
    if row.mixture is not None and row.mixture.expected_kld is not None:
        other = f" ({row.mixture.standard}: {row.mixture.standard_kld:.4f})" if row.mixture.standard_kld else ""
        return row.entry.name, size, bits, f"~{row.mixture.expected_kld:.4f}", "-", f"expected of its mixture{other}"
    return row.entry.name, size, bits, "-", "-", "not measured"


def _source(entry: Installed) -> str:
    if entry.model.own:
        return str(entry.path) if entry.linked else f"converted from {entry.source}"
    return f"{entry.model.repo}@{entry.revision[:8]}" if entry.model.repo else "in the package"


def _record(row: ListedModel) -> dict[str, object]:
    return {
        "name": row.entry.name,
        "path": str(row.entry.path),
        "quantization": row.entry.quantization,
        "size": row.entry.size,
        "sha256": row.entry.parts[0].sha256,
        "memory": {"needed": row.fit.need.total, "available": row.fit.available, "verdict": row.fit.verdict}
        if row.fit
        else None,
        "state": row.state,
        "missing": [str(path) for path in row.entry.missing],
        "own": row.entry.model.own,
        "source": row.entry.source or None,
        "repo": row.entry.model.repo or None,
        "commit": row.entry.revision or None,
        "licence": row.entry.model.licence or None,
        "quality": asdict(row.entry.quality) if row.entry.quality else None,
        "mixture": asdict(row.mixture) if row.mixture else None,
    }


def _others(lock: Lock, rows: Sequence[ListedModel]) -> list[LockedModel]:
    here = {row.entry.model.name for row in rows}
    return [model for model in lock.models if model.name not in here and not model.embedded]


def _other_cells(model: LockedModel) -> Sequence[str]:
    return (model.name, *_estimates(model), model.licence or "licence unknown", model.repo)


def _estimates(model: LockedModel) -> Iterator[str]:
    for quantization in ("q4_k_m", "q8_0"):
        size = fit.estimate(model, quantization)
        yield "-" if size is None else f"~{fit.size(size)}"


def _known(models: Sequence[LockedModel]) -> list[dict[str, object]]:
    return [
        {"name": model.name, "state": "not installed", "repo": model.repo, "commit": model.revision} for model in models
    ]
