"""Reward models, opened: here, a body with its head, or on the server that `reward_server` names.

A model that scores whole solutions serves `--pick rm`, one that scores steps `--pick prm`; `qmath score` takes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from qmath_cli import gguf_file
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.rewards.head import read_head
from qmath_cli.engine.rewards.outcome import RewardModel
from qmath_cli.engine.rewards.process import ProcessRewardModel
from qmath_cli.errors import IntegrityError, ModelMissing, UsageError
from qmath_cli.models import store
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.reward_choice import best_reward
from qmath_cli.paths import Paths
from qmath_cli.prompting import solution_steps
from qmath_cli.prompting.select import EXAMPLES, require_reward, reward_sentence
from qmath_cli.records import Aggregate, ModelInfo, ModelKind, Reward, ServerInfo
from qmath_cli.records.activity import OnActivity, unobserved
from qmath_cli.runtime.need import require_memory, taken
from qmath_cli.runtime.weights import open_model
from qmath_cli.settings import Settings
from qmath_cli.solving.raters import OutcomeRater, StepRater

RewardLoader = Callable[[], AbstractContextManager[Reward]]


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


def reward_loader(
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    beside: ModelInfo | None = None,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> RewardLoader | None:
    """A function that opens the reward model, to be called once the samples are done; None where none is wanted.

    Args:
        settings: which model, and what it is wanted for.
        paths: where models are kept.
        lock: models.lock.
        beside: the model that stays in memory meanwhile; None: its memory is free by then.
        force: load it even if it does not seem to fit.
        on_activity: told how far loading has come.

    Raises:
        UsageError: no reward model is named, or the one named does not score what `--pick` needs.
        ModelMissing: it, or a part of it, is not on this machine, or not on the server that is to have it.
        ServerUnusable: the server cannot be reached, or does not score.
        IntegrityError: its vocabulary lacks the mark of steps.
        DoesNotFit: the memory is too small. All are raised before any sample is made.
    """
    wanted = settings.pick.kind
    if wanted is None:
        return None
    if settings.reward_server:
        from qmath_cli.runtime.servers.rewards import ServedReward

        return ServedReward(settings, wanted, paths, lock)
    if not settings.reward_model:
        example = f"for example --reward-model {EXAMPLES[wanted]}, or --reward-server URL"
        raise UsageError(f"--pick {settings.pick} needs --reward-model", example)
    info = describe(settings.reward_model, paths, lock)
    require_reward(info, wanted)
    require_whole(info)
    if not force:
        here = None if beside is None or beside.servers else beside
        require_memory(info, settings, paths, lock, 1, held=-taken(here, settings, paths, lock))
    return lambda: open_reward(info, settings, paths, lock, force=force, on_activity=on_activity)


def scoring_server(loader: RewardLoader | None, settings: Settings) -> ServerInfo | None:
    """The server that a loader has reached; None where the reward model is on this machine, or none is wanted."""
    if loader is None or not settings.reward_server:
        return None
    from qmath_cli.runtime.servers.rewards import ServedReward

    return loader.info if isinstance(loader, ServedReward) else None


@contextmanager
def open_reward(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> Iterator[Reward]:
    """A reward model, for as long as the block lasts. Arguments and errors as for `open_model` and `rater`."""
    require_whole(info)
    with (
        open_model(info, settings, paths, lock, force=force, on_activity=on_activity) as model,
        rater(info, model, settings.aggregate) as reward,
    ):
        yield reward


@dataclass(frozen=True, slots=True)
class ChosenReward:
    """A reward model that is to score what somebody wrote: what it is, and what opens it."""

    info: ModelInfo
    open: RewardLoader


def chosen_reward(settings: Settings, paths: Paths, lock: Lock, name: str = "", *, force: bool = False) -> ChosenReward:
    """The reward model for a solution, of either kind.

    Args:
        settings: the server that has it, if one is set.
        paths: where models are kept.
        lock: models.lock.
        name: which one, on that server or here; empty: the setting's, else the server's only one, or the best one here.
        force: load it even if it does not seem to fit.

    Raises:
        As `reward_loader`; `ModelMissing` where none is installed.
    """
    wanted = name or settings.reward_model
    if settings.reward_server:
        from qmath_cli.runtime.servers.rewards import ServedReward

        served = ServedReward(replace(settings, reward_model=wanted), None, paths, lock)
        return ChosenReward(served.model, served)
    info = describe(wanted or best_reward(paths, lock).name, paths, lock)
    require_reward(info)
    return ChosenReward(info, partial(open_reward, info, settings, paths, lock, force=force))


class OpenRewards:
    """Reward models that are opened once each, however many problems follow; the stack closes them."""

    def __init__(self, stack: ExitStack, paths: Paths, lock: Lock) -> None:
        self._stack = stack
        self._paths = paths
        self._lock = lock
        self._found: dict[str, Reward] = {}

    def of(self, settings: Settings, beside: ModelInfo, *, force: bool = False) -> Callable[[], Reward] | None:
        """What gives the reward model of these settings; None where none is wanted. Raises as `reward_loader`."""
        name = f"{settings.reward_server} {settings.reward_model} {settings.pick.kind} {settings.aggregate}"
        if name in self._found:
            return lambda: self._found[name]
        loader = reward_loader(settings, self._paths, self._lock, beside=beside, force=force)
        return None if loader is None else lambda: self._open(name, loader)

    def _open(self, name: str, loader: RewardLoader) -> Reward:
        if name not in self._found:
            self._found[name] = self._stack.enter_context(loader())
        return self._found[name]
