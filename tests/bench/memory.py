"""The memory that a model is said to need, beside the peak of a process that solves with it.

    python -m tests.bench.memory [--long] MODEL ...

Each MODEL solves at several contexts and widths, with copies of the weights in the CPU's own layout and without. With
`--long` the prompt fills a batch of llama.cpp; a short one leaves most of the compute buffers untouched.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

_RUNS: tuple[dict[str, object], ...] = (
    {}, {"repack": False}, {"ctx": 1024}, {"ctx": 2048, "k": 2}, {"k": 4}, {"ctx": 1024, "k": 8}, {"kv_type": "q8_0"},
)  # fmt: skip
_OPTIONS = {"repack": "--no-repack", "ctx": "--ctx={}", "k": "-k{}", "kv_type": "--kv-type={}"}
_CHILD = """
import json, resource, sys
from qmath_cli import gguf_file, paths, settings
from qmath_cli.app import run
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.runtime import need
import os
flags, arguments = json.loads(sys.argv[1]), sys.argv[2:]
run(arguments)
here, lock = paths.find(os.environ), lockfile.load()
found = settings.resolve(None, {}, flags).settings
header = gguf_file.read(describe(found.model, here, lock).path)
wanted = need.need(header, found, need.repacked_types(found, here, lock), found.k)
if sys.platform == "linux":  # there, ru_maxrss begins with that of the process that started this one
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([wanted.total, peak]), file=sys.stderr)
"""


def measured(model: str, flags: dict[str, object], *, long: bool) -> tuple[int, int]:
    """The need that is shown, and the peak of a process, in bytes."""
    words = " ".join(f"Item {number} costs {number}." for number in range(60)) if long else ""
    options = [_OPTIONS[name].format(value) for name, value in flags.items()]
    arguments = ["solve", f"{words} What is 12% of 450?", "-m", model, *options, "-q", "-a", "--mode", "cot", "--force"]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            _CHILD,
            json.dumps(flags | {"model": model}),
            *arguments,
            "--max-tokens",
            "4",
            "--no-history",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
        cwd=Path(__file__).resolve().parents[2],
    )
    need, peak = json.loads(done.stderr.splitlines()[-1])
    return need, peak


def main() -> None:
    """Print a line per run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--long", action="store_true")
    given = parser.parse_args()
    for model in given.models:
        for flags in _RUNS:
            need, peak = measured(model, flags, long=given.long)
            print(f"{need / 1e6:8.1f} MB said  {peak / 1e6:8.1f} MB peak  x{need / peak:.2f}  {model} {flags}")


if __name__ == "__main__":
    main()
