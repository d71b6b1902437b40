"""Which reward model scores a solution where none is named."""

from __future__ import annotations

from qmath_cli.errors import ModelMissing
from qmath_cli.models import store
from qmath_cli.models.installed import Installed
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.memory import memory
from qmath_cli.paths import Paths
from qmath_cli.records import ModelKind


def best_reward(paths: Paths, lock: Lock) -> Installed:
    """The installed model that says most of a solution.

    One that scores steps comes before one that scores the whole, a larger one before a smaller one, where it fits into
    memory. The demo's come last. One whose licence forbids commercial use is never chosen: it must be named.

    Raises:
        ModelMissing: No reward model is installed.
    """
    machine = memory()
    found = [entry for entry in store.installed(paths, lock) if entry.model.kind.scores and not entry.missing]
    found = [entry for entry in found if not entry.model.restriction]
    if not found:
        raise ModelMissing("no reward model is installed", "qmath pull prm-7b")
    fitting = [entry for entry in found if machine is None or entry.size < machine.total]
    return max(fitting or found, key=_preference)


def _preference(entry: Installed) -> tuple[bool, bool, int, bool]:
    model = entry.model
    preferred = entry.quantization == store.DEFAULT_QUANTIZATION
    return not model.embedded, model.kind is ModelKind.PROCESS_REWARD, model.parameters or 0, preferred
