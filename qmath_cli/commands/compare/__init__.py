"""`qmath compare`: how far the predictions of quantized models are from those of another model, on the same text.

The base comes first: a model, or a file that `--save-base` wrote, here or on another machine. One model is loaded at a
time; the base's predictions wait in a file. What is finished is shown at once; Ctrl-C ends with what there is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.compare.wanted import CompareOptions, check
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.files import write_atomically
from qmath_cli.settings import Settings

if TYPE_CHECKING:
    from qmath_cli.benchmark.divergence.base_file import BaseHeader
    from qmath_cli.evaluation.changed import ModelComparison


def command(
    context: typer.Context,
    base: Annotated[
        str, typer.Argument(metavar="BASE", help="The model to compare with, or a file that --save-base wrote.")
    ],
    models: Annotated[list[str] | None, typer.Argument(metavar="MODEL", help="The models to compare.")] = None,
    text: Annotated[Path | None, typer.Option(metavar="FILE", help="A text that the models read, in chunks.")] = None,
    solutions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Problems with solutions, as `qmath eval --from` reads them: of each the first, without what programs "
            "printed. Default: solutions that are drawn here.",
        ),
    ] = None,
    chunk: Annotated[
        int,
        typer.Option(min=32, metavar="N", help="Tokens per chunk; the second half of each is scored. Default: 512."),
    ] = 512,
    chunks: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Chunks, or solutions, at most. Default: all, or 100 of those drawn here."
        ),
    ] = None,
    problems: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Also solve N problems with each model: how many answers change? Default: none."
        ),
    ] = 0,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DATA|FILE",
            help="The problems to solve: a data set or a file, as for `qmath eval`. Default: those of --solutions, "
            "else problems that are drawn here.",
        ),
    ] = None,
    save_base: Annotated[
        Path | None,
        typer.Option(
            "--save-base", metavar="FILE", rich_help_panel=o.OUTPUT, help="Keep the base's predictions in a file."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=o.OUTPUT, help="Also write the report as one HTML page."),
    ] = None,
    mode: o.ModeOption = None,
    max_tokens: o.MaxTokens = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    force: o.Force = False,
    json: o.Json = False,
) -> int:
    """Measure how far the predictions of models are from those of a base, on the same text.

    Perplexity, KL divergence and the change of token probabilities, under the names and by the definitions of
    `llama-perplexity --kl-divergence`.
    """
    wanted = CompareOptions(
        base, tuple(models or ()), text, solutions, chunk, chunks, problems, data, save_base, html, force, json
    )
    here = invocation(context)
    check(wanted)
    settings = here.settings(mode=mode, max_tokens=max_tokens, device=device, gpu_layers=gpu_layers, threads=threads)
    return _run(here, settings, wanted)


def _run(here: Invocation, settings: Settings, wanted: CompareOptions) -> ExitCode:
    from qmath_cli.benchmark.divergence.base_file import reading
    from qmath_cli.commands.compare.answers import request_of, with_answers
    from qmath_cli.commands.compare.predictions import Comparisons, base_file, require_solvers
    from qmath_cli.terminal.reports.divergence import text

    require_solvers(here, wanted)
    request = request_of(here, settings, wanted)
    found: list[ModelComparison] = []
    header: BaseHeader | None = None
    partial = False
    try:
        with base_file(here, settings, wanted) as path:
            with reading(path) as reader:
                header = reader.header
            _lines(here, wanted, text.heading(header))
            comparisons = Comparisons(here, settings, wanted, path)
            for name in wanted.models:
                found.append(comparisons.compared(name))
                _lines(here, wanted, text.block(found[-1]))
        if request is not None:
            found, partial = with_answers(here, request, wanted.base, found)
    except KeyboardInterrupt:
        if header is None or not found:
            raise
        partial = True
    if header is not None:
        _show(here, wanted, header, found, partial=partial)
    return ExitCode.INTERRUPTED if partial else ExitCode.OK


def _show(
    here: Invocation, wanted: CompareOptions, base: BaseHeader, found: list[ModelComparison], *, partial: bool
) -> None:
    """What ends the report. Its last lines are the last ones of the output."""
    from qmath_cli.terminal.reports.divergence import text
    from qmath_cli.terminal.reports.divergence.page import page
    from qmath_cli.terminal.reports.divergence.record import record

    if partial:
        rest = ": the same command goes on with the answers that are missing" if wanted.problems else ""
        here.terminal.note(f"interrupted{rest}")
    if wanted.html is not None:
        try:
            write_atomically(wanted.html, page(base, found, partial=partial))
        except OSError as exc:
            raise UsageError(f"cannot write {wanted.html}: {exc.strerror or exc}") from exc
        here.terminal.note(f"report: {wanted.html}")
    if wanted.as_json:
        here.terminal.json(record(base, found, partial=partial))
    _lines(here, wanted, text.summary(found))


def _lines(here: Invocation, wanted: CompareOptions, lines: list[str]) -> None:
    """Lines of the report for people, as soon as they are there."""
    for line in () if wanted.as_json else lines:
        here.terminal.line(line)
