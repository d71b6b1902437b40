"""What works here, what does not, and the command that helps. Every check is a function that returns one finding.

Nothing is changed, nothing is downloaded. What a check needs to be told about the terminal comes in as `Screen`, so
that this room neither reads the environment nor draws.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qmath_cli.engine.llama import builds, preflight
from qmath_cli.engine.llama.devices import choose, devices
from qmath_cli.engine.llama.library import library
from qmath_cli.errors import QmathError
from qmath_cli.models import fit, lockfile, memory, store
from qmath_cli.models.store import State
from qmath_cli.paths import Paths
from qmath_cli.records import Protection
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits
from qmath_cli.settings import Settings


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finding; `fix` is a command to copy, or empty."""

    name: str
    status: Status
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """What the terminal can show, as those found out who write to it."""

    tty: bool
    encoding: str
    unicode: bool
    colour: bool
    columns: int


@dataclass(frozen=True, slots=True)
class Installation:
    """What is examined."""

    settings: Settings
    paths: Paths
    screen: Screen


Check = Callable[[Installation], CheckResult]


def examine(patient: Installation) -> Iterator[CheckResult]:
    """Every check, in the order in which one depends on another. Never raises for what it finds."""
    for check in CHECKS:
        try:
            yield check(patient)
        except QmathError as exc:
            yield CheckResult(_name(check), Status.PROBLEM, exc.message, exc.hint)
        except OSError as exc:
            yield CheckResult(_name(check), Status.PROBLEM, f"cannot be found out: {exc}")


def _name(check: Check) -> str:
    return check.__name__.removeprefix("check_").replace("_", " ")


# ---------------------------------------------------------------- the interpreter and llama.cpp


def check_python(_patient: Installation) -> CheckResult:
    """Version and architecture; an Intel Python on Apple silicon runs everything ten times slower."""
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.platform == "darwin" and platform.machine() == "x86_64" and _apple_silicon():
        fix = "install a Python for arm64, for example with: brew install python"
        return CheckResult("python", Status.WARNING, f"{detail}, translated: this is an Apple silicon machine", fix)
    return CheckResult("python", Status.OK, detail)


def check_llama_cpp(_patient: Installation) -> CheckResult:
    """Which build is installed."""
    return CheckResult("llama cpp", Status.OK, f"{builds.installed().name}; CPU: {builds.cpu_name()}")


def check_preflight(patient: Installation) -> CheckResult:
    """Whether this build survives a decode here."""
    verdict = _verdict(patient)
    if verdict.way is None:
        return CheckResult("preflight", Status.PROBLEM, verdict.note, verdict.rebuild)
    if verdict.note:
        return CheckResult("preflight", Status.WARNING, verdict.note, verdict.rebuild)
    return CheckResult("preflight", Status.OK, "a decode in a child process survived, with every feature on")


def check_build(patient: Installation) -> CheckResult:
    """The build's own list of features."""
    _verdict(patient).require()
    info: bytes = library().lib.llama_print_system_info()
    return CheckResult("build", Status.OK, info.decode("utf-8", "replace").strip(" |"))


def check_devices(patient: Installation) -> CheckResult:
    """Devices found against devices used; a GPU that this build cannot use is worth a warning."""
    _verdict(patient).require()
    here = devices()
    used = choose(patient.settings.device, here)
    found = ", ".join(f"{device.name} ({device.description})" for device in here)
    detail = f"found: {found}; used: {used.name if used else 'CPU'}"
    if used is None and patient.settings.device == "auto" and (build := _better_build()):
        return CheckResult("devices", Status.WARNING, f"{detail}; there is a GPU that this build cannot use", build)
    return CheckResult("devices", Status.OK, detail)


def _verdict(patient: Installation) -> preflight.Preflight:
    """From the cache where it is known; else the child runs now, once."""
    demo = store.locate("demo", patient.paths)
    return preflight.check(demo.path, patient.paths.cache, patient.settings.device)


def _better_build() -> str:
    """The command that builds llama.cpp for the GPU that seems to be here; empty where none does."""
    if sys.platform == "darwin" and _apple_silicon():
        return _rebuild("-DGGML_METAL=on")
    return _rebuild("-DGGML_CUDA=on") if shutil.which("nvidia-smi") else ""


def _rebuild(flag: str) -> str:
    return f'CMAKE_ARGS="{flag}" pip install --force-reinstall --no-cache-dir llama-cpp-python'


def _apple_silicon() -> bool:
    done = subprocess.run(["/usr/sbin/sysctl", "-n", "hw.optional.arm64"], capture_output=True, text=True, check=False)
    return done.stdout.strip() == "1"


# ---------------------------------------------------------------- memory, disk, models


def check_memory(_patient: Installation) -> CheckResult:
    """What is free now."""
    found = memory.memory()
    if found is None:
        return CheckResult("memory", Status.WARNING, "this system does not say how much memory is free")
    return CheckResult("memory", Status.OK, f"{fit.size(found.available)} free of {fit.size(found.total)}")


def check_disk(patient: Installation) -> CheckResult:
    """What is free where models are kept."""
    folder = patient.paths.models
    return CheckResult("disk", Status.OK, f"{fit.size(memory.free_disk(_existing(folder)))} free for {folder}")


def check_models(patient: Installation) -> CheckResult:
    """The models on this disk, and whether their files are as recorded."""
    found = store.installed(patient.paths, lockfile.load())
    states = {entry.name: store.state(entry, patient.paths) for entry in found}
    detail = ", ".join(f"{name} ({state})" for name, state in states.items()) or "none"
    broken = [name for name, state in states.items() if state in {State.CHANGED, State.INCOMPLETE}]
    if broken:
        return CheckResult("models", Status.PROBLEM, detail, f"qmath verify {broken[0]}")
    if all(entry.model.embedded for entry in found):
        return CheckResult("models", Status.WARNING, f"only the demo: {detail}", "qmath pull 1.5b-instruct")
    return CheckResult("models", Status.OK, detail)


def check_model(patient: Installation) -> CheckResult:
    """The model that a solve would use with these settings."""
    found = store.locate(patient.settings.model, patient.paths)
    return CheckResult("model", Status.OK, f"{found.name}: {found.path}")


def check_paths(patient: Installation) -> CheckResult:
    """Whether the folders can be written."""
    paths = patient.paths
    folders = {"data": paths.data, "state": paths.state, "cache": paths.cache}
    closed = [name for name, folder in folders.items() if not os.access(_existing(folder), os.W_OK)]
    detail = ", ".join(f"{name} {folder}" for name, folder in folders.items())
    if closed:
        fix = "QMATH_HOME=FOLDER puts everything where you say"
        return CheckResult("paths", Status.WARNING, f"{detail}; not writable: {', '.join(closed)}", fix)
    return CheckResult("paths", Status.OK, detail)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


# ---------------------------------------------------------------- programs, the terminal, the network


def check_executor(patient: Installation) -> CheckResult:
    """What holds programs back, as probed in a worker."""
    settings = patient.settings
    limits = Limits(seconds=settings.exec_timeout, memory=settings.exec_memory << 20)
    with RestrictedExecutor(limits, preload=(), spares=False) as executor:
        protection = executor.protection
        held = ", ".join(f"{layer.guard}: {layer.hold}" for layer in executor.layers)
    detail = f"{protection} restriction ({held})"
    if protection is Protection.FULL:
        return CheckResult("executor", Status.OK, detail)
    return CheckResult("executor", Status.WARNING, detail, "qmath exec --layers shows why")


def check_terminal(patient: Installation) -> CheckResult:
    """How mathematics will look."""
    screen = patient.screen
    if not screen.tty:
        return CheckResult("terminal", Status.OK, f"not a terminal ({screen.encoding}): LaTeX is left as it is")
    colours = "colours" if screen.colour else "no colours"
    detail = f"{screen.encoding}, {screen.columns} columns, {colours}"
    if not screen.unicode:
        return CheckResult("terminal", Status.WARNING, f"{detail}; mathematics in ASCII", "export LANG=C.UTF-8")
    if screen.columns < 60:
        return CheckResult("terminal", Status.WARNING, f"{detail}: wide formulas will be broken")
    return CheckResult("terminal", Status.OK, detail)


def check_network(_patient: Installation) -> CheckResult:
    """The promise, in words: nothing here tests a connection."""
    return CheckResult("network", Status.OK, "not needed: only pull, and convert of a hub repository, open a socket")


CHECKS: tuple[Check, ...] = (
    check_python,
    check_llama_cpp,
    check_preflight,
    check_build,
    check_devices,
    check_memory,
    check_disk,
    check_paths,
    check_models,
    check_model,
    check_executor,
    check_terminal,
    check_network,
)
