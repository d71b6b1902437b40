"""`qmath solve`: one problem, one answer, one exit code.

Options -> settings -> model, executor, grader -> `solve.solve` -> the renderer or one JSON object -> exit code.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands import problem as problems
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.prompting import Style, prompting
from qmath_cli.commands.wiring import DEMO_NOTE, Wired, is_demo, plan_for, wire
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.models import store
from qmath_cli.records import Event, Finish, Mode, Problem, Solution
from qmath_cli.settings import Settings
from qmath_cli.solving import solve
from qmath_cli.terminal import export as exports
from qmath_cli.terminal import json_record
from qmath_cli.terminal.render import Renderer, RenderOptions
from qmath_cli.terminal.style import style_for


@dataclass(frozen=True, slots=True)
class SolveOptions:
    """What the user wants of one solve, beyond the settings."""

    problem: Problem
    timeout: float | None = None
    min_votes: int | None = None
    answer_only: bool = False
    as_json: bool = False
    as_jsonl: bool = False
    quiet: bool = False
    force: bool = False
    approve: bool = False
    export: Path | None = None
    style: Style = Style.AUTO
    examples: Path | None = None
    show_prompt: bool = False


def command(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[PROBLEM]", help="The problem; - reads stdin.")] = None,
    file: o.File = None,
    mode: o.ModeOption = None,
    language: o.LanguageOption = None,
    expect: Annotated[str | None, typer.Option(metavar="ANSWER", help="Exit 4 unless the answer equals this.")] = None,
    model: o.Model = None,
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
    stop_at: o.StopAt = None,
    min_votes: Annotated[int | None, typer.Option("--min-votes", min=1, help="Exit 5 if fewer samples agree.")] = None,
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
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Seconds for everything; exit 124.")] = None,
    render: o.RenderOption = None,
    answer_only: Annotated[bool, typer.Option("-a", "--answer", help="Print the answer and nothing else.")] = False,
    json: o.Json = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="The events, one JSON object per line.")] = False,
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write .md, .tex, .ipynb or .html.")] = None,
    prompt: Annotated[Style, typer.Option("--prompt", help="auto: the one the model was trained on.")] = Style.AUTO,
    shots: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own examples for a few-shot prompt.")] = None,
    show_prompt: Annotated[bool, typer.Option("--show-prompt", help="Print the prompt and stop.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Nothing on stderr but errors.")] = False,
) -> int:
    """Solve one problem: in words (cot), or with programs that run in a restricted executor (tir)."""
    here = invocation(context)
    if json and jsonl:
        raise UsageError("--json and --jsonl exclude each other")
    if export is not None:
        exports.check(export)
    problem = problems.read(words or [], file, language, expect)
    wanted = SolveOptions(
        problem, timeout, min_votes, answer_only, json, jsonl, quiet, force, approve, export, prompt, shots, show_prompt
    )
    return _run(here, here.settings_of(context), wanted, mode)


def _run(here: Invocation, settings: Settings, wanted: SolveOptions, mode: Mode | None) -> int:
    if (warning := problems.warning(wanted.problem.text)) and not wanted.quiet:
        here.terminal.note(f"warning: {warning}")
    file = store.locate(settings.model, here.paths)
    chosen = prompting(wanted.problem, settings, file, wanted.style, wanted.examples)
    if mode is not None and chosen.mode is not mode:
        raise UsageError(f"the {chosen.style} prompt has no mode {mode}", "leave --mode out, or choose --prompt chat")
    if wanted.show_prompt:
        here.terminal.line(chosen.prompt.text)
        return ExitCode.OK
    others = [replace(wanted.problem, text=text) for text in "AB"]
    alike = [prompting(other, settings, file, chosen.style, wanted.examples).prompt for other in others]
    settings = replace(settings, mode=chosen.mode)
    with wire(here, settings, file, force=wanted.force, approve=wanted.approve, alike=alike) as wired:
        if is_demo(wired.model) and not wanted.quiet:
            here.terminal.note(DEMO_NOTE)
        plan = plan_for(settings, wanted.timeout, chosen.prompt)
        solution = follow(solve.solve(wanted.problem, plan, wired.tools), _sink(here, settings, wanted, wired))
    if wanted.export is not None:
        exports.export(solution, wanted.export, wired.model, settings.pick)
    if wanted.as_json:
        here.terminal.json(json_record.solution_record(solution, wired.model, wired.load_s))
    return exit_code(solution, wanted.min_votes)


def follow(events: Generator[Event, None, None], sink: Callable[[Event], None]) -> Solution:
    """Hand every event to `sink`, an interrupt into the generator, and return the solution it closes with."""
    last: Event | None = None
    try:
        for last in events:
            sink(last)
    except KeyboardInterrupt:
        if isinstance(last, Solution):
            raise
        last = events.throw(KeyboardInterrupt())  # it arrived while an event was being shown
        sink(last)
    finally:
        events.close()  # now, while engine and executor are open, whatever became of the reader
    assert isinstance(last, Solution)
    return last


def _sink(here: Invocation, settings: Settings, wanted: SolveOptions, wired: Wired) -> Callable[[Event], None]:
    if wanted.as_json:
        return lambda _event: None
    if wanted.as_jsonl:
        return lambda event: here.terminal.json(json_record.event_record(event, wired.model, wired.load_s))
    wishes = RenderOptions(k=settings.k, pick=settings.pick, answer_only=wanted.answer_only, figures=not wanted.quiet)
    renderer = Renderer(
        here.terminal, style_for(here.terminal, here.environ, settings.render), wishes, wired.protection
    )
    return renderer.event


def exit_code(solution: Solution, min_votes: int | None = None) -> ExitCode:
    """What a script is told: see the table in the README."""
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
