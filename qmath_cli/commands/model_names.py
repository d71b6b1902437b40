"""Which models a press of TAB in the shell offers: those that a command can take.

Nothing is imported before it is pressed, and nothing is said of what cannot be read: nobody would see the message.
"""

from __future__ import annotations

from qmath_cli.commands.invocation import Invocation


def complete_pullable(incomplete: str) -> list[str]:
    """Names of the models that `qmath pull` gets and that are not here yet, for shell completion."""
    from qmath_cli.models.lockfile import load

    here = set(_installed_names())
    names = [model.name for model in load().models if not model.embedded and model.name not in here]
    return _matching(incomplete, names)


def complete_reward(incomplete: str) -> list[str]:
    """Names of the installed reward models, for shell completion."""
    return _matching(incomplete, _installed_names(reward=True))


def complete_model(incomplete: str) -> list[str]:
    """Names of the installed models that solve problems, for shell completion."""
    return _matching(incomplete, _installed_names(reward=False))


def complete_installed(incomplete: str) -> list[str]:
    """Names of the installed models, for shell completion."""
    return _matching(incomplete, _installed_names())


def complete_removable(incomplete: str) -> list[str]:
    """Names of the installed models that are not part of the package, for shell completion."""
    return _matching(incomplete, _installed_names(embedded=False))


def _installed_names(*, embedded: bool = True, reward: bool | None = None) -> list[str]:
    """Every installed model's name, without and with its quantization; none where they cannot be read.

    Args:
        embedded: Also those that are part of the package.
        reward: Only reward models, or only the others; None: all.
    """
    from qmath_cli.errors import QmathError
    from qmath_cli.models import lockfile, store
    from qmath_cli.terminal.output import Terminal

    try:
        found = store.installed(Invocation(Terminal.standard()).paths, lockfile.load())
    except QmathError:  # nobody would see the message
        return []
    kept = [entry for entry in found if embedded or not entry.model.embedded]
    kept = [entry for entry in kept if reward is None or entry.model.kind.scores == reward]
    return [name for entry in kept for name in (entry.model.name, entry.name)]


def _matching(incomplete: str, names: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete.lower())]
