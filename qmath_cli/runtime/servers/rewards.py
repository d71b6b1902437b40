"""A reward model on the server that the setting `reward_server` names.

It is reached, and has scored one short solution, before anything is sampled: a server that was started for another
task looks like one that scores until it is asked to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from qmath_cli.engine.remote.address import parse_all
from qmath_cli.engine.remote.detect import reachable
from qmath_cli.engine.remote.http import KEY_VARIABLE, Access
from qmath_cli.engine.remote.reward import RemoteReward, ScoresSteps
from qmath_cli.errors import UsageError
from qmath_cli.models import served
from qmath_cli.models.hub import network
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting import chat, solution_steps
from qmath_cli.prompting.select import require_reward, reward_sentence
from qmath_cli.records import Mode, ModelKind, Rating, Reward, ServerInfo
from qmath_cli.runtime.servers.vocabulary import installed_vocabulary
from qmath_cli.settings import Settings
from qmath_cli.solving.raters import StepRater

PROBLEMS_AT_ONCE = 8  # in an evaluation; each has its own samples, which are scored at the same time, too
_PROBLEM, _SOLUTION = "What is $6*7$?", r"It is $\boxed{42}$."


class ServedReward:
    """A reward model that was reached. Called, it is opened: see `rewards.RewardLoader`.

    Attributes:
        info: The server.
        model: Its model.
    """

    def __init__(self, settings: Settings, wanted: ModelKind | None, paths: Paths, lock: Lock) -> None:
        """Reach it, and let it score.

        Args:
            settings: The server, which of its models is meant, and how the scores of steps become one number.
            wanted: Whether solutions are scored, or their steps; None: whatever the model scores.
            paths: Where models are kept, of which one may have the vocabulary.
            lock: models.lock.

        Raises:
            UsageError: It is no URL, or names several servers; or its model is known to score something else.
            ModelMissing: The server has no such model, or several that it could be.
            ServerUnusable: It cannot be reached, or does not score.
        """
        network.require_usable(os.environ)
        self._how = settings.aggregate
        self._paths = paths
        self._lock = lock
        self._access = reward_access(settings)
        found = reachable(self._access)
        name = served.choose([one.id for one in found.models], settings.reward_model, lock, found.address)
        self.info = found.info(name)
        model = served.served([self.info], lock)
        if model.kind.scores:  # otherwise its name does not tell
            require_reward(model, wanted)
            wanted = model.kind
        self.model = replace(model, kind=tried(self._access, self.info, wanted).kind)

    @contextmanager
    def __call__(self) -> Iterator[Reward]:
        """The reward model, for as long as the block lasts."""
        by_address = {self.info.address: self._access}
        with ExitStack() as stack:
            if self.model.kind is ModelKind.PROCESS_REWARD:  # only its own vocabulary is sure to have the mark
                steps = stack.enter_context(RemoteReward(self._access, self.info, mark=solution_steps.MARK))
                yield StepRater(steps, self._how)
                return
            file = installed_vocabulary(self.model, by_address, self._paths, self._lock)
            if file is not None:
                stack.callback(file.close)
            whole = stack.enter_context(RemoteReward(self._access, self.info, file))
            yield SideBySideRater(whole, reward_sentence(self.model))


@dataclass(frozen=True, slots=True)
class SideBySideRater:
    """Rates whole solutions as `OutcomeRater` does, all at the same time."""

    model: RemoteReward
    sentence: str = ""

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        """See `records.Reward`."""
        texts = list(dict.fromkeys(solutions))
        found = self.model.scores([chat.conversation(problem, mode, text, self.sentence) for text in texts])
        scores = dict(zip(texts, found, strict=True))
        return tuple(Rating(scores[text]) for text in solutions)


def reward_access(settings: Settings) -> Access:
    """The reward model's server, with the key. Raises `UsageError` for what is none, or several."""
    found = [Access(address, os.environ.get(KEY_VARIABLE, "")) for address in parse_all(settings.reward_server)]
    if len(found) != 1:
        raise UsageError("--reward-server takes the URL of one server", "give it once")
    _ = found[0].headers  # a key that no header can carry is refused before anything is sent
    return found[0]


@dataclass(frozen=True, slots=True)
class ScoringTrial:
    """What a server made of a short solution: whether it scores the whole or the steps, and the score in words."""

    kind: ModelKind
    words: str


def tried(access: Access, info: ServerInfo, kind: ModelKind | None) -> ScoringTrial:
    """Let a server score a short solution.

    Args:
        access: The server.
        info: What it is.
        kind: Whether the whole has to be scored, or the steps; None: either.

    Raises:
        ServerUnusable: It does not score.
    """
    with RemoteReward(access, info, mark=solution_steps.MARK) as reward:
        if kind is not ModelKind.PROCESS_REWARD:
            try:
                score = reward.score(chat.conversation(_PROBLEM, Mode.COT, _SOLUTION))
            except ScoresSteps:
                if kind is not None:
                    raise
            else:
                return ScoringTrial(ModelKind.REWARD, f"scores solutions: {score:.2f} for a right one")
        ratings = StepRater(reward).rate(_PROBLEM, Mode.COT, [_SOLUTION])
        return ScoringTrial(ModelKind.PROCESS_REWARD, f"scores steps: {ratings[0].value:.2f} for a right one")
