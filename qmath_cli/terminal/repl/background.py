"""The model behind a session: loaded in a thread while the user types, loaded again when a setting demands it.

A load cannot be interrupted half-way through a file, but waiting for it can: the session continues, and the next
problem finds the model loaded. What went wrong while loading is raised where the model is first needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from qmath_cli.completion import Completion
from qmath_cli.records import Mode
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Settings

Open = Callable[[Settings], AbstractContextManager[OpenTools]]

#: Settings that can change while the model stays loaded.
_FREE = (
    *("stop_at", "seed", "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_programs"),
    *("render", "history", "language", "try_unknown"),
)


class BackgroundModel:
    """At most one open model at a time. Used from one thread; only the loading happens in another."""

    def __init__(self, open_: Open) -> None:
        self._open = open_
        self._loading: _Loading | None = None

    def prepare(self, settings: Settings) -> None:
        """Start loading what these settings need, unless it is loaded or loading."""
        self._current(settings)

    def waiting(self, settings: Settings) -> bool:
        """Whether `ready` would have to wait."""
        return not self._current(settings).completion.ended

    def ready(self, settings: Settings) -> OpenTools:
        """The open model, after waiting for it. Raises what loading raised; the next call tries again."""
        loading = self._current(settings)
        loading.completion.wait()
        if loading.opened is None:
            self._loading = None
            raise loading.error or RuntimeError("a model was neither loaded nor refused")
        return loading.opened

    def close(self) -> None:
        """Close the model; one that is still loading is closed once it is loaded."""
        if self._loading is not None:
            self._loading.abandon()
            self._loading = None

    def _current(self, settings: Settings) -> _Loading:
        """The load that serves these settings, started if there is none."""
        needed = _needed(settings)
        if self._loading is None or not self._loading.serves(needed):
            self.close()
            self._loading = _Loading(self._open, needed)
        return self._loading


class _Loading:
    """One load, in a daemon thread: leaving the program does not wait for a file to be read."""

    def __init__(self, open_: Open, settings: Settings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._abandoned = False
        self.completion = Completion()
        self.opened: OpenTools | None = None
        self.error: BaseException | None = None
        threading.Thread(target=self._run, args=(open_,), name="load", daemon=True).start()

    def serves(self, needed: Settings) -> bool:
        """Whether this model will do; an executor that is open and not needed does no harm."""
        return needed in {self._settings, replace(self._settings, mode=Mode.COT)}

    def abandon(self) -> None:
        """Close it now, or as soon as it is loaded."""
        with self._lock:
            self._abandoned = True
            if self.completion.ended:
                self._stack.close()

    def _run(self, open_: Open) -> None:
        try:
            self.opened = self._stack.enter_context(open_(self._settings))
        except BaseException as exc:  # noqa: BLE001  raised in the thread that needs the model: see `ready`
            self.error = exc
        with self._lock:
            self.completion.set()
            if self._abandoned:
                self._stack.close()


def _needed(settings: Settings) -> Settings:
    """The settings with everything that the model does not depend on set to its default."""
    plain = Settings()
    mode = Mode.COT if settings.mode is Mode.COT else None  # every other mode needs the executor
    stop_at = settings.stop_at if settings.k > 1 else plain.stop_at  # how many samples run at once follows it
    return replace(settings, **{name: getattr(plain, name) for name in _FREE} | {"mode": mode, "stop_at": stop_at})
