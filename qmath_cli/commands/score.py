"""`qmath score`: a reward model reads a solution that anybody wrote, and says of each step how likely it is right.

Text -> problem and steps -> reward model -> a narrow column of scores, or one JSON object -> exit code 4 where a step
is under the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from qmath_cli.commands import model_names
from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import Invocation, invocation
from qmath_cli.commands.problem import read_text, standard_input_is_a_person
from qmath_cli.errors import ExitCode, PromptTooLong, UsageError
from qmath_cli.grading.extract import last_boxed
from qmath_cli.history.keeper import open_history
from qmath_cli.models import lockfile
from qmath_cli.problem_set.written_solution import WrittenSolution, read_solution
from qmath_cli.prompting.chat import language_of
from qmath_cli.prompting.solution_steps import mode_of, steps_of
from qmath_cli.records import Aggregate, Finish, Mode, ModelInfo, Problem, Rating, Sample, Sampling, Solution, Votes
from qmath_cli.runtime.rewards import ChosenReward, chosen_reward
from qmath_cli.settings import Settings
from qmath_cli.solving import vote
from qmath_cli.solving.raters import aggregate
from qmath_cli.solving.sample_record import server_record
from qmath_cli.terminal import export as exports
from qmath_cli.terminal import step_scores
from qmath_cli.terminal.style import style_for

SCHEMA = "qmath.score/1"
_STDIN = "standard input"


@dataclass(frozen=True, slots=True)
class Scored:
    """A solution with its rating, and what rated it."""

    written: WrittenSolution
    mode: Mode
    rating: Rating
    model: ModelInfo
    threshold: float | None
    how: Aggregate


def command(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="A problem with its solution; - or nothing reads standard input. Markdown with headings such as "
            "# Problem and # Solution, JSON with the fields problem and solution, or text: the problem, a blank line, "
            "the solution.",
        ),
    ] = None,
    problem: Annotated[
        str | None,
        typer.Option(
            "--problem", metavar="TEXT", rich_help_panel=o.PROBLEM, help="The problem; then FILE is the solution."
        ),
    ] = None,
    history: Annotated[
        int | None,
        typer.Option(
            "--history", min=1, metavar="N", rich_help_panel=o.PROBLEM, help="Score problem N of `qmath history`."
        ),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            metavar="tir|cot",
            rich_help_panel=o.PROBLEM,
            help="How the solution was written: with programs or in words only. Default: found from the text.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME|FILE",
            rich_help_panel=o.MODEL,
            help="A reward model: prm-7b scores every step, rm-72b the whole. Default: the best one installed.",
            autocompletion=model_names.complete_reward,
        ),
    ] = None,
    reward_server: Annotated[
        str | None,
        typer.Option(
            "--reward-server",
            metavar="URL",
            rich_help_panel=o.MODEL,
            help="Score on this server (vLLM or SGLang); -m says which of its models, if it has several.",
        ),
    ] = None,
    device: o.Device = None,
    gpu_layers: o.GpuLayers = None,
    threads: o.Threads = None,
    ctx: o.Context = None,
    force: o.Force = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            rich_help_panel=o.OUTPUT,
            help="Exit code 4 if a step scores less. Default: 0.5; for a model that scores the whole, none.",
        ),
    ] = None,
    aggregate: o.AggregateOption = None,
    render: o.RenderOption = None,
    json: o.Json = False,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", rich_help_panel=o.OUTPUT, help="Also write a document; .html shows the scores."),
    ] = None,
    overwrite: o.Overwrite = False,
) -> int:
    """Score the steps of a solution that anybody wrote, and mark the first doubtful one."""
    here = invocation(context)
    settings = here.settings_of(context)
    if export is not None:
        exports.check(export, overwrite=overwrite)
    written = _given(here, file, problem, history)
    reward = _reward(here, settings, model or "", force=force)
    chosen = mode or mode_of(written.text)
    scored = Scored(written, chosen, _rate(written, chosen, reward), reward.info, threshold, settings.aggregate)
    if export is not None:
        here.terminal.note(f"wrote {_export(scored, export, overwrite=overwrite)}")
    if json:
        here.terminal.json(_record(scored))
    else:
        _show(here, scored, settings)
    return ExitCode.DIFFERENT if _doubtful(scored) else ExitCode.OK


def _given(here: Invocation, file: str | None, problem: str | None, number: int | None) -> WrittenSolution:
    """The solution, wherever it is."""
    if number is not None:
        if file is not None or problem is not None:
            raise UsageError("a solution was given twice", "--history N alone, or a file")
        solved = open_history(here.paths).solved(number)
        shown = vote.shown(solved.solution, solved.pick)
        return WrittenSolution(solved.solution.problem.text, shown.text if shown is not None else "")
    if file is None and standard_input_is_a_person():
        raise UsageError("there is nothing to score", "qmath score FILE, or --history N")
    path = None if file in {None, "-"} else Path(str(file))
    source = _STDIN if path is None else str(path)
    text, warning = read_text(path, source)
    if warning:
        here.terminal.note(f"warning: {warning}")
    return read_solution(text, source, problem)


def _reward(here: Invocation, settings: Settings, name: str, *, force: bool) -> ChosenReward:
    found = chosen_reward(settings, here.paths, lockfile.load(), name, force=force)
    here.notes(*found.info.warnings)
    if found.info.embedded:
        here.terminal.note(
            f"{found.info.name} is the embedded demo: it knows the kinds of problems that the demo solves, and no "
            "others; `qmath pull prm-7b` gets a real one"
        )
    return found


def _rate(written: WrittenSolution, mode: Mode, chosen: ChosenReward) -> Rating:
    with chosen.open() as reward:
        (rating,) = reward.rate(written.problem, mode, (written.text,))
    if rating.steps is not None and len(rating.steps) != len(steps_of(written.text)):
        raise PromptTooLong("the solution is longer than the reward model's context", "score a part of it")
    return rating


def _doubtful(scored: Scored) -> bool:
    """Whether a step, or the whole, is under the threshold."""
    if scored.rating.steps is None:
        return scored.threshold is not None and scored.rating.value < scored.threshold
    return step_scores.first_doubtful(scored.rating.steps, _threshold(scored)) is not None


def _threshold(scored: Scored) -> float:
    return step_scores.THRESHOLD if scored.threshold is None else scored.threshold


def _show(here: Invocation, scored: Scored, settings: Settings) -> None:
    style = style_for(here.terminal, here.environ, settings.render)
    for line in step_scores.scored_lines(scored.rating.steps or (), style, _threshold(scored)):
        here.terminal.write(line + "\n")
    if scored.rating.steps:
        here.terminal.line()
    here.terminal.line(step_scores.summary(scored.rating, _threshold(scored)))


def _record(scored: Scored) -> dict[str, Any]:
    rating, model = scored.rating, scored.model
    steps = rating.steps
    scores = [step.score for step in steps or ()]
    doubtful = step_scores.first_doubtful(steps or (), _threshold(scored))
    return {
        "schema": SCHEMA,
        "problem": scored.written.problem,
        "mode": str(scored.mode),
        "model": _model(model),
        "score": rating.value,
        "aggregate": str(scored.how) if steps is not None else None,
        "aggregates": {str(how): aggregate(scores, how) for how in Aggregate} if steps is not None else None,
        "steps": None if steps is None else [{"text": step.text, "score": step.score} for step in steps],
        "threshold": scored.threshold if steps is None else _threshold(scored),
        "first_doubtful": None if doubtful is None else doubtful + 1,
    }


def _model(model: ModelInfo) -> dict[str, Any]:
    named = {"name": model.name, "file": str(model.path), "sha256": model.sha256 or None, "kind": str(model.kind)}
    return {**named, "file": None, "server": server_record(model.servers[0])} if model.servers else named


def _export(scored: Scored, path: Path, *, overwrite: bool) -> Path:
    from qmath_cli.history.entry import Solved

    written, rating = scored.written, scored.rating
    answer = last_boxed(written.text)
    sample = Sample(written.text, answer, Finish.NO_ANSWER, reward=rating.value, steps=rating.steps)
    problem = Problem(written.problem, language_of(written.problem))
    solution = Solution(problem, scored.mode, answer, Finish.NO_ANSWER, (sample,), Sampling(), Votes(1, 1))
    return exports.export([Solved(solution, scored.model)], path, overwrite=overwrite)
