"""llama.cpp's own benchmarks as opponents: llama-bench, and llama-batched-bench where it lies beside it.

Both run on the same file, threads and depth as we do, once per turn. Their formats: `llama-bench -o json`,
`llama-batched-bench --output-format jsonl`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.benchmark.measure import ReferenceTool, decode_of
from qmath_cli.errors import QmathError, UsageError

_PATIENCE = 1800  # seconds for one run


@dataclass(frozen=True, slots=True)
class BenchmarkWork:
    """The same work as ours: the file, tokens of the prompt and per sequence, threads, layers on a GPU."""

    file: Path
    prompt_tokens: int
    tokens: int
    sequences: tuple[int, ...]
    threads: int
    gpu_layers: int


def reference_tools(tool: Path, work: BenchmarkWork) -> list[ReferenceTool]:
    """Who competes, given the path of llama-bench. Raises `UsageError` where there is none."""
    if not tool.is_file():
        raise UsageError(
            f"there is no llama-bench at {tool}", "llama.cpp builds it: cmake --build build -t llama-bench"
        )
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
    return [opponent for opponent in found if opponent.work == "prefill" or _wanted(opponent.work, work)]


def _wanted(work_name: str, work: BenchmarkWork) -> bool:
    return work_name in {decode_of(count) for count in work.sequences}


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
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError) as exc:
        raise QmathError(f"{Path(command[0]).name} failed: {exc}", "run it by hand to see why") from exc
    return done.stdout
