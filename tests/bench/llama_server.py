"""An evaluation on llama-server against llama.cpp's own batched tool: the same file, slots and threads, alternately.

    python -m tests.bench.llama_server FOLDER_OF_THE_TOOLS [GGUF] [SLOTS] [ROUNDS]

The tool prefills and decodes batches of `SLOTS` sequences that are as long as the evaluation's prompts and texts are on
average; its rate is the median of that of generated tokens over both phases. It does not sample: its tokens are any. It
has no prefix cache either: `cached` is the ratio to what it would give if it prefilled as few tokens as the server
did. The evaluation's rate is that of its report: from the first prompt to the end of the last sample, in words only
(cot), so that no program waits for a processor.

Tokens per second of processor time are those of the thread that computes, which other programs disturb less. `busy` is
the share of time in which the server's had something to do (Linux).
"""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[2]
PROBLEMS, SAMPLES = 300, 4
BATCHES = 20  # of the tool, in each round


@contextmanager
def served(tool: Path, file: Path, slots: int) -> Iterator[tuple[str, int]]:
    """A llama-server with one compute thread; its address and process id."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [str(tool), "-m", str(file), "--port", str(port), "-np", str(slots), "-c", str(slots * 1024),
               "-t", "1", "-tb", "1", "--no-webui"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        while not _healthy(address):
            time.sleep(0.1)
        yield address, process.pid
    finally:
        process.kill()
        process.wait()


def _healthy(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health").status_code == 200
    except httpx2.TransportError:
        return False


@dataclass(frozen=True)
class Measured:
    """Generated tokens per second, and per second of processor time of the thread that computes.

    `cached`: the rate with a prefix cache; `busy`: the share of time in which the thread had something to do.
    """

    rate: float
    per_processor_s: float
    cached: float = 0.0
    busy: float = 1.0


@dataclass(frozen=True)
class Lengths:
    """Mean numbers of a sample's tokens; `prefilled` are those of the prompt that were not cached."""

    prompt: int
    prefilled: int
    generated: int


def evaluated(address: str, server: int, folder: str, seed: int) -> tuple[Measured, Lengths]:
    """An evaluation."""
    command = [sys.executable, "-m", "qmath_cli", "eval", "demo", "--limit", str(PROBLEMS), "-k", str(SAMPLES),
               "--mode", "cot", "--seed", str(seed), "--server", address, "--out", folder, "--json"]  # fmt: skip
    before = _thread(server)
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=dict(os.environ))
    used, ready = (after - earlier for after, earlier in zip(_thread(server), before, strict=True))
    report = json.loads(done.stdout)
    (file,) = Path(folder).glob("*.jsonl")
    usage = [json.loads(line)["usage"] for line in file.read_text().splitlines()[1:]]
    prompt, prefilled = (
        max(sum(one[name] for one in usage) // len(usage), 1) for name in ("prompt_tokens", "prefilled_tokens")
    )
    measured = Measured(report["tokens"] / report["seconds"], report["tokens"] / used, busy=ready / report["seconds"])
    return measured, Lengths(prompt, prefilled, report["tokens"] // len(usage))


def _thread(process: int) -> tuple[float, float]:
    """Seconds that a process's first thread has computed, and those in which it had something to compute."""
    computed, waited, _ = Path(f"/proc/{process}/task/{process}/schedstat").read_text().split()
    return int(computed) / 1e9, (int(computed) + int(waited)) / 1e9


def batched(tool: Path, file: Path, slots: int, lengths: Lengths) -> Measured:
    """The tool, prefill included, and its loading not."""
    found, seconds = _batches(tool, file, slots, lengths, BATCHES)
    _, loading = _batches(tool, file, slots, lengths, 1)
    tokens = slots * lengths.generated
    share = lengths.prefilled / lengths.prompt
    rate, cached = (
        statistics.median(tokens / (part * one["t_pp"] + one["t_tg"]) for one in found) for part in (1.0, share)
    )
    return Measured(rate, tokens * (BATCHES - 1) / (seconds - loading), cached)


def _batches(tool: Path, file: Path, slots: int, lengths: Lengths, number: int) -> tuple[list[dict[str, float]], float]:
    """The tool's lines on so many batches, and the processor time that it took."""
    command = [str(tool), "-m", str(file), "-c", str(slots * 1024), "-npp", str(lengths.prompt),
               "-ntg", str(lengths.generated), "-npl", ",".join([str(slots)] * number), "-t", "1", "-tb", "1",
               "--output-format", "jsonl"]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(found) != number:
        raise SystemExit(f"{tool.name} printed {len(found)} of {number} lines: {done.stderr[-500:]}")
    return found, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print both rates and their ratios for each round, and the medians."""
    tools = Path(sys.argv[1])
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "qmath_cli" / "demo" / "demo-q8_0.gguf"
    slots, rounds = [int(word) for word in sys.argv[3:]] + [16, 3][len(sys.argv[3:]) :]
    ratios = []
    for number in range(rounds):
        with served(tools / "llama-server", file, slots) as (address, process), tempfile.TemporaryDirectory() as folder:
            ours, lengths = evaluated(address, process, folder, number * SAMPLES)
        theirs = batched(tools / "llama-batched-bench", file, slots, lengths)
        ratios.append((ours.rate / theirs.rate, ours.rate / theirs.cached))
        print(f"{lengths.prompt} + {lengths.generated} tokens a sample, of which {lengths.prefilled} were prefilled")
        print(f"  eval on llama-server  {ours.rate:6.0f} tokens/s  {ours.per_processor_s:6.0f} per processor second")
        print(
            f"  llama-batched-bench   {theirs.rate:6.0f} tokens/s  {theirs.per_processor_s:6.0f} per processor second"
        )
        print(f"  ratio {ratios[-1][0]:.2f}, cached {ratios[-1][1]:.2f}; busy {ours.busy:.0%}", flush=True)
    by_rate, cached = (statistics.median(found) for found in zip(*ratios, strict=True))
    print(f"median ratio of {rounds}: {by_rate:.2f}, cached {cached:.2f}")


if __name__ == "__main__":
    main()
