"""The one command: see the package. The standard library is enough to start it."""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.device import build, steps
from tests.device.machine import REAL, TINY, Machine, Row, StepFailed, table
from tests.device.pack import PACKED


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare, run every step, and print the table. Returns 1 if a step could not be done."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.device")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--installed", action="store_true", help="measure the installed llama_cpp; nothing is built")
    parser.add_argument("--tiny", action="store_true", help="small shapes: shows that the script runs, not how fast")
    parser.add_argument("--only", help="names of steps: " + ",".join(step.__name__ for step in steps.STEPS))
    parser.add_argument("--packed", type=Path, default=PACKED)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "qmath-device")
    parser.add_argument("--table", type=Path, help="also write the table into this file")
    chosen = parser.parse_args(arguments)
    chosen.work.mkdir(parents=True, exist_ok=True)
    rows = [Row("machine", build.gpu() or platform.processor() or platform.machine())]
    failures = 0
    try:
        machine = prepare(chosen, rows)
    except StepFailed as exc:
        print(f"not ready: {exc}", file=sys.stderr)
        return 1
    for step in steps.STEPS:
        if chosen.only is None or step.__name__ in chosen.only.split(","):
            failures += not done(step, machine, rows)
    text = table(rows)
    print(text)
    if chosen.table:
        chosen.table.write_text(text + "\n", encoding="utf-8")
    return 1 if failures else 0


def prepare(chosen: argparse.Namespace, rows: list[Row]) -> Machine:
    """The machine, with everything built, and a row about that."""
    sizes = TINY if chosen.tiny else REAL
    if chosen.installed:
        return Machine(chosen.work, chosen.device, {"QMATH_HOME": str(chosen.work / "home")}, None, sizes)
    started = time.perf_counter()
    machine = build.prepared(chosen.packed, chosen.work, chosen.device, sizes)
    rows.append(Row("build of llama.cpp and its two tools", f"{time.perf_counter() - started:.0f} s"))
    return machine


def done(step: steps.Step, machine: Machine, rows: list[Row]) -> bool:
    """Run one step, and add its rows, or one that says why it could not be done."""
    print(f"{step.__name__} ...", file=sys.stderr, flush=True)
    try:
        made = step(machine)
    except (StepFailed, KeyError, ValueError, OSError) as exc:
        rows.append(Row(step.__name__, f"FAILED: {exc!r}" if not isinstance(exc, StepFailed) else f"FAILED: {exc}"))
        return False
    for row in made:  # at once, too: the time for the whole may be cut
        print("  ", *filter(None, (row.what, row.figure, row.reference, row.ratio)), sep="  ", file=sys.stderr)
    rows += made
    return True


if __name__ == "__main__":
    sys.exit(main())
