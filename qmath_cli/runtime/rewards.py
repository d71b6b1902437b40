"""What makes a loaded body a reward model: its head, its context, and the prompts that it was trained on.

A model that scores whole solutions serves `--pick rm`, one that scores steps `--pick prm`; `qmath score` takes both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from qmath_cli import gguf_file
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.rewards.head import read_head
from qmath_cli.engine.rewards.outcome import RewardModel
from qmath_cli.engine.rewards.process import ProcessRewardModel
from qmath_cli.errors import IntegrityError, ModelMissing
from qmath_cli.models import store
from qmath_cli.prompting import solution_steps
from qmath_cli.prompting.select import reward_sentence
from qmath_cli.records import Aggregate, ModelInfo, ModelKind, Reward
from qmath_cli.solving.raters import OutcomeRater, StepRater


def require_whole(info: ModelInfo) -> None:
    """Raise where a reward model lacks its head, or the mark at which steps are scored."""
    head, mark = store.head_path(info.path), solution_steps.MARK.text
    if not head.is_file():
        raise ModelMissing(f"{head} is missing: a reward model is two files", "`qmath pull` makes both")
    by_steps = info.kind is ModelKind.PROCESS_REWARD
    if by_steps and not gguf_file.find_tokens(info.path, gguf_file.read(info.path), (mark,)):
        raise IntegrityError(f"{info.name} has no token {mark}, at which steps are scored", "convert the model again")


@contextmanager
def rater(info: ModelInfo, model: Model, how: Aggregate = Aggregate.PRODUCT) -> Iterator[Reward]:
    """A reward model of either kind, for as long as the block lasts.

    Args:
        info: what it is.
        model: its body, loaded.
        how: how the scores of steps become one number.

    Raises:
        UsageError: the head is that of the other kind.
        IntegrityError: the head is damaged, or the vocabulary lacks the mark.
        DoesNotFit: there is no memory for the KV cache.
    """
    by_steps = info.kind is ModelKind.PROCESS_REWARD
    head = read_head(store.head_path(info.path), model.facts.embedding, 2 if by_steps else 1)
    if by_steps:
        with ProcessRewardModel(model, head, solution_steps.MARK) as process:
            yield StepRater(process, how)
    else:
        with RewardModel(model, head) as outcome:
            yield OutcomeRater(outcome, reward_sentence(info))
