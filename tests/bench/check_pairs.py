"""How many plain pairs of answers `qmath check --pairs` compares in a second.

    python -m tests.bench.check_pairs [PAIRS]

The pairs are numbers, fractions, roots, points, lists, units, percentages and polynomials. The start of the program and
of its grading process is measured with one pair and subtracted.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

GRADES = ("strict", "official")


def pair(n: int, kind: int) -> tuple[str, str]:
    """A pair of one of twelve kinds."""
    return (
        (f"{n}", f"{n}"),
        (f"{n}/7", rf"\frac{{{n}}}{{7}}"),
        (f"{n}", f"{n + 1}"),
        (f"x={n}", f"{n}"),
        (rf"\dfrac{{{n}}}{{2}}", f"{n / 2}"),
        (f"({n},2)", f"({n}, 2)"),
        (rf"{n}\sqrt{{2}}", rf"\sqrt{{{2 * n * n}}}"),
        (f"{n}, 3", f"3, {n}"),
        (rf"{n}\%", f"{n / 100}"),
        (f"{n}x+1", f"1+{n}x"),
        (rf"{n}\text{{ cm}}", f"{n}"),
        (f"{n:,}", f"{n}"),
    )[kind % 12]


def seconds(pairs: Sequence[tuple[str, str]], grade: str) -> float:
    """The wall time of one run over these pairs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.tsv"
        path.write_text("".join(f"{answer}\t{expected}\n" for answer, expected in pairs), encoding="utf-8")
        command = [sys.executable, "-m", "qmath_cli", "check", "--pairs", str(path), "--grade", grade, "--json"]
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begun


def main() -> None:
    """Measure both grades."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    numbers = random.Random(1)
    pairs = [pair(numbers.randrange(2, 5000), kind) for kind in range(count)]
    for grade in GRADES:
        start = seconds([("1/2", "0.5")], grade)
        whole = seconds(pairs, grade)
        print(f"{grade}: {count} pairs in {whole:.1f} s, start {start:.1f} s, {count / (whole - start):.0f} pairs/s")


if __name__ == "__main__":
    main()
