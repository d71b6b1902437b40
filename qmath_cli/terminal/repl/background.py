"""The model behind a session: loaded in the background while the user types, loaded anew when a setting demands it.

Loading cannot be interrupted half-way through a file, but waiting for it can: the session goes on, and the next problem
finds the model loaded. What went wrong while loading is raised where the model is first needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace

from qmath_cli.records import Mode, ModelFile, Protection
from qmath_cli.settings import Settings
from qmath_cli.solving.solve import Tools


@dataclass(frozen=True, slots=True)
class Ready:
    """A loaded model with what belongs to it."""

    model: ModelFile
    tools: Tools
    protection: Protection | None
    load_s: float


Open = Callable[[Settings], AbstractContextManager[Ready]]

#: Settings that can change without touching the model.
_FREE = ("stop_at", "seed", "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_programs")
_PRIVATE = ("render", "history")


class BackgroundModel:
    """At most one model at a time. Used from one thread; only the loading happens in another."""

    def __init__(self, open_: Open) -> None:
        self._open = open_
        self._loading: _Loading | None = None

    def prepare(self, settings: Settings) -> None:
        """Start loading what these settings need, unless it is there already."""
        wanted = _essence(settings)
        if self._loading is not None and self._loading.serves(wanted):
            return
        self.close()
        self._loading = _Loading(self._open, wanted)

    def waiting(self, settings: Settings) -> bool:
        """Whether `ready` would have to wait."""
        self.prepare(settings)
        return self._loading is not None and not self._loading.done.is_set()

    def ready(self, settings: Settings) -> Ready:
        """The loaded model; waits for it. Raises whatever loading raised, and tries again the next time."""
        self.prepare(settings)
        assert self._loading is not None
        self._loading.done.wait()
        if self._loading.error is not None:
            error, self._loading = self._loading.error, None
            raise error
        assert self._loading.ready is not None
        return self._loading.ready

    def close(self) -> None:
        """Give the model back; one that is still loading is closed as soon as it is there."""
        if self._loading is not None:
            self._loading.abandon()
            self._loading = None


class _Loading:
    """One attempt to load, in a thread of its own (a daemon: leaving does not wait for a file to be read)."""

    def __init__(self, open_: Open, settings: Settings) -> None:
        self._settings = settings
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._abandoned = False
        self.done = threading.Event()
        self.ready: Ready | None = None
        self.error: BaseException | None = None
        threading.Thread(target=self._run, args=(open_,), name="load", daemon=True).start()

    def serves(self, wanted: Settings) -> bool:
        """Whether this model will do; an executor that is there but not needed does no harm."""
        return wanted in {self._settings, replace(self._settings, mode=Mode.COT)}

    def abandon(self) -> None:
        """Close it now, or as soon as it is loaded."""
        with self._lock:
            self._abandoned = True
            if self.done.is_set():
                self._stack.close()

    def _run(self, open_: Open) -> None:
        try:
            self.ready = self._stack.enter_context(open_(self._settings))
        except BaseException as exc:  # noqa: BLE001  carried to the thread that asks, see `BackgroundModel.ready`
            self.error = exc
        with self._lock:
            self.done.set()
            if self._abandoned:
                self._stack.close()


def _essence(settings: Settings) -> Settings:
    """The settings with everything that the model does not depend on brought to its default."""
    plain = Settings()
    return replace(settings, **{name: getattr(plain, name) for name in (*_FREE, *_PRIVATE)})
