"""Seconds from the start of a command to its end, of one installation or of several side by side.

    python -m tests.bench.startup [--runs N] [PYTHON ...]

Each PYTHON is an interpreter with a qmath in it; the default is this one. The commands of all installations take turns,
so that another load on the machine meets all of them; processor time is that of the command and its children.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMANDS = {
    "solve": ["solve", "Find the roots of x^2 - 5x + 6 = 0.", "-q", "-a"],
    "solve in words": ["solve", "Find the derivative of x^2.", "--mode", "cot", "-q", "-a"],
    "check": ["check", r"\frac{1}{2}", "0.5"],
    "--help": ["--help"],
}


def run(python: str, arguments: list[str], home: Path) -> tuple[float, float]:
    """Wall-clock and processor seconds of one command."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [str(Path(python).absolute()), "-m", "qmath_cli", *arguments],
        env=environ | {"QMATH_HOME": str(home)},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the medians, and the ratios to the first installation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", default=[sys.executable])
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        homes = {python: Path(folder) / str(number) for number, python in enumerate(given.pythons)}
        for home in homes.values():
            home.mkdir()
        for name, arguments in COMMANDS.items():
            seconds: dict[str, list[tuple[float, float]]] = {python: [] for python in homes}
            for turn in range(given.runs + 1):
                for python, home in homes.items():
                    found = run(python, arguments, home)
                    if turn:  # the first one fills caches
                        seconds[python].append(found)
            report(name, seconds)


def report(name: str, seconds: dict[str, list[tuple[float, float]]]) -> None:
    """Print a line per installation."""
    first: tuple[float, float] | None = None
    for python, found in seconds.items():
        wall, processor = (statistics.median(column) for column in zip(*found, strict=True))
        first = first or (wall, processor)
        ratios = f"x{wall / first[0]:.2f} / x{processor / first[1]:.2f}"
        print(f"{name:15} wall {wall:.3f} s  processor {processor:.3f} s  {ratios}  {python}")


if __name__ == "__main__":
    main()
