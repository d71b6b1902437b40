"""`qmath batch`: many problems from a file, solved in one batch, each result on the disk as soon as it is there.

File -> problems -> the file of results, which says what is left -> `models.describe` -> `prompting.select` ->
`runtime.open_many` -> `solving.solve_many` -> results -> exit code of the worst. Where nothing is left, nothing is
loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.problem import read_text, standard_input_is_a_person
from qmath_cli.errors import DataError, ExitCode, TerminationSignal, UsageError
from qmath_cli.history.background import BackgroundKeeper
from qmath_cli.history.entry import Solved
from qmath_cli.models import lockfile
from qmath_cli.problem_set.plain_text import Division
from qmath_cli.problem_set.read import InputFormat, ProblemSet, read
from qmath_cli.problem_set.result_file import ResultOutcome
from qmath_cli.records import Finish, ModelInfo, Problem, Solution
from qmath_cli.runtime.problem_set import Solver
from qmath_cli.runtime.servers.reach import described
from qmath_cli.runtime.shapes import sentence
from qmath_cli.settings import Settings
from qmath_cli.solving.solve import follow_many, solve_many
from qmath_cli.terminal.render import DEMO_NOTE
from qmath_cli.terminal.reports.batch import BatchProgress, summary
from qmath_cli.terminal.reports.recorder import BatchRecorder
from qmath_cli.terminal.reports.results import OutputFormat, Results, Target, open_results

#: Which exit code is that of the worst, as the help says.
_WORST_FIRST = (ExitCode.INTERRUPTED, ExitCode.DIFFERENT, ExitCode.NO_ANSWER, ExitCode.TIMEOUT)
_STDIN = "standard input"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """One batch's options that are no settings."""

    source: str
    out: Path | None
    form: OutputFormat | None
    overwrite: bool
    timeout: float | None
    parallel: int | None
    force: bool
    quiet: bool


def command(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="The problems: text, CSV, TSV or JSONL; - or none: standard input."),
    ] = None,
    kind: Annotated[
        InputFormat | None,
        typer.Option(
            "--input",
            metavar="txt|csv|tsv|jsonl",
            rich_help_panel=o.PROBLEM,
            help="The format of FILE. Default: by its name, else by its first line.",
        ),
    ] = None,
    split: Annotated[
        Division | None,
        typer.Option(
            "--split",
            metavar="lines|blocks|numbers",
            rich_help_panel=o.PROBLEM,
            help="How plain text is divided: a problem on each line, between blank lines, or after each number "
            "1., 2., 3. Default: as it looks; a note says which.",
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", rich_help_panel=o.PROBLEM, help="Skip rows that are no problems.")
    ] = False,
    mode: o.ModeOption = None,
    language: o.LanguageOption = None,
    model: o.Model = None,
    server: o.Server = None,
    server_kind: o.ServerKindOption = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    ctx: o.Context = None,
    kv_type: o.KV = None,
    mlock: o.Mlock = None,
    no_repack: o.NoRepack = False,
    draft: o.Draft = None,
    force: o.Force = False,
    parallel: o.Parallel = None,
    k: o.Samples = None,
    pick: o.PickOption = None,
    reward_model: o.RewardModel = None,
    reward_server: o.RewardServer = None,
    aggregate: o.AggregateOption = None,
    stop_at: o.StopAt = None,
    seed: o.Seed = None,
    temperature: o.Temperature = None,
    top_p: o.TopP = None,
    top_k: o.TopK = None,
    min_p: o.MinP = None,
    max_tokens: o.MaxTokens = None,
    max_programs: o.MaxPrograms = None,
    exec_timeout: o.ExecTimeout = None,
    exec_memory: o.ExecMemory = None,
    allow_basic_executor: o.AllowBasic = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            rich_help_panel=o.SAMPLING,
            help="Time limit for each problem, from its start, while others are computed beside it.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            rich_help_panel=o.OUTPUT,
            help="The results: .jsonl, .csv or .html. Each is on the disk at once, and the same command goes on. "
            "Default: JSONL on standard output.",
        ),
    ] = None,
    form: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format",
            metavar="jsonl|csv|html",
            rich_help_panel=o.OUTPUT,
            help="The format of the results. Default: by the name after -o.",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", rich_help_panel=o.OUTPUT, help="Start again, whatever the file of results holds."),
    ] = False,
    no_history: o.NoHistory = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", rich_help_panel=o.OUTPUT, help="Print nothing on stderr but errors.")
    ] = False,
) -> int:
    """Solve many problems from a file in one batch; after a kill the same command goes on.

    Plain text has a problem on each line, in blocks between blank lines, or numbered. CSV, TSV and JSONL have a field
    problem (or question, or prompt) and may have id, answer (or expected), which is compared, and language. The
    exit code is the first that applies: 130 after Ctrl-C, 4 if an answer differs from the expected one, 3 if a problem
    has no answer, 124 if one ran into its time limit, else 0.
    """
    here = invocation(context)
    source = file or "-"
    if file is None and standard_input_is_a_person():
        raise UsageError("there are no problems", "qmath batch problems.txt -o answers.csv")
    options = BatchOptions(source, out, form, overwrite, timeout, parallel, force, quiet)
    found = _problems(here, options, kind, split, skip_bad=skip_bad)
    return _run(here, here.settings_of(context), options, found)


def _problems(
    here: Invocation, options: BatchOptions, kind: InputFormat | None, split: Division | None, *, skip_bad: bool
) -> ProblemSet:
    """The problems of the file. Raises `DataError` for a row that is none."""
    if split is not None and kind not in {None, InputFormat.TXT}:
        raise UsageError(f"--split is for plain text, not for {kind}", "leave one out")
    path = None if options.source == "-" else Path(options.source)
    name = _STDIN if path is None else str(path)
    text, warning = read_text(path, name)
    found = read(text, name, kind, split)
    if found.bad and not skip_bad:
        first = found.bad[0]
        raise DataError(f"{name}, line {first.line}: {first.why}", "--skip-bad skips such rows, and says how many")
    if not found.problems:
        raise DataError(f"{name} has no problems", "every row of it was skipped")
    if not options.quiet:
        if warning:
            here.terminal.note(f"warning: {warning}")
        several = "1 problem" if len(found.problems) == 1 else f"{len(found.problems)} problems"
        skipped = f"; skipped, because they are none: {len(found.bad)}" if found.bad else ""
        here.terminal.note(f"{name}: {several}, {found.found}{skipped}")
    return found


def _run(here: Invocation, settings: Settings, options: BatchOptions, found: ProblemSet) -> int:
    lock = lockfile.load()
    info = described(settings, here.paths, lock)
    solver = Solver(info, settings, here.paths, lock, options.timeout)
    if options.out is not None and options.source != "-":
        _require_another(options.out, Path(options.source))
    notes: Callable[[str], None] = (lambda _: None) if options.quiet else here.terminal.note
    target = Target(options.out, options.form, overwrite=options.overwrite)
    results = open_results(here.terminal, target, found.problems, solver.run)
    with closing(results):
        missing, whole = results.missing, len(found.problems)
        if len(missing) < whole:
            notes(f"{whole - len(missing)} of them are in {options.out} already")
        if missing:
            if info.embedded:
                notes(DEMO_NOTE)
            with closing(BackgroundKeeper(here.paths, notes)) as keeper:
                _solve(here, solver, options, results, missing, partial(_kept, keeper, info, settings), notes)
        results.finish()
        notes(summary(results.outcomes, whole, options.out))
        return exit_code(results.outcomes, complete=len(results.outcomes) == whole)


def _solve(
    here: Invocation,
    solver: Solver,
    options: BatchOptions,
    results: Results,
    missing: Sequence[Problem],
    keep: Callable[[Solution], object],
    notes: Callable[[str], None],
) -> None:
    """Solve what has no result yet, and record each result at once; Ctrl-C ends it."""
    progress = BatchProgress(len(missing))
    recorder = BatchRecorder(results, progress, solver, keep)
    opened = solver.opened(
        missing,
        options.parallel,
        force=options.force,
        on_activity=progress.activity,
        note=_noted(here, quiet=options.quiet),
    )
    try:
        with nullcontext() if options.quiet else here.terminal.status.during(progress.text), opened as model:
            if said := sentence(model.info, model.shape):
                notes(said)
            follow_many(solve_many(solver.tasks(missing), model.tools, model.tools.width), recorder.event)
            recorder.settle()
    except (KeyboardInterrupt, TerminationSignal) as exc:
        recorder.settle()
        if isinstance(exc, TerminationSignal):
            results.finish()
            raise


def _noted(here: Invocation, *, quiet: bool) -> Callable[[str], None]:
    """What happens to a sentence about a server: it is shown above the progress."""

    def note(sentence: str) -> None:
        if not quiet:
            here.terminal.note(f"warning: {sentence}")

    return note


def _kept(keeper: BackgroundKeeper, info: ModelInfo, settings: Settings, solution: Solution) -> None:
    keeper.keep(Solved(solution, info, settings.pick), settings)


def exit_code(outcomes: Iterable[ResultOutcome], *, complete: bool) -> ExitCode:
    """The first code of the table that applies to any outcome."""
    found = {_code(outcome) for outcome in outcomes} | (set() if complete else {ExitCode.INTERRUPTED})
    return next((code for code in _WORST_FIRST if code in found), ExitCode.OK)


def _code(outcome: ResultOutcome) -> ExitCode:
    if outcome.finish is Finish.TIMEOUT:
        return ExitCode.TIMEOUT
    if not outcome.answered or (outcome.expected and outcome.equal is None):
        return ExitCode.NO_ANSWER
    return ExitCode.DIFFERENT if outcome.equal is False else ExitCode.OK


def _require_another(out: Path, source: Path) -> None:
    """Raise `UsageError` if the results would replace the problems."""
    if out.exists() and out.samefile(source):
        raise UsageError(f"{out} is the file of the problems", "the results need a file of their own: another -o FILE")
