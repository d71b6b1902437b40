"""Which model a session uses: those that are here, and whether another one could take over.

A model is looked at before the session changes to it, so that a wrong name leaves the session as it was: does it exist,
is it sound, does it solve problems in the mode that is set, does it fit into memory. Only loading can fail later.
"""

from __future__ import annotations

from pathlib import Path

from qmath_cli.errors import QmathError, UsageError
from qmath_cli.models import fit, store
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.select import select
from qmath_cli.records import AnswerLanguage, Language, ModelInfo
from qmath_cli.runtime.need import require_memory
from qmath_cli.settings import Settings
from qmath_cli.terminal.tables import columns

FIRST_WORDS = "type a problem, or /help"


def names(paths: Paths, lock: Lock) -> tuple[str, ...]:
    """The names of the models that are here and solve problems, without and with their quantization."""
    found = (entry for entry in store.installed(paths, lock) if not entry.model.kind.scores)
    return tuple(dict.fromkeys(name for entry in found for name in (entry.model.name, entry.name)))


def listed(settings: Settings, paths: Paths, lock: Lock) -> list[str]:
    """One line per model that is here and solves problems, a star before the one that the session uses."""
    found = [entry for entry in store.installed(paths, lock) if not entry.model.kind.scores]
    used = _used(settings, paths, lock)
    rows = [("*" if entry.name == used else "", entry.name, fit.size(entry.size)) for entry in found]
    if used not in {entry.name for entry in found}:
        rows.append(("*", used, ""))
    return columns(rows, right=frozenset({2}))


def checked(
    name: str, settings: Settings, paths: Paths, lock: Lock, *, force: bool = False, held: int = 0
) -> ModelInfo:
    """A model that the session could change to.

    Args:
        name: A model's name, or a path.
        settings: Those of the session.
        paths: Where models are.
        lock: All released models.
        force: Also one that does not seem to fit into memory.
        held: Bytes that the present model has allocated and would give back.

    Raises:
        QmathError: What is wrong with it, and what helps.
    """
    info = describe(name, paths, lock)
    try:
        select(info, Language.EN, settings.mode)
    except UsageError as exc:
        if settings.mode is None:
            raise
        other = select(info, Language.EN).mode  # raises where no mode would do
        hint = f"/mode {other}, then /model {name} again"
        raise UsageError(f"{info.name} has no mode {settings.mode}, which is set", hint) from exc
    if not force:
        require_memory(info, settings, paths, lock, settings.k, held=held)
    return info


def opening(settings: Settings, paths: Paths, lock: Lock) -> str:
    """The first line of a session: model, mode, language, and what to do.

    Raises:
        QmathError: As `checked`, but for memory, which loading looks at.
    """
    info = checked(settings.model, settings, paths, lock, force=True)
    mode = select(info, Language.EN, settings.mode).mode
    name = Path(info.name).name if info.name.endswith(".gguf") else info.name
    return f"qmath: {name}, mode {mode}, {_LANGUAGES[settings.language]}; {FIRST_WORDS}"


_LANGUAGES = {
    AnswerLanguage.AUTO: "in the problem's language",
    AnswerLanguage.EN: "in English",
    AnswerLanguage.ZH: "in Chinese",
}


def _used(settings: Settings, paths: Paths, lock: Lock) -> str:
    try:
        return describe(settings.model, paths, lock).name
    except QmathError:  # it is gone, or there is none; the session says so where it is needed
        return settings.model or "(none)"
