"""What the executor costs: `python -m tests.bench.executor [--quick]`.

Times in milliseconds, medians and 90th percentiles; every one of them in one run, beside what it is to be compared
with. Run it as an ordinary user as well as root. `--quick` makes fewer rounds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from qmath_cli.sandbox.executor import RestrictedExecutor

ROUNDS = 50 if "--quick" in sys.argv else 300
MANY = 200 if "--quick" in sys.argv else 1000
DECODING = 0.25  # seconds of decoding before a solution's first program: a few tokens
SOLVE = "from sympy import *\nx = symbols('x')\nprint(solve(x**2 - 5*x + 6))"


def main() -> None:
    """Measure and print."""
    print(f"user {os.getuid()}, {os.cpu_count()} cores, {ROUNDS} rounds, milliseconds: median, 90th percentile")
    spare()
    zygote()
    report("python -c pass", [timed(lambda: python("pass")) for _ in range(5)])
    report("python -c 'import sympy'", [timed(lambda: python("import sympy")) for _ in range(5)])
    report("the same sympy program in a new python", [timed(lambda: python(SOLVE)) for _ in range(5)])
    leftovers()


def spare() -> None:
    """What a solve sees: a worker that waits already."""
    with RestrictedExecutor() as executor:
        report("waiting for the first worker (zygote: imports, warming)", [timed(lambda: executor.layers)])
        worker = executor.open()
        worker.run("1")
        trivial = [timed(lambda: worker.run("print(1 + 1)")) for _ in range(ROUNDS)]
        report("a trivial program in a waiting worker", trivial)
        symbolic = [timed(lambda: worker.run(SOLVE)) for _ in range(ROUNDS)]
        report("a sympy program in a waiting worker", symbolic)
        worker.close()
        waits = []
        for _ in range(ROUNDS // 10):
            time.sleep(DECODING)
            begin = time.perf_counter()
            worker = executor.open()
            waits.append((time.perf_counter() - begin) * 1e3)
            worker.run("1")
            worker.close()
        report(f"waiting for a spare worker after {DECODING} s of decoding", waits)


def zygote() -> None:
    """What one program costs from beginning to end: fork, restrictions, probes, program, kill, reap."""
    with RestrictedExecutor(spares=False) as executor:
        executor.open().close()
        trivial = [timed(lambda: whole(executor, "print(1)")) for _ in range(ROUNDS)]
        report("open + trivial program + close, from the zygote", trivial)
        symbolic = [timed(lambda: whole(executor, SOLVE)) for _ in range(ROUNDS)]
        report("open + sympy program + close, from the zygote", symbolic)


def whole(executor: RestrictedExecutor, code: str) -> None:
    """One solution with one program."""
    worker = executor.open()
    worker.run(code)
    worker.close()


def leftovers() -> None:
    """What many executions leave behind: descriptors, processes, files."""
    with RestrictedExecutor(spares=False) as executor:
        folder = executor.scratch
        whole(executor, "1")
        before = descriptors()
        for n in range(MANY):
            whole(executor, f"print({n})")
        more, alive = descriptors() - before, len(started(folder)) - 1
        print(f"{MANY} executions: {more} more descriptors, {alive} processes besides the zygote")
    print(f"after closing: {len(started(folder))} processes, the folder is {'there' if folder.exists() else 'gone'}")


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def started(folder: Path) -> list[str]:
    """Processes that were started with this folder as their scratch."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:  # it ended while we looked
            continue
    return found


def python(code: str) -> None:
    """A fresh interpreter, for comparison."""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1e3


def report(what: str, times: list[float]) -> None:
    """One line."""
    times = sorted(times)
    print(f"{what:<62}{statistics.median(times):>9.2f}{times[int(len(times) * 0.9)]:>9.2f}", flush=True)


if __name__ == "__main__":
    main()
