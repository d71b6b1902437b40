"""An evaluation on llama-server against llama.cpp's own batched tool: the same file, slots and threads, alternately.

    python -m tests.bench.llama_server FOLDER_OF_THE_TOOLS [GGUF] [SLOTS] [ROUNDS]

The tool prefills and decodes one batch of `SLOTS` sequences with the mean lengths of the evaluation's samples; its rate
is that of generated tokens over both phases. The evaluation's rate is that of its report: from the first prompt to the
last verdict, in words only (cot), so that no program waits for a processor.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[2]
PROBLEMS, SAMPLES = 300, 4


@contextmanager
def served(tool: Path, file: Path, slots: int) -> Iterator[str]:
    """A llama-server with one compute thread; its address."""
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
        yield address
    finally:
        process.kill()
        process.wait()


def _healthy(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/health").status_code == 200
    except httpx2.TransportError:
        return False


def evaluated(address: str, folder: str, seed: int) -> tuple[float, int, int]:
    """Tokens per second of an evaluation; the mean numbers of prefilled and generated tokens of a sample."""
    command = [sys.executable, "-m", "qmath_cli", "eval", "demo", "--limit", str(PROBLEMS), "-k", str(SAMPLES),
               "--mode", "cot", "--seed", str(seed), "--server", address, "--out", folder, "--json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=dict(os.environ))
    report = json.loads(done.stdout)
    (file,) = Path(folder).glob("*.jsonl")
    usage = [json.loads(line)["usage"] for line in file.read_text().splitlines()[1:]]
    prefilled = sum(one["prefilled_tokens"] for one in usage) // len(usage)
    return report["tokens"] / report["seconds"], max(prefilled, 1), report["tokens"] // len(usage)


def batched(tool: Path, file: Path, slots: int, prompt: int, generated: int) -> float:
    """Generated tokens per second of the tool, prefill included."""
    command = [str(tool), "-m", str(file), "-c", str(slots * 1024), "-npp", str(prompt), "-ntg", str(generated),
               "-npl", str(slots), "-t", "1", "-tb", "1", "--output-format", "jsonl"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    return float(slots * generated / (found["t_pp"] + found["t_tg"]))


def main() -> None:
    """Print both rates and their ratio for each round."""
    tools = Path(sys.argv[1])
    file = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "qmath_cli" / "demo" / "demo-q8_0.gguf"
    slots, rounds = [int(word) for word in sys.argv[3:]] + [16, 3][len(sys.argv[3:]) :]
    ratios = []
    for number in range(rounds):
        with served(tools / "llama-server", file, slots) as address, tempfile.TemporaryDirectory() as folder:
            ours, prompt, generated = evaluated(address, folder, number * SAMPLES)
        theirs = statistics.median(
            batched(tools / "llama-batched-bench", file, slots, prompt, generated) for _ in range(3)
        )
        ratios.append(ours / theirs)
        print(
            f"{prompt} + {generated} tokens: eval {ours:.0f} tokens/s, llama-batched-bench {theirs:.0f}: "
            f"{ours / theirs:.2f}"
        )
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
