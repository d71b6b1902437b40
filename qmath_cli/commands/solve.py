"""`qmath solve`: one problem, one answer, one exit code.

Options -> settings -> `models.describe` -> `prompting.select` -> `runtime.open_tools` -> `solving.solve` -> the
renderer or one JSON object -> exit code. What only a solve needs is imported where it is used: a shell that completes a
line imports this module for its options.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands import problem as problems
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.solve_options import SolveOptions, with_votes
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.history.keeper import Keeper
from qmath_cli.models import lockfile
from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.prompting.select import select
from qmath_cli.records import Event, Finish, Mode, ModelInfo, Solution
from qmath_cli.runtime.plans import plan_for
from qmath_cli.runtime.question import question
from qmath_cli.settings import Render, Settings
from qmath_cli.solving.progress import SolvePlan
from qmath_cli.solving.solve import follow, refused, solve
from qmath_cli.terminal import json_record
from qmath_cli.terminal.approval import approval_prompt
from qmath_cli.terminal.solving_status import SolvingStatus
from qmath_cli.terminal.style import style_for

if TYPE_CHECKING:
    from qmath_cli.runtime.tools import Hooks, OpenTools


def command(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROBLEM", help="The problem, in single quotes; - reads standard input."),
    ] = None,
    file: o.File = None,
    mode: o.ModeOption = None,
    language: o.LanguageOption = None,
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="ANSWER", rich_help_panel=o.PROBLEM, help="Exit code 4 unless the answer equals this one."
        ),
    ] = None,
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
    k: o.Samples = None,
    pick: o.PickOption = None,
    reward_model: o.RewardModel = None,
    reward_server: o.RewardServer = None,
    aggregate: o.AggregateOption = None,
    stop_at: o.StopAt = None,
    min_votes: Annotated[
        int | None,
        typer.Option(
            "--min-votes",
            min=1,
            metavar="N",
            rich_help_panel=o.SAMPLING,
            help="Exit code 5 if fewer than N samples agree; the vote goes on until N do, or cannot.",
        ),
    ] = None,
    seed: o.Seed = None,
    temperature: o.Temperature = None,
    top_p: o.TopP = None,
    top_k: o.TopK = None,
    min_p: o.MinP = None,
    max_tokens: o.MaxTokens = None,
    max_programs: o.MaxPrograms = None,
    exec_timeout: o.ExecTimeout = None,
    exec_memory: o.ExecMemory = None,
    approve: o.Approve = False,
    allow_basic_executor: o.AllowBasic = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            metavar="SECONDS",
            rich_help_panel=o.SAMPLING,
            help="Time limit for the whole solve; exit code 124.",
        ),
    ] = None,
    render: o.RenderOption = None,
    answer_only: Annotated[
        bool, typer.Option("-a", "--answer", rich_help_panel=o.OUTPUT, help="Print the answer and nothing else.")
    ] = False,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain",
            rich_help_panel=o.OUTPUT,
            help="Print the answer and nothing else, on one line without LaTeX: 19/12.",
        ),
    ] = False,
    json: o.Json = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", rich_help_panel=o.OUTPUT, help="Print the events, one JSON object per line.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=o.OUTPUT, help="Also write a document: .md, .tex, .ipynb or .html."
        ),
    ] = None,
    overwrite: o.Overwrite = False,
    prompt: Annotated[
        PromptStyle,
        typer.Option(
            "--prompt",
            metavar="STYLE",
            rich_help_panel=o.PROBLEM,
            help="auto (the model's own), chat, qwen2, or few-shot: gsm8k, math, mmlu_stem, cmath, "
            "gaokao_math_cloze, gaokao_math_qa, plain.",
        ),
    ] = PromptStyle.AUTO,
    shots: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=o.PROBLEM, help="Your own examples for a few-shot prompt, TOML or JSONL."
        ),
    ] = None,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", rich_help_panel=o.PROBLEM, help="Print the prompt and stop.")
    ] = False,
    no_history: o.NoHistory = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", rich_help_panel=o.OUTPUT, help="Print nothing on stderr but errors.")
    ] = False,
    verbose: o.Verbose = False,
) -> int:
    """Solve one problem: in words (cot), or with programs that run in a restricted executor (tir)."""
    here = invocation(context)
    if json and jsonl:
        raise UsageError("--json and --jsonl exclude each other")
    if plain and (json or jsonl):
        raise UsageError("--plain is for people and spreadsheets; JSON has the answer in LaTeX", "leave one out")
    if export is not None:
        from qmath_cli.terminal import export as exports

        exports.check(export, overwrite=overwrite)
    settings = with_votes(here.settings_of(context), min_votes)
    given = problems.read(words or [], file, settings.language.chosen, expect)
    if given.warning and not quiet:
        here.terminal.note(f"warning: {given.warning}")
    options = SolveOptions(
        given.problem,
        timeout,
        min_votes,
        answer_only or plain,
        plain,
        json,
        jsonl,
        quiet,
        verbose,
        force,
        approve,
        export,
        overwrite,
        prompt,
        shots,
        show_prompt,
    )
    return _run(here, settings, options)


def _run(here: Invocation, settings: Settings, options: SolveOptions) -> int:
    from qmath_cli.runtime.servers.reach import described
    from qmath_cli.runtime.shapes import sentence
    from qmath_cli.runtime.tools import open_tools
    from qmath_cli.terminal.render import DEMO_NOTE

    problem = options.problem
    paths, lock = here.paths, lockfile.load()
    info = described(settings, paths, lock)
    chosen = settings.mode, options.style, options.examples
    prompt_format = select(info, problem.language, *chosen, answer=problem.answer_language)
    asked = question(info, problem.text, settings)
    prompt = prompt_format.typed(asked.text)
    if options.show_prompt:
        here.terminal.line(prompt.text)
        return ExitCode.OK
    plan = plan_for(settings, prompt_format, prompt, time_limit=options.timeout, known=asked.known)
    if not asked.known:
        return _refused(here, options, plan, info)
    status = SolvingStatus()
    if prompt_format.mode is Mode.COT:
        here.ahead.close()
    hooks, mode, prefix = _hooks(here, settings, options, status), prompt_format.mode, prompt_format.prefix
    opened = open_tools(info, settings, paths, lock, mode=mode, prefix=prefix, force=options.force, hooks=hooks)
    with nullcontext() if options.quiet else here.terminal.status.during(status.text), opened as model:
        if info.embedded and not options.quiet:
            here.terminal.note(DEMO_NOTE)
        here.notes(*() if options.quiet else model.notes, engine=model.engine_warnings if options.verbose else ())
        if settings.k > 1 and not options.quiet and (said := sentence(info, model.shape)):
            here.terminal.note(said)
        sink = _sink(here, settings.render, options, plan, model, status)
        solution = follow(solve(problem, plan, model.tools), status.before(sink))
    solved = Solved(solution, info, plan.pick)
    note: Callable[[str], None] = (lambda _line: None) if options.quiet else here.terminal.note
    Keeper(paths, note).keep(solved, settings)
    if options.export is not None:
        from qmath_cli.terminal import export as exports

        note(f"wrote {exports.export([solved], options.export, overwrite=options.overwrite)}")
    if options.as_json:
        here.terminal.json(json_record.solution_record(solution, info, model.load_s, model.scorer, model.shape))
    return exit_code(solution, options.min_votes)


def _streams(here: Invocation, settings: Settings, options: SolveOptions) -> bool:
    """Whether a person sees the text while it is written."""
    source = options.as_json or options.as_jsonl or options.answer_only
    return here.terminal.interactive and settings.k == 1 and not source


def _hooks(here: Invocation, settings: Settings, options: SolveOptions, status: SolvingStatus) -> Hooks:
    from qmath_cli.runtime.tools import Hooks

    approve = approval_prompt(here.terminal, streamed=_streams(here, settings, options)) if options.approve else None
    note = (lambda _note: None) if options.quiet else here.notes
    watched = options.watched(here.terminal, settings.k)
    return Hooks(approve, status.activity, here.ahead.executor, note, watched)


def _refused(here: Invocation, options: SolveOptions, plan: SolvePlan, info: ModelInfo) -> int:
    """Say that the demo does not know such problems. Nothing is loaded, kept or exported."""
    from qmath_cli.terminal.render import UNKNOWN_KIND

    solution = refused(options.problem, plan)
    if options.as_json:
        here.terminal.json(json_record.solution_record(solution, info))
    if options.as_jsonl:
        here.terminal.json(json_record.event_record(solution, info))
    here.terminal.note(UNKNOWN_KIND.format("--force"))
    return exit_code(solution)


def _sink(
    here: Invocation, render: Render, options: SolveOptions, plan: SolvePlan, model: OpenTools, status: SolvingStatus
) -> Callable[[Event], None]:
    """What happens to the events: dropped for `--json`, one object each for `--jsonl`, else shown."""
    from qmath_cli.terminal.render import Renderer, RenderOptions

    status.begin(plan.k, written=options.as_jsonl and here.terminal.status.out_is_seen)
    if options.as_json:
        return lambda _event: None
    if options.as_jsonl:
        made = model.info, model.load_s, model.scorer, model.shape
        return lambda event: here.terminal.json(json_record.event_record(event, *made))
    shown = RenderOptions(
        k=plan.k, pick=plan.pick, answer_only=options.answer_only, plain=options.plain, figures=not options.quiet
    )
    style = style_for(here.terminal, here.environ, render)
    renderer = Renderer(here.terminal, style, shown, model.protection)
    status.begin(plan.k, written=renderer.streams and here.terminal.status.out_is_seen, held=renderer.held)
    return renderer.event


def exit_code(solution: Solution, min_votes: int | None = None) -> ExitCode:
    """The exit code of a solution: see the table in the README."""
    if solution.finish in {Finish.INTERRUPTED, Finish.TIMEOUT}:
        return ExitCode.TIMEOUT if solution.finish is Finish.TIMEOUT else ExitCode.INTERRUPTED
    if solution.answer is None:
        return ExitCode.NO_ANSWER
    if solution.expected is not None and solution.expected.equal is not True:
        return ExitCode.NO_ANSWER if solution.expected.equal is None else ExitCode.DIFFERENT
    most = max((group.count for group in solution.votes.groups), default=0)
    return ExitCode.LOW_AGREEMENT if min_votes is not None and most < min_votes else ExitCode.OK
