"""llama.cpp's own benchmarks as reference tools: llama-bench, and llama-batched-bench from the same folder.

Both use the same file, threads and depth as our own measurement, and do one measurement per call. Output formats:
`llama-bench -o json`, `llama-batched-bench --output-format jsonl`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.benchmark.measure import ReferenceTool, decode_of
from qmath_cli.errors import QmathError, UsageError

_TIMEOUT_S = 1800  # for one call of a tool


@dataclass(frozen=True, slots=True)
class BenchmarkWork:
    """The work to measure. `tokens` is per sequence, `sequences` lists how many are decoded at once."""

    file: Path
    prompt_tokens: int
    tokens: int
    sequences: tuple[int, ...]
    threads: int
    gpu_layers: int


def reference_tools(tool: Path, work: BenchmarkWork) -> list[ReferenceTool]:
    """The reference tools for this work.

    Args:
        tool: the path of llama-bench. llama-batched-bench is looked for in the same folder, and left out if absent.
        work: what is measured.

    Raises:
        UsageError: `tool` is not a file.
    """
    if not tool.is_file():
        raise UsageError(
            f"there is no llama-bench at {tool}", "build it in llama.cpp: cmake --build build -t llama-bench"
        )
    measured = {"prefill", *(decode_of(count) for count in work.sequences)}
    common = ["-m", str(work.file), "-t", str(work.threads), "-ngl", str(work.gpu_layers)]
    single = [str(tool), *common, "-r", "1", "-o", "json"]
    found = [
        ReferenceTool("llama-bench", "prefill", _bench([*single, "-p", str(work.prompt_tokens), "-n", "0"])),
        ReferenceTool(
            "llama-bench",
            decode_of(1),
            _bench([*single, "-p", "0", "-n", str(work.tokens), "-d", str(work.prompt_tokens)]),
        ),
    ]
    batched = tool.with_name("llama-batched-bench" + tool.suffix)
    if batched.is_file():
        found += [
            ReferenceTool("llama-batched-bench", decode_of(count), _batched(batched, common, work, count))
            for count in work.sequences
            if count > 1
        ]
    return [reference for reference in found if reference.work in measured]


def _bench(command: Sequence[str]) -> Callable[[], float]:
    def run() -> float:
        return float(json.loads(_output(command))[0]["avg_ts"])

    return run


def _batched(tool: Path, common: Sequence[str], work: BenchmarkWork, count: int) -> Callable[[], float]:
    cells = work.prompt_tokens + count * (work.tokens + 1)
    shape = ["-npp", str(work.prompt_tokens), "-ntg", str(work.tokens), "-npl", str(count)]
    command = [
        str(tool), *common, *shape, "-c", str(cells), "-ub", "512", "-pps", "-kvu", "--output-format", "jsonl"
    ]  # fmt: skip

    def run() -> float:
        lines = [line for line in _output(command).splitlines() if line.startswith("{")]
        return float(json.loads(lines[-1])["speed_tg"])

    return run


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        raise QmathError(f"{Path(command[0]).name} failed: {exc}", "run it directly to see its output") from exc
    return done.stdout
