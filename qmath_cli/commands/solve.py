"""`qmath solve`: one problem, one answer, one exit code.

Options -> settings -> `models.describe` -> `prompting.select` -> `runtime.open_tools` -> `solving.solve` -> the
renderer or one JSON object -> exit code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands import problem as problems
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.history.keeper import Keeper
from qmath_cli.models import lockfile
from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.prompting.select import select
from qmath_cli.records import Event, Finish, Problem, Solution
from qmath_cli.runtime.servers.reach import described
from qmath_cli.runtime.tools import OpenTools, open_tools
from qmath_cli.settings import Render, Settings
from qmath_cli.solving.progress import SolvePlan
from qmath_cli.solving.solve import follow, solve
from qmath_cli.terminal import export as exports
from qmath_cli.terminal import json_record
from qmath_cli.terminal.approval import approval_prompt
from qmath_cli.terminal.render import DEMO_NOTE, Renderer, RenderOptions
from qmath_cli.terminal.style import style_for


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """One solve's options that are no settings."""

    problem: Problem
    timeout: float | None = None
    min_votes: int | None = None
    answer_only: bool = False
    plain: bool = False
    as_json: bool = False
    as_jsonl: bool = False
    quiet: bool = False
    verbose: bool = False
    force: bool = False
    approve: bool = False
    export: Path | None = None
    overwrite: bool = False
    style: PromptStyle = PromptStyle.AUTO
    examples: Path | None = None
    show_prompt: bool = False


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
        exports.check(export, overwrite=overwrite)
    given = problems.read(words or [], file, language, expect)
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
    return _run(here, _with_votes(here.settings_of(context), min_votes), options)


def _with_votes(settings: Settings, min_votes: int | None) -> Settings:
    """The settings under which a vote does not end before `min_votes` samples agree."""
    if min_votes is None:
        return settings
    if min_votes > settings.k:
        raise UsageError(
            f"--min-votes {min_votes} cannot be reached with {settings.k} sample{'s' if settings.k > 1 else ''}",
            f"ask for at least as many samples: -k {min_votes}",
        )
    return replace(settings, stop_at=max(settings.stop_at, min_votes)) if settings.stop_at else settings


def _run(here: Invocation, settings: Settings, options: SolveOptions) -> int:
    problem = options.problem
    paths, lock = here.paths, lockfile.load()
    info = described(settings, paths, lock)
    prompt_format = select(info, problem.language, settings.mode, options.style, options.examples)
    prompt = prompt_format.build(problem.text)
    if options.show_prompt:
        here.terminal.line(prompt.text)
        return ExitCode.OK
    opened = open_tools(
        info,
        settings,
        paths,
        lock,
        mode=prompt_format.mode,
        prefix=prompt_format.prefix,
        force=options.force,
        approve=approval_prompt(here.terminal) if options.approve else None,
    )
    with opened as model:
        if info.embedded and not options.quiet:
            here.terminal.note(DEMO_NOTE)
        here.notes(*() if options.quiet else model.notes, engine=model.engine_warnings if options.verbose else ())
        plan = model.plan(prompt_format, prompt, time_limit=options.timeout)
        solution = follow(solve(problem, plan, model.tools), _sink(here, settings.render, options, plan, model))
    solved = Solved(solution, info, plan.pick)
    note: Callable[[str], None] = (lambda _line: None) if options.quiet else here.terminal.note
    Keeper(paths, note).keep(solved, settings)
    if options.export is not None:
        note(f"wrote {exports.export([solved], options.export, overwrite=options.overwrite)}")
    if options.as_json:
        here.terminal.json(json_record.solution_record(solution, info, model.load_s, model.scorer))
    return exit_code(solution, options.min_votes)


def _sink(
    here: Invocation, render: Render, options: SolveOptions, plan: SolvePlan, model: OpenTools
) -> Callable[[Event], None]:
    """What happens to the events: dropped for `--json`, one object each for `--jsonl`, else shown."""
    if options.as_json:
        return lambda _event: None
    if options.as_jsonl:
        return lambda event: here.terminal.json(json_record.event_record(event, model.info, model.load_s, model.scorer))
    shown = RenderOptions(
        k=plan.k, pick=plan.pick, answer_only=options.answer_only, plain=options.plain, figures=not options.quiet
    )
    style = style_for(here.terminal, here.environ, render)
    return Renderer(here.terminal, style, shown, model.protection).event


def exit_code(solution: Solution, min_votes: int | None = None) -> ExitCode:
    """The exit code of a solution: see the table in the README."""
    if solution.finish is Finish.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if solution.finish is Finish.TIMEOUT:
        return ExitCode.TIMEOUT
    if solution.answer is None:
        return ExitCode.NO_ANSWER
    if solution.expected is not None and solution.expected.equal is not True:
        return ExitCode.NO_ANSWER if solution.expected.equal is None else ExitCode.DIFFERENT
    most = max((group.count for group in solution.votes.groups), default=0)
    return ExitCode.LOW_AGREEMENT if min_votes is not None and most < min_votes else ExitCode.OK
