"""`qmath eval`: a benchmark on this machine, in a run that cannot be lost.

Data set -> for each model: run file, engine, what is missing -> both graders -> report as text, JSON or HTML. The same
command continues a run that was killed; Ctrl-C prints the partial table and exits 130.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.lines import SUFFIXES
from qmath_cli.evaluation.score import ScoredRun
from qmath_cli.files import write_atomically
from qmath_cli.models import lockfile
from qmath_cli.runtime import data_sets
from qmath_cli.runtime.evaluation import Evaluation, open_graders
from qmath_cli.runtime.evaluation_request import EvaluationRequest, OnModel
from qmath_cli.runtime.recorded import RecordedSamples, score_recorded
from qmath_cli.settings import Grade
from qmath_cli.terminal.reports.evaluation import text
from qmath_cli.terminal.reports.evaluation.page import page
from qmath_cli.terminal.reports.evaluation.record import record
from qmath_cli.terminal.reports.evaluation.text import Room
from qmath_cli.terminal.reports.progress import EvaluationProgress
from qmath_cli.terminal.style import style_for


def complete_data(incomplete: str) -> list[str]:
    """Names of data sets, and of files of problems, for shell completion."""
    from qmath_cli.terminal.repl.file_names import completions

    named = [name for name in data_sets.names(lockfile.load()) if name.lower().startswith(incomplete.lower())]
    return [*named, *completions(incomplete, SUFFIXES)]


def command(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="DATA|FILE",
            help="A data set: demo, gsm8k, math, cmath, aime24 and others; or a file of your own: JSONL, CSV or TSV "
            "with the fields problem and answer. Default: demo.",
            autocompletion=complete_data,
        ),
    ] = data_sets.DEFAULT,
    models: o.Models = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE|FOLDER", rich_help_panel=o.DATA, help="Where the data set's file is."),
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
    no_repack: o.NoRepack = False,
    draft: o.Draft = None,
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
            help="Grade what this file has recorded, a run of eval or responses of others; no model runs.",
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
        asked = RecordedSamples(recorded, data, settings, grade, k, skip_bad)
        found, run = score_recorded(asked, here.paths, lockfile.load(), here.terminal.note)
        runs, partial = [run], False
    else:
        source = data_sets.find(name, data, here.paths, lockfile.load())
        found = datasets.select(source.read(skip_bad=skip_bad), limit, _shard(shard))
        noted, on_shape = _notes(here, verbose=verbose), here.terminal.note
        request = EvaluationRequest(
            found, settings, grade, parallel or 0, folder, regrade, force, noted, on_shape, source.path
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
    with here.terminal.status.during(lambda: "starting"), open_graders(request.data.name) as graders:
        evaluations = [(model, Evaluation(request, model, paths, lock, graders)) for model in models]
        for model, evaluation in evaluations:
            progress = EvaluationProgress(model or request.data.name, request.grade)
            try:
                with here.terminal.status.during(progress.text):
                    runs.append(evaluation.run(progress))
            except KeyboardInterrupt:
                return [*runs, evaluation.stored()], True
    return runs, False


def _notes(here: Invocation, *, verbose: bool) -> OnModel:
    """What happens to the notes on each model, and to llama.cpp's own warnings."""
    return lambda notes, engine: here.notes(*notes, engine=engine if verbose else ())


def _show(
    here: Invocation, data: Dataset, runs: list[ScoredRun], *, partial: bool, as_json: bool, html: Path | None
) -> None:
    """What is beside the report comes first, so that the report's last lines are the last ones."""
    if partial:
        here.terminal.note("interrupted: the same command goes on with the rest")
    for run in runs:
        if run.records is not None:
            here.terminal.note(f"records: {run.records}")
    if html is not None:
        _write_page(html, page(data, runs, partial=partial))
        here.terminal.note(f"report: {html}")
    if as_json:
        here.terminal.json(record(data, runs, partial=partial))
    else:
        room = Room.of(style_for(here.terminal, here.environ))
        for line in text.lines(data, runs, room, partial=partial):
            here.terminal.line(line)


def _write_page(path: Path, content: str) -> None:
    try:
        write_atomically(path, content)
    except OSError as exc:
        raise UsageError(f"cannot write {path}: {exc.strerror or exc}") from exc


def _warn(here: Invocation, data: Dataset) -> None:
    if data.skipped:
        here.terminal.note(f"{data.skipped} damaged line(s) of {data.name} were skipped")


def _shard(given: str | None) -> tuple[int, int]:
    if given is None:
        return 1, 1
    part, slash, of = given.partition("/")
    if not (slash and part.isdecimal() and of.isdecimal() and 1 <= int(part) <= int(of)):
        raise UsageError(f"--shard {given}: not a part of the whole", "for example --shard 2/4")
    return int(part), int(of)
