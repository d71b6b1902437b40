"""`qmath imatrix`: an importance matrix, measured by letting a model read a text here.

`qmath convert --imatrix FILE` and `llama-quantize --imatrix FILE` use it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.problem import read_text
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.settings import Settings
from qmath_cli.terminal.counted import counted_progress
from qmath_cli.terminal.solving_status import SolvingStatus

if TYPE_CHECKING:
    from qmath_cli.engine.llama.model import Model

SCHEMA = "qmath.imatrix/1"


def command(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model, as little quantized as there is room for.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, in GGUF.")],
    text: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The text that the model reads. Default: mathematics that is drawn here."),
    ] = None,
    chunk: Annotated[int, typer.Option(min=32, metavar="N", help="Tokens per chunk. Default: 512.")] = 512,
    chunks: Annotated[int | None, typer.Option(min=1, metavar="N", help="Chunks at most. Default: all.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=o.OUTPUT, help="Replace a file that is already there.")
    ] = False,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    force: o.Force = False,
    json: o.Json = False,
) -> int:
    """Measure an importance matrix: how much each column of each matrix counts when the model reads a text.

    Without --text the model reads problems with solutions in English and Chinese, with programs and without, in its
    chat. The file is as llama.cpp's tool writes it. An interrupted measurement goes on with the same command.
    """
    here = invocation(context)
    if output.exists() and not overwrite:
        raise UsageError(f"{output} is already there", "another name with -o, or --overwrite")
    settings = here.settings(device=device, gpu_layers=gpu_layers, threads=threads)
    _run(here, settings, model, (output, text, chunk, chunks), force=force, as_json=json)
    return ExitCode.OK


def _run(
    here: Invocation,
    settings: Settings,
    name: str,
    wanted: tuple[Path, Path | None, int, int | None],
    *,
    force: bool,
    as_json: bool,
) -> None:
    from qmath_cli.runtime.importance import ImportancePlan, measure
    from qmath_cli.runtime.weights import notes, open_model

    output, text_path, chunk, chunks = wanted
    read = _reader(text_path)
    lock = lockfile.load()
    info = describe(name, here.paths, lock)
    status = SolvingStatus()
    with here.terminal.status.during(status.waiting):
        opened = open_model(info, settings, here.paths, lock, force=force, on_activity=status.activity)
    with opened as model:
        here.notes(*notes(info, model))
        tokens, called = read(model)
        plan = ImportancePlan(output, tokens, called, chunk, chunks)
        with counted_progress(here.terminal, "reading", "chunks", f"with {PurePath(info.name).name}") as progress:
            resumed = measure(model, plan, progress)
    if resumed:
        here.terminal.note(f"{resumed} of {plan.count} chunks had been read before")
    if as_json:
        here.terminal.json(
            {
                "schema": SCHEMA,
                "file": str(output),
                "model": info.name,
                "text": called if text_path is None else str(text_path),
                "chunks": plan.count,
                "chunk_tokens": chunk,
            }
        )
        return
    here.terminal.line(f"{output}  {plan.count} chunks of {chunk} tokens")


def _reader(path: Path | None) -> Callable[[Model], tuple[list[int], str]]:
    """What gives a model's tokens of the text, and what the text is called. A file is read before the model is."""
    from qmath_cli.calibration.text import NAME, calibration_text

    if path is None:
        return lambda model: (model.tokenize(calibration_text()), NAME)
    text, _ = read_text(path, str(path))
    return lambda model: (model.tokenize_plain(text.encode()), path.name)
