"""Whether this build of llama.cpp survives on this CPU: found out in a child process, once, and remembered.

A native build can die by a signal at its first decode: SIGILL from a wheel built for a newer CPU, SIGSEGV from a
compiler defect (llama.cpp built by GCC on CPUs with AMX: github.com/ggml-org/llama.cpp/issues/20824). Only a child may
find that out. `check` lets one decode a few tokens with the embedded demo model, in the first way of `Way` that
survives, and keeps the verdict in the cache folder for as long as the build, the CPU and the device stay the same.
It never imports llama_cpp itself: a cached verdict costs a few file stats.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from subprocess import DEVNULL, PIPE

from qmath_cli.engine.llama import builds
from qmath_cli.errors import EngineUnusable
from qmath_cli.files import write_json

_PATIENCE = 180  # seconds for a decode that takes a fraction of one
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


class Way(StrEnum):
    """How llama.cpp is used, from all its features to the fewest; each includes the restrictions before it."""

    FULL = "full"
    NO_REPACKING = "no repacking"  # use_extra_bufts off: no AMX tiles, no weights repacked for the CPU's own kernels
    PLAIN = "plain"  # no flash attention, no GPU either


@dataclass(frozen=True, slots=True)
class Trial:
    """One way that was tried; `failure` is empty if the child survived, else what ended it (`SIGILL`, a message)."""

    way: Way
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Preflight:
    """The verdict: the way that works, None if none does, and what was tried before it."""

    way: Way | None = Way.FULL
    trials: tuple[Trial, ...] = ()
    build: str = ""
    rebuild: str = ""  # the command that would give the full way back; empty where nothing is missing

    @property
    def extra_buffers(self) -> bool:
        """Whether weights may be repacked for this CPU's matrix instructions."""
        return self.way is Way.FULL

    @property
    def plain(self) -> bool:
        """Whether flash attention and GPUs are to be left alone."""
        return self.way is Way.PLAIN

    @property
    def note(self) -> str:
        """One sentence for people where something had to be given up; empty where nothing had."""
        if not self.trials or self.way is Way.FULL:
            return ""
        reasons = "; ".join(f"{trial.way}: {trial.failure}" for trial in self.trials if trial.failure)
        kept = f"runs in the way '{self.way}'" if self.way else "does not run at all"
        return f"this build of llama.cpp {kept} on this CPU ({reasons})"

    def require(self) -> None:
        """Raise `EngineUnusable` where no way works."""
        if self.way is None:
            raise EngineUnusable(self.note, f"rebuild it for this CPU: {self.rebuild}")


Probe = Callable[[Path, Way, str], str]
"""Tries one way with a model on a device; returns what went wrong, empty for nothing."""


def check(model: Path, cache: Path, device: str = "auto", probe: Probe | None = None) -> Preflight:
    """The verdict for this build, CPU and device, from the cache where it is known.

    Raises `EngineUnusable` only where llama_cpp is not installed; a build that cannot run is a verdict without a way.
    """
    build = builds.installed()
    key = f"{build.key}/{device}"
    file = cache / "preflight.json"
    known = _recall(file, key, build)
    if known is not None:
        return known
    verdict = _try_ways(model, device, build, probe or run_child)
    if verdict.way is not None:  # a build that does not run at all is asked again: the user is about to change it
        _remember(file, key, verdict)
    return verdict


def run_child(model: Path, way: Way, device: str) -> str:
    """Decode a few tokens in a child process; say what ended it, or nothing."""
    command = [sys.executable, "-m", "qmath_cli.engine.llama.probe", str(model), way.name, device]
    paths = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with ExitStack() as stack:
        with _signals_held():
            child = subprocess.Popen(command, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
            stack.callback(_end, child)
        try:
            _out, complaint = child.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            return f"no end within {_PATIENCE} seconds"
        return _failure(child.returncode, complaint.decode("utf-8", "replace"))


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Let the handlers of Ctrl-C and SIGTERM wait while a child is started.

    What they raise out of `Popen` would leave a child that nobody knows of. A signal mask would not do: it is the
    thread's own, and Python's handlers run in the main thread whichever thread the signal came to.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread() or None in handlers.values():
        yield  # nothing is raised here
        return
    came: list[int] = []
    try:
        for number in handlers:
            signal.signal(number, lambda which, _frame: came.append(which))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for which in came:
            signal.raise_signal(which)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill and reap a child, which may have ended long ago."""
    with child:  # closes its pipe and waits for it
        child.kill()


def _failure(code: int, complaint: str) -> str:
    """What an exit code says; on Windows a crash is an NTSTATUS, 0xC0000005 and its like."""
    if code == 0:
        return ""
    if code < 0:
        return signal.Signals(-code).name
    if code >= 0xC0000000:
        return f"crash {code:#x}"
    lines = complaint.strip().splitlines()
    return lines[-1] if lines else f"exit code {code}"


def _try_ways(model: Path, device: str, build: builds.Build, probe: Probe) -> Preflight:
    trials: list[Trial] = []
    for way in Way:
        trials.append(Trial(way, probe(model, way, device)))
        if not trials[-1].failure:
            return Preflight(way, tuple(trials), build.name, "" if way is Way.FULL else builds.rebuild_line())
    return Preflight(None, tuple(trials), build.name, builds.rebuild_line())


def _recall(file: Path, key: str, build: builds.Build) -> Preflight | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))[key]
        trials = tuple(Trial(Way(way), failure) for way, failure in found["trials"])
        return Preflight(Way(found["way"]), trials, build.name, str(found["rebuild"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no cache, an old one or a damaged one: find out again


def _remember(file: Path, key: str, verdict: Preflight) -> None:
    entry = {
        "way": verdict.way,
        "trials": [[trial.way, trial.failure] for trial in verdict.trials],
        "rebuild": verdict.rebuild,
    }
    with contextlib.suppress(OSError):  # a cache that cannot be written is paid for with time, not with an error
        write_json(file, {**_others(file), key: entry})


def _others(file: Path) -> dict[str, object]:
    """What the cache holds already."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
