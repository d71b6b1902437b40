"""Whether a thousand problems in one process leave anything behind: seconds, memory, files and threads as they go on.

python -m tests.bench.many_solves [--count 1000] [--every 100]
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import qmath_cli as qmath

#: With a program and without, in both languages, with several samples: what leaves things behind differs.
_PROBLEMS = (
    ("Find the roots of x^2 - 5x + 6 = 0.", {}),
    ("Find the derivative of x^2.", {"mode": "cot"}),
    ("求方程 x^2 - 5x + 6 = 0 的根。", {}),
    ("What is 12% of 450?", {"k": 3}),
)


@dataclass(frozen=True, slots=True)
class Level:
    """What the process holds after so many problems: MB of memory, open files, threads; and seconds for the latest."""

    solved: int
    seconds: float
    memory: float
    files: int
    threads: int


def levels(count: int, every: int) -> Iterator[Level]:
    """Solve `count` problems, and say how things are after each `every` of them (Linux)."""
    with qmath.open_model("demo", max_tokens=256) as model:
        begin = time.perf_counter()
        for number in range(1, count + 1):
            problem, options = _PROBLEMS[number % len(_PROBLEMS)]
            model.solve(problem, **options)  # type: ignore[arg-type]
            if number % every == 0:
                now = time.perf_counter()
                yield Level(
                    number, now - begin, _resident(), len(os.listdir("/proc/self/fd")), threading.active_count()
                )
                begin = time.perf_counter()


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Print a line per level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--every", type=int, default=100)
    given = parser.parse_args()
    for level in levels(given.count, given.every):
        print(
            f"{level.solved:5} solved  {level.seconds:6.2f} s  {level.memory:6.1f} MB  {level.files} files  "
            f"{level.threads} threads",
            flush=True,
        )


if __name__ == "__main__":
    main()
