"""`qmath eval`: a benchmark on this machine, in a run that cannot be lost.

Data set -> for each model: run file, engine, what is missing -> both graders -> report as text, JSON or HTML. The same
command continues a run that was killed; Ctrl-C prints the partial table and exits 130.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.evaluation import datasets, responses
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.files import write_atomically
from qmath_cli.models import lockfile
from qmath_cli.runtime.evaluation import Evaluation, EvaluationRequest, OnModel, find, open_graders, scored
from qmath_cli.settings import Grade, Settings
from qmath_cli.terminal.reports import as_html, as_text
from qmath_cli.terminal.reports.progress import EvaluationProgress

Models = Annotated[
    list[str] | None,
    typer.Option("-m", "--model", metavar="NAME|FILE", rich_help_panel=o.MODEL,
                 help="A model's name or a .gguf file; repeat to compare several.", autocompletion=o.complete_model),
]  # fmt: skip


def command(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="The data set: demo, gsm8k, math, cmath, aime24 and others. Default: demo."
        ),
    ] = "demo",
    models: Models = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE|FOLDER", rich_help_panel=o.DATA, help="Where the data set's JSONL file is."),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", rich_help_panel=o.DATA, help="Skip damaged lines, and report how many.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", rich_help_panel=o.DATA, help="Only the first N problems.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", rich_help_panel=o.DATA, help="Every N-th problem, from the I-th on.")
    ] = None,
    mode: o.ModeOption = None,
    k: o.Samples = None,
    pick: o.PickOption = None,
    reward_model: o.RewardModel = None,
    reward_server: o.RewardServer = None,
    aggregate: o.AggregateOption = None,
    seed: o.Seed = None,
    temperature: o.Temperature = None,
    top_p: o.TopP = None,
    max_tokens: o.MaxTokens = None,
    max_programs: o.MaxPrograms = None,
    exec_timeout: o.ExecTimeout = None,
    exec_memory: o.ExecMemory = None,
    allow_basic_executor: o.AllowBasic = None,
    server: o.Server = None,
    server_kind: o.ServerKindOption = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    ctx: o.Context = None,
    kv_type: o.KV = None,
    force: o.Force = False,
    verbose: o.Verbose = False,
    parallel: o.Parallel = None,
    grade: Annotated[
        Grade,
        typer.Option(
            "--grade",
            metavar="official|strict",
            rich_help_panel=o.OUTPUT,
            help="Whose verdict the report counts; both are stored. Default: official.",
        ),
    ] = Grade.OFFICIAL,
    regrade: Annotated[
        bool, typer.Option("--regrade", rich_help_panel=o.OUTPUT, help="Grade the stored samples again.")
    ] = False,
    recorded: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            rich_help_panel=o.DATA,
            help="Grade the responses recorded in this file; no model runs.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", rich_help_panel=o.OUTPUT, help="Where runs are stored.")
    ] = None,
    min_accuracy: Annotated[
        float | None,
        typer.Option(
            "--min-accuracy",
            min=0,
            max=1,
            metavar="P",
            rich_help_panel=o.OUTPUT,
            help="Exit code 4 if the accuracy is below P (0 to 1).",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=o.OUTPUT, help="Also write the report as one HTML page."),
    ] = None,
    json: o.Json = False,
) -> int:
    """Measure models on a benchmark, with intervals and the published figures beside them."""
    here = invocation(context)
    settings = here.settings_of(context)
    folder = out if out is not None else here.paths.state / "evaluations"
    if recorded is not None:
        found, runs = _from(recorded, settings, grade, skip_bad=skip_bad, k=k)
        partial = False
    else:
        path = find(name, data, here.paths)
        name = path.stem if data is not None and data.is_file() and name == "demo" else name
        whole = datasets.load(name, path, skip_bad=skip_bad)
        found = datasets.select(whole, limit, _shard(shard))
        request = EvaluationRequest(
            found, settings, grade, parallel or 0, folder, regrade, force, _notes(here, verbose=verbose)
        )
        runs, partial = _models(here, request, models or [settings.model])
    _warn(here, found)
    _show(here, found, runs, partial=partial, as_json=json, html=html)
    if partial:
        return ExitCode.INTERRUPTED
    below = min_accuracy is not None and any(run.score.headline < min_accuracy for run in runs)
    return ExitCode.DIFFERENT if below else ExitCode.OK


def _models(here: Invocation, request: EvaluationRequest, models: list[str]) -> tuple[list[ScoredRun], bool]:
    """One model after the other; True if an interrupt ended it early. All are described before the first is run."""
    runs: list[ScoredRun] = []
    paths, lock = here.paths, lockfile.load()
    with open_graders(request.data.name) as graders:
        evaluations = [(model, Evaluation(request, model, paths, lock, graders)) for model in models]
        for model, evaluation in evaluations:
            progress = EvaluationProgress(here.terminal, model or "model", request.grade)
            try:
                runs.append(evaluation.run(progress.tick))
            except KeyboardInterrupt:
                progress.end()
                return [*runs, evaluation.stored()], True
            progress.end()
    return runs, False


def _notes(here: Invocation, *, verbose: bool) -> OnModel:
    """What happens to the notes on each model, and to llama.cpp's own warnings."""
    return lambda notes, engine: here.notes(*notes, engine=engine if verbose else ())


def _from(
    path: Path, settings: Settings, grade: Grade, *, skip_bad: bool, k: int | None
) -> tuple[Dataset, list[ScoredRun]]:
    """Grade recorded responses; `k` may ask for fewer samples than are recorded."""
    found, samples, fewest = responses.read(path, skip_bad=skip_bad)
    items = {item.id: item for item in found.items}
    with open_graders("math") as graders:
        graded = [graders.grade(one, items[one.item]) for one in samples]
        request = EvaluationRequest(found, replace(settings, k=min(k or fewest, fewest)), grade, 1, path.parent)
        return found, [ScoredRun(scored(request, graded, graders), graded)]


def _show(
    here: Invocation, data: Dataset, runs: list[ScoredRun], *, partial: bool, as_json: bool, html: Path | None
) -> None:
    scores = [run.score for run in runs]
    if html is not None:
        _write_page(html, as_html.page(data, runs, partial=partial))
        here.terminal.note(f"report: {html}")
    if as_json:
        here.terminal.json(as_text.record(scores, partial=partial))
    else:
        for line in as_text.lines(scores, partial=partial):
            here.terminal.line(line)


def _write_page(path: Path, page: str) -> None:
    try:
        write_atomically(path, page)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc


def _warn(here: Invocation, data: Dataset) -> None:
    if data.skipped:
        here.terminal.note(f"{data.skipped} damaged line(s) of {data.name} were skipped")


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    part, slash, of = text.partition("/")
    if not (slash and part.isdecimal() and of.isdecimal() and 1 <= int(part) <= int(of)):
        raise UsageError(f"--shard {text}: not a part of the whole", "for example --shard 2/4")
    return int(part), int(of)
