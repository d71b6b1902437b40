"""The cost of the executor: `python -m tests.bench.executor [--quick]`.

Prints medians and 90th percentiles in milliseconds, in one run together with what they compare with. Run it as an
ordinary user as well as root. `--quick` makes fewer rounds.
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
from tests.sandbox.processes import marked

ROUNDS = 50 if "--quick" in sys.argv else 300
MANY = 200 if "--quick" in sys.argv else 1000
DECODING_S = 0.25  # a few tokens before a solution's first program
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
    """Programs in a spare worker, as in a solve."""
    with RestrictedExecutor() as executor:
        report("start of the first worker (zygote: imports, warming)", [timed(lambda: executor.layers)])
        worker = executor.open()
        worker.run("1")
        trivial = [timed(lambda: worker.run("print(1 + 1)")) for _ in range(ROUNDS)]
        report("a trivial program in a spare worker", trivial)
        symbolic = [timed(lambda: worker.run(SOLVE)) for _ in range(ROUNDS)]
        report("a sympy program in a spare worker", symbolic)
        worker.close()
        waits = []
        for _ in range(ROUNDS // 10):
            time.sleep(DECODING_S)
            begin = time.perf_counter()
            worker = executor.open()
            waits.append((time.perf_counter() - begin) * 1e3)
            worker.run("1")
            worker.close()
        report(f"taking a spare worker after {DECODING_S} s of decoding", waits)


def zygote() -> None:
    """The whole cost of one program: fork, restrictions, probes, program, kill, reap."""
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
    """Print what many executions leave behind: descriptors, processes, files."""
    with RestrictedExecutor(spares=False) as executor:
        scratch = executor.scratch
        whole(executor, "1")
        before = descriptors()
        for n in range(MANY):
            whole(executor, f"print({n})")
        more, alive = descriptors() - before, len(marked(str(scratch))) - 1
        print(f"{MANY} executions: {more} more descriptors, {alive} processes in addition to the zygote")
    left = "still exists" if scratch.exists() else "is removed"
    print(f"after closing: {len(marked(str(scratch)))} processes, the folder {left}")


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def python(code: str) -> None:
    """Run code in a fresh interpreter, for comparison."""
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def timed(action: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1e3


def report(what: str, times: list[float]) -> None:
    """Print one line: median and 90th percentile."""
    times = sorted(times)
    print(f"{what:<62}{statistics.median(times):>9.2f}{times[int(len(times) * 0.9)]:>9.2f}", flush=True)


if __name__ == "__main__":
    main()
