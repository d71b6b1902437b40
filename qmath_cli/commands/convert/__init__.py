"""`qmath convert`: a released checkpoint becomes quantized GGUF files, in one pass.

Options -> source -> plan -> disk verdict -> conversion -> one line (or one JSON object) per file. What is written into
the models folder is recorded there, so that every command knows it by name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.convert import advised, measured
from qmath_cli.commands.convert.targets import quant_named, require_room, targets_of
from qmath_cli.commands.convert.wanted import ConvertOptions, notes, rules
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.models import lockfile, own, store
from qmath_cli.models.installed import Installed
from qmath_cli.models.names import ModelName
from qmath_cli.runtime.conversion import convert_plan, translated, try_decoding
from qmath_cli.terminal.countdown import Countdown
from qmath_cli.terminal.progress import ByteProgress, byte_progress

if TYPE_CHECKING:
    from qmath_cli.models.hub.client import Hub
    from qmath_cli.runtime.quantizing.advice import Advice
    from qmath_convert.pipeline import Plan, Written
    from qmath_convert.recipe import Quant
    from qmath_convert.source import Source

_DEFAULT = "q4_k_m"


def command(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A checkpoint's folder, or a repository on the hub: OWNER/NAME or OWNER/NAME@COMMIT."
        ),
    ],
    quant: Annotated[
        list[str] | None,
        typer.Option(
            "-q", "--quant", metavar="TYPE", help="q4_k_m, q8_0 and others; repeat for several. Default: q4_k_m."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            rich_help_panel=o.OUTPUT,
            help="The file to write, or a folder for several.",
        ),
    ] = None,
    imatrix: Annotated[
        str | None,
        typer.Option(
            metavar="auto|FILE",
            help="An importance matrix: a file of `qmath imatrix` or llama-imatrix; auto: measured here first.",
        ),
    ] = None,
    tensor_type: Annotated[
        list[str] | None,
        typer.Option(
            "--tensor-type",
            metavar="PATTERN=TYPE",
            help="The type of every matrix whose name the pattern is found in, as llama-quantize means it; repeat for "
            "several: attn_v=q8_0, 'blk\\.[0-3]\\.ffn_down=q6_k'.",
        ),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file of such rules, one a line; # begins a comment.")
    ] = None,
    advise: Annotated[
        bool,
        typer.Option(
            "--advise",
            help="Measure how sensitive the matrices are, and mix the types that lose least at the size of -q, or at "
            "--size. The recipe is written too.",
        ),
    ] = False,
    size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="With --advise: 4.2GB, 950MB, or bits per weight: 4.5bpw."),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not compare what was written with the checkpoint.")
    ] = False,
    keep_source: Annotated[bool, typer.Option("--keep-source", help="Keep the downloaded checkpoint.")] = False,
    threads: Annotated[
        int, typer.Option(min=0, metavar="N", help="Threads. Default: one per core, and one that reads ahead.")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", rich_help_panel=o.OUTPUT, help="Replace files that are already there.")
    ] = False,
    json: o.Json = False,
) -> int:
    """Convert a Hugging Face checkpoint of Qwen2.5-Math to GGUF, in one pass."""
    if size and not advise:
        raise UsageError("--size is what --advise fits a mixture to", "add --advise, or choose a type with -q")
    wanted = ConvertOptions(
        source=source,
        quants=tuple(dict.fromkeys(quant or ())),
        output=output,
        imatrix=imatrix,
        tensor_types=tuple(tensor_type or ()),
        recipe=recipe,
        advise=advise,
        size=size,
        verify=not no_verify,
        keep_source=keep_source,
        threads=threads,
        force=force,
        as_json=json,
    )
    return _run(invocation(context), wanted)


def into_store(
    here: Invocation, name: ModelName, source: str, quants: Sequence[str], *, force: bool
) -> list[Installed]:
    """Convert a checkpoint into the models folder, under a name of the user's.

    Args:
        here: the invocation.
        name: as `own.checked_name` gives it; its quantization is the first one.
        source: a folder, or a repository on the hub.
        quants: further quantizations; none at all: the default one.
        force: replace models of the same name.
    """
    from qmath_cli.runtime.own_models import add_converted, require_free

    given = [name.quantization] if name.quantization else []
    chosen = [quant_named(text) for text in dict.fromkeys([*given, *(text.lower() for text in quants)])] or [
        quant_named(_DEFAULT)
    ]
    for quant in chosen:
        require_free(ModelName(name.base, str(quant)), here.paths, force=force)
    targets = {here.paths.models / f"{name.base}-{quant}.gguf": quant for quant in chosen}
    wanted = ConvertOptions(source, (), None, None, (), None, False, None, True, False, 0, force, False)
    done = _convert(here, wanted, lambda _source: targets)
    return add_converted(name.base, done.source, done.written, here.paths, lockfile.load())


@dataclass(frozen=True, slots=True)
class Done:
    """A conversion that is done. `source` says where it came from; `read` are the bytes of the checkpoint."""

    source: str
    written: tuple[Written, ...]
    read: int
    seconds: float
    advice: Advice | None = None


def _run(here: Invocation, wanted: ConvertOptions) -> int:
    done = _convert(here, wanted, lambda source: _targets(wanted, source))
    entries = _recorded(here, done)
    if wanted.as_json:
        advice = {} if done.advice is None else {"advice": advised.record(done.advice)}
        here.terminal.json(record(done.written, done.seconds) | advice)
        return ExitCode.OK
    if done.advice is not None:
        advised.show(here, done.advice, done.written[0].path)
    for file in done.written:
        here.terminal.line(f"{file.path}  {file.size / 1e6:,.1f} MB  sha256 {file.sha256}")
    here.terminal.note(f"{done.read / 1e6:,.1f} MB converted in {done.seconds:.1f} s")
    for entry in entries:
        here.terminal.note(f"in the models folder as {entry.name}")
    return ExitCode.OK


def _convert(here: Invocation, wanted: ConvertOptions, targets: Callable[[Source], Mapping[Path, Quant]]) -> Done:
    """Convert, verify, try; `targets` gives the files for the checkpoint."""
    from qmath_cli.runtime.checkpoint import open_checkpoint
    from qmath_convert.pipeline import Options

    started = time.monotonic()
    lock, note = lockfile.load(), here.terminal.note
    waits = Countdown(here.terminal)
    opened = open_checkpoint(wanted.source, lambda: _hub(here, waits), here.paths, lock, note, keep=wanted.keep_source)
    with translated(), opened as source:
        files = targets(source)
        measured.check(wanted.imatrix, files)
        if wanted.advise:
            advised.check(files, wanted.recipe, force=wanted.force)
        if not wanted.verify:
            note("not verified: no row is compared with the checkpoint, and nothing is reopened or decoded")
        options = Options(verify=wanted.verify, threads=wanted.threads)
        with byte_progress(here.terminal) as progress, waits.within(progress):
            plan, advice = _plan(here, wanted, source, files, progress)
            written = convert_plan(plan, options, progress.update, note)
        came_from = _came_from(wanted, source)
    seconds = time.monotonic() - started
    if wanted.verify:
        try_decoding(written, here.paths, lock, note)
    return Done(came_from, written, plan.source_bytes, seconds, advice)


def _hub(here: Invocation, waits: Countdown) -> Hub:
    from qmath_cli.models.hub.client import Hub

    return Hub(here.environ, waits.pause, here.settings().hub, here.terminal.note)


def _came_from(wanted: ConvertOptions, source: Source) -> str:
    origin = source.origin
    if origin.repo is None:
        return str(Path(wanted.source).absolute())
    return f"{origin.repo}@{origin.commit[:8]}" if origin.commit else origin.repo


def _recorded(here: Invocation, done: Done) -> list[Installed]:
    """Record the files that were written into the models folder, each under a name made from the file's."""
    from qmath_cli.runtime.own_models import add_converted

    lock, models = lockfile.load(), here.paths.models.resolve()
    entries = []
    for file in done.written:
        if file.quant is not None and file.path.resolve().parent == models:
            stem = file.path.stem.lower().removesuffix(f"-{file.quant}")
            heads = [other for other in done.written if other.path == store.head_path(file.path)]
            name = own.free_name(stem, lock).base
            entries += add_converted(name, done.source, [file, *heads], here.paths, lock)
    return entries


def _plan(
    here: Invocation, wanted: ConvertOptions, source: Source, targets: Mapping[Path, Quant], progress: ByteProgress
) -> tuple[Plan, Advice | None]:
    """The plan, after what it rests on is measured; what has no room is refused before."""
    from qmath_convert.pipeline import plan

    chosen = rules(wanted)
    said = notes(wanted)
    first = plan(source, targets, None, chosen, said)
    require_room(first)
    if wanted.advise:
        return advised.plan_with_advice(here, first, chosen, (wanted.size, wanted.imatrix), progress)
    importance = measured.importance(here, wanted.imatrix, source, first.outputs[0].path, progress, first.output_bytes)
    return (first if importance is None else plan(source, targets, importance, chosen, said)), None


def _targets(wanted: ConvertOptions, source: Source) -> Mapping[Path, Quant]:
    if wanted.size and not wanted.quants:
        quants = [advised.label(source, wanted.size)]
    else:
        quants = [quant_named(text) for text in wanted.quants or (_DEFAULT,)]
    return targets_of(wanted.output, source.name, quants, force=wanted.force)


def record(written: tuple[Written, ...], seconds: float) -> dict[str, object]:
    """`convert --json`."""
    files = [
        {
            "path": str(file.path),
            "quantization": str(file.quant) if file.quant else None,
            "bytes": file.size,
            "sha256": file.sha256,
            "types": file.types,
        }
        for file in written
    ]
    return {"schema": "qmath.convert/1", "files": files, "seconds": round(seconds, 3)}
