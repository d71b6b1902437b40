"""`qmath compare` against `llama-perplexity --kl-divergence` on the same files and text: every statistic, and the time.

    python -m tests.bench.compare_speed LLAMA_PERPLEXITY BASE.gguf MODEL.gguf TEXT [--chunks 20] [--repeat 3]

Runs alternate. Prints each statistic that both print, the difference in units of the tool's own standard error where it
prints one, the medians of the wall times with their ratio, and the peak memory of either. Build the tool without what
makes it crash on this processor (`qmath doctor`).
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_LINE = re.compile(r"^\s*(.+?)\s*:?\s{1,}(-?\d[\d.]*)\s*%?(?:\s*±\s*([\d.]+))?\s*%?$")


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", type=Path)
    parser.add_argument("base", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("--chunks", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(args.repeat):
        theirs, took = _theirs(args)
        times["theirs"].append(took)
        ours, took = _ours(args)
        times["ours"].append(took)
    _print(theirs, ours)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(
        f"\nwall time: theirs {medians['theirs']:.1f} s, ours {medians['ours']:.1f} s, "
        f"ratio {medians['ours'] / medians['theirs']:.2f} ({args.repeat} runs each)"
    )
    print(f"peak memory of the larger: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3:.0f} MB")


def _theirs(args: argparse.Namespace) -> tuple[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        kept = str(Path(scratch) / "base")
        common = [str(args.tool), "-c", "512", "-t", str(args.threads), "--kl-divergence-base", kept]
        started = time.monotonic()
        _run([*common, "-m", str(args.base), "-f", str(args.text), "--chunks", str(args.chunks)])
        text = _run([*common, "-m", str(args.model), "--kl-divergence"])
        return text, time.monotonic() - started


def _ours(args: argparse.Namespace) -> tuple[str, float]:
    command = [sys.executable, "-m", "qmath_cli", "compare", str(args.base), str(args.model)]
    started = time.monotonic()
    text = _run(
        [*command, "--text", str(args.text), "--chunks", str(args.chunks), "--threads", str(args.threads), "--force"]
    )
    return text, time.monotonic() - started


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def _print(theirs: str, ours: str) -> None:
    found = [_read(text) for text in (theirs, ours)]
    for name, (value, error) in found[0].items():
        if name in found[1]:
            ours_value = found[1][name][0]
            apart = f"{abs(value - ours_value) / error:.3f} errors apart" if error else f"{ours_value - value:+.6f}"
            print(f"{name:34}{value:>14}{ours_value:>14}  {apart}")


def _read(text: str) -> dict[str, tuple[float, float]]:
    """Values and errors by name; names as the tool writes them, with single blanks."""
    found = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            found[" ".join(match[1].split()).rstrip(" :")] = (float(match[2]), float(match[3] or 0))
    return found


if __name__ == "__main__":
    main()
