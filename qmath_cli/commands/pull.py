"""`qmath pull`: download a released model, and convert it on the way.

Name -> lock -> snapshot -> plan (headers only) -> verdict on memory and disk -> conversion, shard by shard -> record.
After a kill at any moment the same command resumes. Nothing is downloaded that will not fit.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli import gguf_file
from qmath_cli.commands import model_names
from qmath_cli.commands import options as o
from qmath_cli.commands.convert.before import Before
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.models import fit, lockfile, memory, store
from qmath_cli.models.fit import Fit, FitVerdict
from qmath_cli.models.hub import dataset
from qmath_cli.models.hub.client import Hub
from qmath_cli.models.hub.remote import Snapshot
from qmath_cli.models.hub.snapshot import snapshot_of
from qmath_cli.models.lock_entry import toml_of_snapshot
from qmath_cli.models.lockfile import Lock, LockedData, LockedModel
from qmath_cli.models.names import ModelName
from qmath_cli.models.suggestions import suggestion
from qmath_cli.runtime import need
from qmath_cli.runtime.conversion import convert_plan, translated
from qmath_cli.runtime.installation import install
from qmath_cli.settings import HubName
from qmath_cli.terminal.countdown import Countdown
from qmath_cli.terminal.progress import byte_progress

if TYPE_CHECKING:
    from qmath_cli.runtime.checkpoint import RemoteSource
    from qmath_convert.pipeline import Plan, Written


@dataclass(frozen=True, slots=True)
class PullOptions:
    """One pull: the model, the quantizations that are missing here, and the options.

    `unmeasured` are the quantizations, missing or not, that are compared with the weights before quantization.
    """

    lock: Lock
    model: LockedModel
    quantizations: tuple[str, ...]
    dry_run: bool
    keep_source: bool
    force: bool
    as_json: bool
    unmeasured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan needs, in bytes: the results, the disk at most, the download; and the verdicts on memory."""

    files: Mapping[str, int]
    disk: int
    download: int
    fits: Mapping[str, Fit]


def command(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A model, as `qmath list --all` shows it: 7b-instruct, or 7b-instruct:q8_0.",
            autocompletion=model_names.complete_pullable,
        ),
    ],
    quant: Annotated[
        list[str] | None,
        typer.Option(
            "-q", "--quant", metavar="TYPE", help="q4_k_m, q8_0 and others; repeat for several. Default: q4_k_m."
        ),
    ] = None,
    data: Annotated[
        bool, typer.Option("--data", help="NAME is a benchmark's data set: gsm8k, math, aime24 and others.")
    ] = False,
    source: Annotated[
        HubName | None,
        typer.Option(
            "--from", metavar="HUB", help="huggingface or modelscope. Default: what QMATH_HUB says, else huggingface."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what it would take on the network, the disk and in memory.")
    ] = False,
    toml: Annotated[bool, typer.Option("--toml", help="Only print the model's entry for models.lock.")] = False,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Also compare the result with the weights before quantization, which stay on the disk until then; "
            "`qmath list --quality` shows it.",
        ),
    ] = False,
    keep_source: Annotated[bool, typer.Option("--keep-source", help="Keep the downloaded checkpoint.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Pull again, and even if the model does not fit in memory.")
    ] = False,
    json: o.Json = False,
) -> int:
    """Download a released model and convert it, in one pass, shard by shard."""
    here, lock = invocation(context), lockfile.load()
    if data:
        if source not in (None, HubName.HUGGINGFACE):
            raise UsageError(f"no data set is pulled from {source}", "leave out --from")
        return _pull_data(here, dataset.find(name, lock), as_json=json)
    if any(entry.name.lower() == name.lower() for entry in lock.datasets):
        raise UsageError(f"{name} is a data set, not a model", f"qmath pull {name} --data")
    model, quantizations = _asked(name, quant or [], lock)
    if model.embedded:
        here.terminal.note(f"{model.name} comes with qmath: there is nothing to pull")
        return ExitCode.OK
    if model.restriction:
        here.terminal.note(model.restriction)
    waits = Countdown(here.terminal)
    hub = Hub(here.environ, waits.pause, here.settings(hub=source).hub, here.terminal.note)
    if toml:
        here.terminal.write(toml_of_snapshot(model, snapshot_of(model, hub, here.paths)))
        return ExitCode.OK
    there = [] if force or dry_run else [entry for entry in store.of_model(model, here.paths) if _whole(here, entry)]
    missing = tuple(q for q in quantizations if q not in {entry.quantization for entry in there})
    unmeasured = _unmeasured(model, quantizations, missing, there) if measure else ()
    if not missing and not unmeasured:
        return _already(here, [entry for entry in there if entry.quantization in quantizations], as_json=json)
    wanted = PullOptions(lock, model, missing, dry_run, keep_source, force, json, unmeasured)
    return _pull(here, hub, wanted, waits)


def _pull_data(here: Invocation, entry: LockedData, *, as_json: bool) -> int:
    hub = dataset.hub_of(entry, here.environ, Countdown(here.terminal).pause, here.terminal.note)
    path = dataset.pull(entry, hub, here.paths)
    if as_json:
        here.terminal.json({"schema": "qmath.pull/1", "status": "pulled", "data": entry.name, "path": str(path)})
    else:
        here.terminal.line(str(path))
        here.terminal.note(f"{entry.name} is ready, from {dataset.page(entry)}: qmath eval {entry.name}")
    return ExitCode.OK


def _asked(name: str, quants: Sequence[str], lock: Lock) -> tuple[LockedModel, tuple[str, ...]]:
    """The model and its quantizations, from `NAME:QUANT` and any number of `-q`."""
    from qmath_convert.recipe import Quant

    named = ModelName.parse(name)
    given = [named.quantization] if named.quantization else []
    wanted = tuple(dict.fromkeys(q.lower() for q in [*given, *quants]))
    for quantization in wanted:
        if quantization not in list(Quant):
            raise UsageError(f"unknown quantization {quantization!r}", suggestion(quantization, list(Quant)))
    return lock.get(named.base), wanted or (store.DEFAULT_QUANTIZATION,)


def _unmeasured(
    model: LockedModel, quantizations: Sequence[str], missing: Sequence[str], there: Sequence[store.Installed]
) -> tuple[str, ...]:
    """The quantizations that are compared, in the order in which they were named."""
    if model.kind.scores:
        raise UsageError(f"{model.name} is a reward model, which predicts no tokens", "leave out --measure")
    known = {entry.quantization for entry in there if entry.quality is not None}
    return tuple(one for one in quantizations if one in missing or one not in known)


def _whole(here: Invocation, entry: store.Installed) -> bool:
    return store.state(entry, here.paths) in {store.State.VERIFIED, store.State.UNVERIFIED}


def _already(here: Invocation, entries: Sequence[store.Installed], *, as_json: bool) -> int:
    here.terminal.note("already here; `qmath verify` reads it again, --force pulls it again")
    if as_json:
        files = [{"name": entry.name, "path": str(entry.path), "sha256": entry.parts[0].sha256} for entry in entries]
        here.terminal.json({"schema": "qmath.pull/1", "status": "present", "files": files})
    else:
        for entry in entries:
            here.terminal.line(str(entry.path))
    return ExitCode.OK


def _pull(here: Invocation, hub: Hub, wanted: PullOptions, waits: Countdown) -> int:
    from qmath_cli.runtime.checkpoint import open_snapshot
    from qmath_convert.pipeline import Options, plan
    from qmath_convert.recipe import Quant

    started = time.monotonic()
    snapshot = snapshot_of(wanted.model, hub, here.paths)
    targets = {store.gguf_path(wanted.model, q, here.paths): Quant(q) for q in wanted.quantizations}
    licence, keep = wanted.model.licence, wanted.keep_source
    with open_snapshot(hub, snapshot, here.paths, licence=licence, keep=keep) as source:
        with translated():
            planned = plan(source, targets)
        before = Before.chosen(here, wanted.model, wanted.unmeasured, source)
        outlook = _outlook(here, planned, source, wanted, before.size)
        if wanted.dry_run:
            return _report_plan(here, wanted, snapshot, outlook)
        _require(here, wanted, outlook, planned)
        before.announce(here)
        with byte_progress(here.terminal) as progress, waits.within(progress):
            written: tuple[Written, ...] = ()
            if whole := before.added_to(planned):
                written = before.taken_from(convert_plan(whole, Options(), progress.update, here.terminal.note))
                install(here.paths, wanted.model, source, planned, written)
            source.discard()
            before.compare(here, progress)
    return _report(here, wanted, snapshot, written, time.monotonic() - started)


def _outlook(here: Invocation, planned: Plan, source: RemoteSource, wanted: PullOptions, before: int) -> Outlook:
    """What the plan needs, from the headers of the files that it will write; `before`: bytes for measuring."""
    free = memory.memory()
    settings = here.settings()
    repacked = need.repacked_types(settings, here.paths, wanted.lock)
    fits = {}
    for output in planned.outputs:
        if output.quant is not None:
            header = gguf_file.parse(output.layout.header, output.layout.size)
            fits[str(output.quant)] = need.judge(header, settings, repacked, free.total if free else None)
    needed = planned.checkpoint.shards if planned.outputs or before else ()
    download = sum(source.missing(shard) for shard in needed)
    passing = download if wanted.keep_source else min(download, planned.largest_shard)
    files = {output.path.name: output.layout.size for output in planned.outputs}
    return Outlook(files, planned.output_bytes + passing + before, download, fits)


def _require(here: Invocation, wanted: PullOptions, outlook: Outlook, planned: Plan) -> None:
    """Refuse before the download. The need of memory is compared with all memory, that of disk with what is free."""
    for quantization, verdict in outlook.fits.items():
        if not wanted.force:
            fit.require(verdict, str(ModelName(wanted.model.name, quantization)), wanted.lock)
        if verdict.verdict is FitVerdict.TIGHT:
            here.terminal.note(
                f"{ModelName(wanted.model.name, quantization)} will take nearly all of this machine's memory"
            )
    from qmath_convert.part import reserved_bytes

    reserved = sum(reserved_bytes(output.path) for output in planned.outputs)
    fit.require_disk(here.paths.models, outlook.disk - reserved, wanted.model.name)


def _report_plan(here: Invocation, wanted: PullOptions, snapshot: Snapshot, outlook: Outlook) -> int:
    if wanted.as_json:
        here.terminal.json(_plan_record(wanted, snapshot, outlook))
        return ExitCode.OK
    here.terminal.line(f"{wanted.model.name} from {snapshot.repo} at {snapshot.commit}")
    for name, size in outlook.files.items():
        here.terminal.line(f"  {name}  {fit.size(size)}")
    here.terminal.line(f"  download {fit.size(outlook.download)}, disk {fit.size(outlook.disk)} at most")
    for quantization, verdict in outlook.fits.items():
        total = "unknown" if verdict.available is None else fit.size(verdict.available)
        here.terminal.line(f"  {quantization} in memory: {fit.size(verdict.need.total)} of {total}: {verdict.verdict}")
    return ExitCode.OK


def _plan_record(wanted: PullOptions, snapshot: Snapshot, outlook: Outlook) -> dict[str, object]:
    return {
        "schema": "qmath.pull/1",
        "status": "planned",
        "name": wanted.model.name,
        "repo": snapshot.repo,
        "commit": snapshot.commit,
        "files": [{"file": name, "size": size} for name, size in outlook.files.items()],
        "download": outlook.download,
        "disk": outlook.disk,
        "memory": {
            quantization: {"needed": verdict.need.total, "total": verdict.available, "verdict": verdict.verdict}
            for quantization, verdict in outlook.fits.items()
        },
    }


def _report(
    here: Invocation, wanted: PullOptions, snapshot: Snapshot, written: Sequence[Written], seconds: float
) -> int:
    if wanted.as_json:
        files = [
            {"path": str(f.path), "quantization": str(f.quant or "head"), "size": f.size, "sha256": f.sha256}
            for f in written
        ]
        record = {"schema": "qmath.pull/1", "status": "pulled", "name": wanted.model.name, "repo": snapshot.repo}
        here.terminal.json(record | {"commit": snapshot.commit, "files": files, "seconds": round(seconds, 3)})
        return ExitCode.OK
    for file in written:
        here.terminal.line(str(file.path))
    here.terminal.note(f"{wanted.model.name} is ready: qmath solve -m {wanted.model.name} 'PROBLEM'")
    return ExitCode.OK
