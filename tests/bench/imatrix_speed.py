"""`qmath imatrix` against `llama-imatrix` on the same file and text: every sum and count, the time and the memory.

    python -m tests.bench.imatrix_speed LLAMA_IMATRIX MODEL.gguf TEXT [--chunks 20] [--repeat 3]

Runs alternate. Prints the largest relative difference of the sums, how many counts differ, the medians of the wall and
processor times with their ratios, and the peak memory of either. Build the tool without what makes it crash on this
processor (`qmath doctor`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gguf import GGUFReader


class Took(NamedTuple):
    """What one run took: seconds, and the peak of its memory in MB."""

    wall: float
    processor: float
    peak: float


def main() -> None:
    """Run both and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--chunks", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    took: dict[str, list[Took]] = {"theirs": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / f"{name}.gguf" for name in took}
        for _ in range(args.repeat):
            for name, command in _commands(args, files).items():
                files[name].unlink(missing_ok=True)
                took[name].append(_run(command, Path(folder)))
        _compare(*(_tensors(files[name]) for name in took))
    _print(took)


def _commands(args: argparse.Namespace, files: dict[str, Path]) -> dict[str, list[str]]:
    limits = ["--chunks", str(args.chunks)]
    theirs = [str(args.tool), "-m", str(args.model), "-f", str(args.text), "-o", str(files["theirs"])]
    ours = [sys.executable, "-m", "qmath_cli", "imatrix", str(args.model), "--text", str(args.text)]
    return {
        "theirs": [*theirs, *limits, "-c", "512", "-t", str(args.threads)],
        "ours": [*ours, "-o", str(files["ours"]), *limits, "--threads", str(args.threads), "--force"],
    }


def _run(command: list[str], home: Path) -> Took:
    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"QMATH_HOME": str(home)}
    ) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} ended with {child.returncode}")
    return Took(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3)


def _tensors(path: Path) -> dict[str, np.ndarray]:
    return {one.name: np.array(one.data, dtype=np.float64).ravel() for one in GGUFReader(path).tensors}


def _compare(theirs: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> None:
    if theirs.keys() != ours.keys():
        raise SystemExit(f"tensors of one only: {sorted(theirs.keys() ^ ours.keys())}")
    sums = [name for name in theirs if name.endswith(".in_sum2")]
    apart = max(float(np.max(np.abs(ours[name] - theirs[name]) / theirs[name].clip(1e-30))) for name in sums)
    counts = sum(bool((theirs[name] != ours[name]).any()) for name in theirs if name.endswith(".counts"))
    print(f"{len(sums)} matrices: sums at most {apart:.1e} apart (relative), {counts} counts differ")


def _print(took: dict[str, list[Took]]) -> None:
    for number, what in enumerate(Took._fields):
        theirs, ours = (statistics.median(one[number] for one in took[name]) for name in ("theirs", "ours"))
        print(f"{what:10} theirs {theirs:9.1f}   ours {ours:9.1f}   ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
