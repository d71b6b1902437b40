"""Rewards for the stored samples of a run: problem by problem, on this machine or several at a time on a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import groupby

from qmath_cli.errors import PromptTooLong, QmathError
from qmath_cli.evaluation.datasets import Item
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.records import Reward
from qmath_cli.solving.raters import rate_each


def reward(
    plan: EvaluationPlan, stored: Sequence[GradedSample], model: Reward, at_once: int = 1, rater: str = ""
) -> Iterator[GradedSample]:
    """Score samples with a reward model.

    Args:
        plan: What was run.
        stored: Graded samples; those of other problems and with an index of `plan.k` or more are not scored, nor those
            that this model has scored before.
        model: Rates the samples of one problem together.
        at_once: Problems whose samples are rated at the same time, each in a thread: for a model on a server.
        rater: The model's name; empty: all are scored, whatever scored them before.

    Yields:
        All samples in their order, with rewards where they were scored. One that exceeds the model's context says so.

    Raises:
        QmathError, KeyboardInterrupt: What ended the scoring, after all samples were yielded: those of the problems
            that were finished by then with their rewards.
    """
    items = {item.id: item for item in plan.data.items}
    groups = [list(samples) for _, samples in groupby(stored, key=lambda sample: sample.item)]
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="reward") if at_once > 1 else None
    failure: QmathError | KeyboardInterrupt | None = None
    try:
        rated = partial(_rated, plan, items, model=model, rater=rater)
        jobs = [pool.submit(rated, group) if pool is not None else None for group in groups]
        for group, job in zip(groups, jobs, strict=True):
            try:
                found = _result(group, job, rated, failed=failure is not None)
            except (QmathError, KeyboardInterrupt) as exc:
                failure = failure or exc
                found = group
            yield from found
    finally:  # after Ctrl-C the model is closed, which ends what still runs
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
    if failure is not None:
        raise failure


def _result(
    group: list[GradedSample],
    job: Future[list[GradedSample]] | None,
    rated: Callable[[Sequence[GradedSample]], list[GradedSample]],
    *,
    failed: bool,
) -> list[GradedSample]:
    """The samples of one problem, rated; once another has failed, only if they are already. Raises as `Reward.rate`."""
    if failed and (job is None or not job.done() or job.exception() is not None):
        return group
    return rated(group) if job is None else job.result()


def _rated(
    plan: EvaluationPlan, items: Mapping[str, Item], group: Sequence[GradedSample], *, model: Reward, rater: str
) -> list[GradedSample]:
    """The samples of one problem, with rewards where they are scored."""
    item = items.get(group[0].item)
    chosen = [one for one in group if one.sample.index < plan.k and not (rater and one.rater == rater)]
    if item is None or not chosen:
        return list(group)
    ratings = rate_each(model, item.problem, plan.mode, [sample.sample.text for sample in chosen])
    pairs = zip(chosen, ratings, strict=True)
    found = {one.key: one.rated(why.message if isinstance(why, PromptTooLong) else why, rater) for one, why in pairs}
    return [found.get(sample.key, sample) for sample in group]
