"""The preflight check: does this build of llama.cpp run on this CPU, and with which features?

A native build can crash at its first decode: SIGILL from a wheel that was built for a newer CPU, SIGSEGV from a
compiler defect (llama.cpp built by GCC on CPUs with AMX: github.com/ggml-org/llama.cpp/issues/20824). `check` therefore
starts a child process that decodes a few tokens with the embedded demo model, first with all features, then with fewer,
until a child succeeds. The result is cached per build, CPU and device. llama_cpp is not imported in this process, so
that a cached result costs only a few file stats.
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
from qmath_cli.errors import EngineUnusable, ExitCode, UsageError
from qmath_cli.files import write_json

_TIMEOUT_S = 180  # for a decode that takes less than a second
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


class Features(StrEnum):
    """Which features of llama.cpp are used. Each level has the restrictions of the one before it."""

    FULL = "full"
    NO_REPACKING = "no repacking"  # use_extra_bufts off: no AMX tiles, no weights repacked for this CPU's kernels
    PLAIN = "plain"  # also no flash attention and no GPU


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one child process; `failure` names the signal or the error that ended it, empty if it succeeded."""

    features: Features
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a child process found: `failure` as in `Trial`, and `repacked` as in `Preflight`."""

    failure: str = ""
    repacked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preflight:
    """The result of the check: the features that work (None: the build does not run), and all trials.

    `repacked` has the types of weights of which llama.cpp keeps a second copy in this CPU's layout, such as `Q4_K`.
    """

    features: Features | None = Features.FULL
    trials: tuple[Trial, ...] = ()
    build: str = ""
    rebuild: str = ""  # the command that builds llama.cpp so that all features work; empty if they do
    repacked: tuple[str, ...] = ()

    @property
    def extra_buffers(self) -> bool:
        """Whether weights may be repacked for this CPU's matrix instructions."""
        return self.features is Features.FULL

    @property
    def plain(self) -> bool:
        """Whether flash attention and GPUs must not be used."""
        return self.features is Features.PLAIN

    @property
    def note(self) -> str:
        """One sentence for the user if not all features work; empty if they do."""
        if not self.trials or self.features is Features.FULL:
            return ""
        reasons = "; ".join(f"{trial.features}: {trial.failure}" for trial in self.trials if trial.failure)
        result = f"runs only with restrictions ('{self.features}')" if self.features else "does not run"
        return f"this build of llama.cpp {result} on this CPU ({reasons})"

    def require(self) -> None:
        """Raise `EngineUnusable` if this build does not run."""
        if self.features is None:
            raise EngineUnusable(self.note, f"rebuild it for this CPU: {self.rebuild}")


Probe = Callable[[Path, Features, str], Attempt]
"""Tries a model on a device with these features."""


def check(model: Path, cache: Path, device: str = "auto", probe: Probe | None = None) -> Preflight:
    """Check this build on this CPU and device, or return the cached result.

    Args:
        model: A small GGUF model to decode with.
        cache: Folder for the cached result.
        device: As in `--device`.
        probe: Runs one trial; for tests. The default is `run_child`.

    Returns:
        The result. A build that does not run is not an error here: see `Preflight.require`.

    Raises:
        EngineUnusable: llama_cpp is not installed.
        UsageError: There is no such device here.
    """
    build = builds.installed()
    key = f"{build.key}/{device}"
    file = cache / "preflight.json"
    cached = _read_cached(file, key, build)
    if cached is not None:
        return cached
    result = _try_all(model, device, build, probe or run_child)
    if result.features is not None:  # a build that does not run is checked again: the user is about to replace it
        _write_cached(file, key, result)
    return result


def run_child(model: Path, features: Features, device: str) -> Attempt:
    """Decode a few tokens in a child process.

    Args:
        model: A GGUF model.
        features: The features to use.
        device: As in `--device`.

    Returns:
        What it found; `failure` is the name of the signal or the error message that ended it.

    Raises:
        UsageError: There is no such device here.
    """
    command = [sys.executable, "-m", "qmath_cli.engine.llama.probe", str(model), features.name, device]
    paths = [str(_PACKAGE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with ExitStack() as stack:
        with _signals_deferred():
            child = subprocess.Popen(command, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)
            stack.callback(_kill, child)
        try:
            found, errors = child.communicate(timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return Attempt(f"no result within {_TIMEOUT_S} seconds")
        text = errors.decode("utf-8", "replace")
        if child.returncode == ExitCode.USAGE:  # the device does not exist: no fault of the build
            raise UsageError(*text.strip("\n").split("\n")[-2:])
        return Attempt(_failure(child.returncode, text), tuple(found.decode("utf-8", "replace").split()))


@contextlib.contextmanager
def _signals_deferred() -> Iterator[None]:
    """Postpone the handlers of SIGINT and SIGTERM while a child is started.

    An exception raised inside `Popen` would leave a running child without a handle on it. A signal mask does not help:
    it applies to one thread, and Python runs handlers in the main thread whichever thread received the signal.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread() or None in handlers.values():
        yield  # Python runs no handlers in other threads, and cannot restore handlers that were set by C code
        return
    received: list[int] = []
    try:
        for number in handlers:
            signal.signal(number, lambda which, _frame: received.append(which))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for which in received:
            signal.raise_signal(which)


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill the child if it still runs, and reap it."""
    with child:  # closes its pipe and waits for it
        child.kill()


def _failure(code: int, errors: str) -> str:
    """Describe an exit code; empty for 0. On Windows the code of a crash is an NTSTATUS such as 0xC0000005."""
    if code == 0:
        return ""
    if code < 0:
        return signal.Signals(-code).name
    if code >= 0xC0000000:
        return f"crash {code:#x}"
    lines = errors.strip().splitlines()
    return lines[-1] if lines else f"exit code {code}"


def _try_all(model: Path, device: str, build: builds.Build, probe: Probe) -> Preflight:
    """Run trials with fewer and fewer features until one succeeds."""
    trials: list[Trial] = []
    for features in Features:
        attempt = probe(model, features, device)
        trials.append(Trial(features, attempt.failure))
        if not attempt.failure:
            rebuild = "" if features is Features.FULL else builds.rebuild_line()
            return Preflight(features, tuple(trials), build.name, rebuild, attempt.repacked)
    return Preflight(None, tuple(trials), build.name, builds.rebuild_line())


def _read_cached(file: Path, key: str, build: builds.Build) -> Preflight | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))[key]
        trials = tuple(Trial(Features(features), failure) for features, failure in found["trials"])
        repacked = tuple(map(str, found["repacked"]))
        return Preflight(Features(found["features"]), trials, build.name, str(found["rebuild"]), repacked)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the file is missing, damaged, or of another version: check again


def _write_cached(file: Path, key: str, result: Preflight) -> None:
    entry = {
        "features": result.features,
        "trials": [[trial.features, trial.failure] for trial in result.trials],
        "rebuild": result.rebuild,
        "repacked": result.repacked,
    }
    with contextlib.suppress(OSError):  # without a cache the check only takes longer
        write_json(file, {**_cached_entries(file), key: entry})


def _cached_entries(file: Path) -> dict[str, object]:
    """All entries of the cache file; empty if it is missing or damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
