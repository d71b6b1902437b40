"""The checks of `qmath doctor`. Each is a function that examines one part of the installation and returns a result.

A check changes nothing and downloads nothing; only the preflight's result is cached. The caller describes the terminal
(`Screen`), so that this module neither reads the environment nor prints.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.doctor.results import CheckResult, Status
from qmath_cli.engine.llama import builds, preflight
from qmath_cli.engine.llama.devices import choose, devices, supports
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.model import vocabulary_warnings
from qmath_cli.errors import QmathError
from qmath_cli.models import fit, memory, store
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.store import State
from qmath_cli.paths import Paths
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, ModelFamily, Protection
from qmath_cli.runtime import tuning
from qmath_cli.runtime.executors import open_single_executor
from qmath_cli.runtime.need import need, repacked_types
from qmath_cli.sandbox.limits import Hold, Layer
from qmath_cli.settings import Settings


@dataclass(frozen=True, slots=True)
class Screen:
    """What stdout can show.

    Attributes:
        tty: Whether it is a terminal.
        encoding: Its encoding.
        unicode: Whether mathematics is drawn with Unicode characters.
        colour: Whether colours are used.
        columns: Its width in characters.
    """

    tty: bool
    encoding: str
    unicode: bool
    colour: bool
    columns: int


@dataclass(frozen=True, slots=True)
class Installation:
    """What is examined: the settings, the folders, the list of models, and the terminal."""

    settings: Settings
    paths: Paths
    lock: Lock
    screen: Screen


Check = Callable[[Installation], CheckResult]

_SHOWN_ROWS = (2, 4, 8, 16, 32)  # rows of a step whose cost is shown
_ENFORCERS = {
    Hold.KERNEL: "by the kernel",
    Hold.OUTSIDE: "by the parent process",
    Hold.PYTHON: "by Python in the worker",
    Hold.NONE: "not restricted",
}


def examine(installation: Installation) -> Iterator[CheckResult]:
    """Run all checks of an installation, in the order of `CHECKS`.

    Yields:
        One result per check; a `QmathError` or an `OSError` of a check becomes a problem.
    """
    for check in CHECKS:
        try:
            yield check(installation)
        except QmathError as exc:
            yield CheckResult(_name(check), Status.PROBLEM, exc.message, exc.hint)
        except OSError as exc:
            yield CheckResult(_name(check), Status.PROBLEM, f"this check failed: {exc}")


def _name(check: Check) -> str:
    return check.__name__.removeprefix("check_").replace("_", " ")


def check_python(_installation: Installation) -> CheckResult:
    """Version and architecture. An Intel Python on Apple silicon is translated, which is many times slower."""
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.platform == "darwin" and platform.machine() == "x86_64" and _apple_silicon():
        fix = "install a Python for arm64, for example with: brew install python"
        return CheckResult("python", Status.WARNING, f"{detail}: an Intel Python on Apple silicon, which is slow", fix)
    return CheckResult("python", Status.OK, detail)


def check_llama_cpp(_installation: Installation) -> CheckResult:
    """The installed build and the CPU."""
    return CheckResult("llama cpp", Status.OK, f"{builds.installed().name}; CPU: {builds.cpu_name()}")


def check_preflight(installation: Installation) -> CheckResult:
    """Whether a decode with this build succeeds on this CPU, and with which of its features."""
    result = _preflight(installation)
    if result.features is None:
        return CheckResult("preflight", Status.PROBLEM, result.note, result.rebuild)
    if result.note:
        return CheckResult("preflight", Status.WARNING, result.note, result.rebuild)
    return CheckResult("preflight", Status.OK, "a test decode with all features of this build succeeded")


def check_build(installation: Installation) -> CheckResult:
    """The features of the build, as llama.cpp lists them."""
    _preflight(installation).require()
    info: bytes = library().lib.llama_print_system_info()
    return CheckResult("build", Status.OK, info.decode("utf-8", "replace").strip(" |"))


def check_devices(installation: Installation) -> CheckResult:
    """The devices that llama.cpp finds, and the one that is used."""
    _preflight(installation).require()
    available = devices()
    used = choose(installation.settings.device, available)
    found = ", ".join(f"{device.name} ({device.description})" for device in available)
    detail = f"found: {found}; used: {used.name if used else 'CPU'}"
    idle = builds.gpu_here()
    if used is None and installation.settings.device == "auto" and idle and not supports(idle):
        detail = f"{detail}; this machine has a GPU that the installed build does not support"
        return CheckResult("devices", Status.WARNING, detail, builds.gpu_line(idle))
    return CheckResult("devices", Status.OK, detail)


def _preflight(installation: Installation) -> preflight.Preflight:
    """The cached result of the preflight, or that of a new one."""
    demo = describe("demo", installation.paths, installation.lock)
    return preflight.check(demo.path, installation.paths.cache, installation.settings.device)


def _apple_silicon() -> bool:
    done = subprocess.run(["/usr/sbin/sysctl", "-n", "hw.optional.arm64"], capture_output=True, text=True, check=False)
    return done.stdout.strip() == "1"


def check_memory(_installation: Installation) -> CheckResult:
    """Total and available memory."""
    found = memory.memory()
    if found is None:
        return CheckResult("memory", Status.WARNING, "the amount of free memory is unknown on this system")
    return CheckResult("memory", Status.OK, f"{fit.size(found.available)} free of {fit.size(found.total)}")


def check_disk(installation: Installation) -> CheckResult:
    """Free space in the models' folder."""
    folder = installation.paths.models
    return CheckResult("disk", Status.OK, f"{fit.size(memory.free_disk(_existing(folder)))} free in {folder}")


def check_models(installation: Installation) -> CheckResult:
    """The installed models and their states."""
    found = store.installed(installation.paths, installation.lock)
    states = {entry.name: store.state(entry, installation.paths) for entry in found}
    detail = ", ".join(f"{name} ({state})" for name, state in states.items()) or "none"
    broken = [name for name, state in states.items() if state in {State.CHANGED, State.INCOMPLETE}]
    if broken:
        return CheckResult("models", Status.PROBLEM, detail, f"qmath verify {broken[0]}")
    if all(entry.model.embedded for entry in found):
        return CheckResult("models", Status.WARNING, f"only the demo models: {detail}", "qmath pull 1.5b-instruct")
    return CheckResult("models", Status.OK, detail)


def check_model(installation: Installation) -> CheckResult:
    """The model and mode that `qmath solve` uses with these settings, and what is to be said of it."""
    settings = installation.settings
    info = describe(settings.model, installation.paths, installation.lock)
    mode = select(info, Language.EN, settings.mode).mode
    wanted = need(gguf_file.read(info.path), settings, repacked_types(settings, installation.paths, installation.lock))
    detail = f"{info.name}: {info.path} ({info.kind}, {mode}); needs {fit.size(wanted.total)} of memory"
    if not info.warnings:
        return CheckResult("model", Status.OK, detail)
    other = info.family is ModelFamily.OTHER
    fix = "qmath pull 1.5b-instruct" if other else "another file of this model, or its checkpoint: qmath convert"
    return CheckResult("model", Status.WARNING, f"{detail}; {'; '.join(info.warnings)}", fix)


def check_speed(installation: Installation) -> CheckResult:
    """What was measured of the model's speed on this machine. Nothing is measured here: it takes some seconds."""
    info = describe(installation.settings.model, installation.paths, installation.lock)
    found = tuning.known(info, installation.settings, installation.paths)
    if found is None:
        return CheckResult("speed", Status.OK, f"not measured for {info.name}; qmath bench does, in some seconds")
    shape, rate = found.fastest
    costs = ", ".join(f"v({rows}) {found.steps.relative(rows):.2f}" for rows in _SHOWN_ROWS if rows <= found.steps.most)
    busy = "; measured while other programs computed" if found.disturbed else ""
    return CheckResult("speed", Status.OK, f"{info.name}: fastest {shape}, {rate:.1f} tokens/s; {costs}{busy}")


def check_vocabulary(installation: Installation) -> CheckResult:
    """What llama.cpp warns of when it reads the model's metadata and vocabulary; the weights are not loaded."""
    _preflight(installation).require()
    info = describe(installation.settings.model, installation.paths, installation.lock)
    warnings = vocabulary_warnings(info.path)
    detail = f"llama.cpp warns: {'; '.join(warnings)}" if warnings else "llama.cpp reads it without a warning"
    return CheckResult("vocabulary", Status.WARNING if warnings else Status.OK, detail)


def check_paths(installation: Installation) -> CheckResult:
    """The folders, and whether they can be written."""
    paths = installation.paths
    folders = {"data": paths.data, "state": paths.state, "cache": paths.cache}
    read_only = [name for name, folder in folders.items() if not os.access(_existing(folder), os.W_OK)]
    detail = ", ".join(f"{name} {folder}" for name, folder in folders.items())
    if read_only:
        fix = "export QMATH_HOME=FOLDER, with a folder that you can write to"
        return CheckResult("paths", Status.WARNING, f"{detail}; not writable: {', '.join(read_only)}", fix)
    return CheckResult("paths", Status.OK, detail)


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def check_executor(installation: Installation) -> CheckResult:
    """What restricts programs, from probes in a worker."""
    with open_single_executor(installation.settings) as executor:
        protection = executor.protection
        detail = f"{protection} restriction; {_enforced(executor.layers)}"
    if protection is Protection.FULL:
        return CheckResult("executor", Status.OK, detail)
    return CheckResult("executor", Status.WARNING, detail, "qmath exec --layers shows why")


def _enforced(layers: Iterable[Layer]) -> str:
    """`by the kernel: file writes, network; by the parent process: time`."""
    guards: dict[Hold, list[str]] = {hold: [] for hold in _ENFORCERS}
    for layer in layers:
        guards[layer.hold].append(layer.guard)
    return "; ".join(f"{_ENFORCERS[hold]}: {', '.join(names)}" for hold, names in guards.items() if names)


def check_terminal(installation: Installation) -> CheckResult:
    """How mathematics is drawn."""
    screen = installation.screen
    if not screen.tty:
        return CheckResult("terminal", Status.OK, f"not a terminal ({screen.encoding}): LaTeX is printed unchanged")
    colours = "colours" if screen.colour else "no colours"
    detail = f"{screen.encoding}, {screen.columns} columns, {colours}"
    if not screen.unicode:
        return CheckResult("terminal", Status.WARNING, f"{detail}; formulas are drawn in ASCII", "export LANG=C.UTF-8")
    if screen.columns < 60:
        return CheckResult("terminal", Status.WARNING, f"{detail}: wide formulas are broken into lines")
    return CheckResult("terminal", Status.OK, detail)


def check_network(installation: Installation) -> CheckResult:
    """States which commands use the network. No connection is tested."""
    settings = installation.settings
    detail = "not used, except by qmath pull, qmath convert of a hub repository, and runs with --server"
    if settings.server or settings.reward_server:
        detail = "used by every run: the settings name model servers; qmath doctor --server URL examines one"
    return CheckResult("network", Status.OK, detail)


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
    check_speed,
    check_vocabulary,
    check_executor,
    check_terminal,
    check_network,
)
