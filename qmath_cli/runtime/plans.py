"""From settings to a plan: how a problem is solved, and how its samples are drawn."""

from __future__ import annotations

from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.records import Prompt, Sampling
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import SolvePlan
from qmath_cli.solving.solve import sampling_for


def plan_for(
    settings: Settings,
    prompt_format: PromptFormat,
    prompt: Prompt,
    *,
    time_limit: float | None = None,
    earlier: tuple[str, ...] = (),
    known: bool = True,
) -> SolvePlan:
    """How a problem is solved by these settings.

    Args:
        settings: number of samples, sampling, choice, limits.
        prompt_format: how the model is asked; its mode is the plan's.
        prompt: what it is given.
        time_limit: seconds for everything; None: no limit.
        earlier: programs that the prompt's unfinished solution has run.
        known: whether the model was trained for such a problem, as `runtime.question` finds.
    """
    return SolvePlan(
        prompt=prompt,
        mode=prompt_format.mode,
        k=settings.k,
        sampling=sampling_of(settings),
        pick=settings.pick,
        stop_at=0 if settings.pick.ranks else settings.stop_at,
        max_programs=settings.max_programs,
        time_limit=time_limit,
        earlier=earlier,
        known=known,
    )


def sampling_of(settings: Settings) -> Sampling:
    """The sampling that these settings mean; what they leave open follows the report (`sampling_for`)."""
    return sampling_for(
        settings.k,
        settings.seed,
        settings.max_tokens,
        settings.temperature,
        settings.top_p,
        settings.top_k,
        settings.min_p,
    )
