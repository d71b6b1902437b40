"""The machine under test: how programs run on it, how large the work is, and the table of what came out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class StepFailed(Exception):
    """A step that could not be done; the others are still run. Its text is one line of the table."""


@dataclass(frozen=True)
class Sizes:
    """How large the work is. `shape` is that of the random checkpoint (`tests.convert.checkpoints.Recipe`)."""

    shape: Mapping[str, int | bool]
    prompt: int
    tokens: int
    sequences: tuple[int, ...]
    part: int  # layers on the GPU where the model is cut
    repeats: int
    problems: int | None  # of the demo's data set; None for all
    tests: tuple[str, ...]


REAL = Sizes(
    {"hidden": 1536, "feed_forward": 8960, "layers": 28, "heads": 12, "kv_heads": 2, "vocab": 151936, "tied": True},
    prompt=512, tokens=64, sequences=(1, 8, 32, 128), part=14, repeats=3, problems=None, tests=("tests/engine",),
)  # fmt: skip
TINY = Sizes(
    {"hidden": 256, "feed_forward": 512, "layers": 2, "heads": 4, "kv_heads": 2, "vocab": 320, "tied": True},
    prompt=16, tokens=8, sequences=(1, 2), part=1, repeats=1, problems=2, tests=("tests/engine/test_stop_strings.py",),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One line of the table. `reference` and `ratio` are empty where nothing is compared."""

    what: str
    figure: str
    reference: str = ""
    ratio: str = ""


@dataclass(frozen=True)
class Machine:
    """Where and how the work runs.

    Attributes:
        work: A folder for everything that is made.
        device: As in `--device`.
        environment: What programs run with, beside the variables of this process.
        tools: The folder of llama-bench and llama-batched-bench; None where they are not built.
        sizes: How large the work is.
    """

    work: Path
    device: str
    environment: Mapping[str, str]
    tools: Path | None
    sizes: Sizes

    @property
    def checkpoint(self) -> Path:
        """The random checkpoint."""
        return self.work / "Qwen2.5-Math-1.5B-random"

    @property
    def model(self) -> Path:
        """What it is converted into."""
        return self.work / "random-q4_k_m.gguf"

    def qmath(self, *arguments: str) -> dict[str, Any]:
        """Run a command of qmath with `--json`, and return what it prints. Raises `StepFailed`."""
        printed = self.python("-m", "qmath_cli", *arguments, "--json")
        found: dict[str, Any] = json.loads(printed.splitlines()[-1])
        return found

    def python(self, *arguments: str, accepted: Sequence[int] = (0,)) -> str:
        """Run this interpreter and return its standard output. Raises `StepFailed` with the end of what it said."""
        return run([sys.executable, *arguments], self.environment, accepted)


def run(command: Sequence[str], environment: Mapping[str, str], accepted: Sequence[int] = (0,)) -> str:
    """Run a program and return its standard output. Raises `StepFailed` with the end of what it said."""
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", cwd=ROOT, env={**os.environ, **environment}
    )
    if done.returncode not in accepted:
        said = " / ".join((done.stdout + "\n" + done.stderr).strip().splitlines()[-6:])
        raise StepFailed(f"{Path(command[0]).name} ended with {done.returncode}: {said[-600:]}")
    return done.stdout


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    head = ("", "here", "llama.cpp", "ratio")
    cells = [head, *((row.what, row.figure, row.reference, row.ratio) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
