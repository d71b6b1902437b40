"""A reward model on the server that the setting `reward_server` names.

It is reached, and has scored one short solution, before anything is sampled: a server that was started for another
task looks like one that scores until it is asked to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from qmath_cli.engine.remote.address import parse_all
from qmath_cli.engine.remote.detect import reachable
from qmath_cli.engine.remote.http import KEY_VARIABLE, Access
from qmath_cli.engine.remote.pooling import endpoint
from qmath_cli.engine.remote.reward import RemoteReward
from qmath_cli.errors import UsageError
from qmath_cli.models import served
from qmath_cli.models.hub import network
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting import chat
from qmath_cli.records import Mode, ModelKind, Prompt, Segment, ServerInfo
from qmath_cli.runtime.servers.vocabulary import installed_vocabulary
from qmath_cli.settings import Settings

_PROBLEM, _SOLUTION = "What is $6*7$?", r"It is $\boxed{42}$."


class ServedReward:
    """A reward model that was reached, and can be opened any number of times."""

    def __init__(self, settings: Settings, paths: Paths, lock: Lock) -> None:
        """Reach it, and let it score.

        Raises:
            UsageError: It is no URL, or names several servers.
            ModelMissing: The server has no such model, or several that it could be.
            ServerUnusable: It cannot be reached, or does not score.
        """
        network.require_usable(os.environ)
        self._paths = paths
        self._lock = lock
        self.access = reward_access(settings)
        found = reachable(self.access)
        name = served.choose([one.id for one in found.models], settings.reward_model, lock, found.address)
        self.info = found.info(name)
        endpoint(self.info)
        tried(self.access, self.info, ModelKind.REWARD)

    @contextmanager
    def opened(self) -> Iterator[RemoteReward]:
        """The reward model, for as long as the block lasts."""
        model = served.served([self.info], self._lock)
        file = installed_vocabulary(model, {self.info.address: self.access}, self._paths, self._lock)
        try:
            with RemoteReward(self.access, self.info, file) as reward:
                yield reward
        finally:
            if file is not None:
                file.close()


def reward_access(settings: Settings) -> Access:
    """The reward model's server, with the key. Raises `UsageError` for what is none, or several."""
    found = [Access(address, os.environ.get(KEY_VARIABLE, "")) for address in parse_all(settings.reward_server)]
    if len(found) != 1:
        raise UsageError("--reward-server takes the URL of one server", "give it once")
    _ = found[0].headers  # a key that no header can carry is refused before anything is sent
    return found[0]


def tried(access: Access, info: ServerInfo, kind: ModelKind) -> str:
    """What a server makes of a short solution, in words.

    Args:
        access: The server.
        info: What it is.
        kind: PROCESS_REWARD: the steps have to be scored; otherwise the whole.

    Raises:
        ServerUnusable: It does not score.
    """
    with RemoteReward(access, info) as reward:
        if kind is ModelKind.PROCESS_REWARD:
            opening = Prompt((*chat.system(chat.SYSTEM[Mode.COT]), Segment(_PROBLEM), chat.ASSISTANT))
            ((score, *_),) = (one or (0.0,) for one in reward.score_steps(opening, [[Prompt((Segment(_SOLUTION),))]]))
            return f"scores steps: {score:.2f} for a right one"
        score = reward.score(chat.conversation(_PROBLEM, Mode.COT, _SOLUTION))
        return f"scores solutions: {score:.2f} for a right one"
