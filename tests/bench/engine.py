"""Measurements of the engine that `qmath bench` does not make.

Run as `python -m tests.bench.engine sharing MODEL.gguf | soak | startup`:

sharing   eight samples of 128 tokens from one prompt of 512 tokens, compared with eight separate runs
soak      memory and KV cells over 1,000 solves of the demo in one process, with output blocks but without programs
startup   wall time of `qmath --help` and of `qmath solve` with the demo, and their slowest imports
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from qmath_cli.benchmark.measure import prompt_of
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Mode, Prompt, Sampling
from tests.engine.driving import solve
from tests.prompts import chat

ROOT = Path(__file__).resolve().parents[2]

DEMO = ROOT / "qmath_cli" / "demo" / "demo-q8_0.gguf"
PROBLEMS = ("Find the roots of x^2 - 5x + 6 = 0.", "What is 12 + 30?", "求方程 x^2 - 5x + 6 = 0 的根。")


def sharing(path: Path, rounds: int = 2) -> None:
    """Print the wall time of eight samples in one batch, divided by that of eight runs, with and without loading."""
    samplings = [Sampling(temperature=0.7, top_p=0.8, seed=seed, max_tokens=128) for seed in range(8)]
    time_run(path, samplings[:1])  # warm-up: the file is in the page cache afterwards
    for _ in range(rounds):
        load_s, work_s = time_run(path, samplings)
        single_runs = [time_run(path, [sampling]) for sampling in samplings]
        single_load_s, single_work_s = (sum(column) for column in zip(*single_runs, strict=True))
        print(f"load + work: one batch {load_s:.1f} + {work_s:.1f} s, ", end="")
        print(f"eight runs {single_load_s:.1f} + {single_work_s:.1f} s: ", end="")
        ratio = (load_s + work_s) / (single_load_s + single_work_s)
        print(f"ratio {ratio:.3f}, without loading {work_s / single_work_s:.3f}", flush=True)


def time_run(path: Path, samplings: list[Sampling]) -> tuple[float, float]:
    """Seconds to load the model, and seconds to prefill 512 tokens and decode every sampling."""
    started = time.perf_counter()
    with load(path, Options(), Preflight()) as model, Batch(model, 8, cells=4096, endless=True) as batch:
        loaded = time.perf_counter()
        run(batch, prompt_of(model, 512), samplings)
        return loaded - started, time.perf_counter() - loaded


def soak(solves: int = 1000) -> None:
    """Print resident memory and the cells in use, every hundred solves."""
    print(f"{'solves':>7} {'RSS, MB':>8} {'cells':>6}")
    first = 0.0
    with load(DEMO, Options(), Preflight()) as model, Batch(model, 4) as batch:
        for done in range(1, solves + 1):
            k = 1 + done % 4
            samplings = [Sampling(temperature=0.8, seed=done + i, max_tokens=300) for i in range(k)]
            solve(batch, chat(PROBLEMS[done % len(PROBLEMS)], Mode.TIR), samplings)
            if done % 100 == 0:
                now = resident()
                first = first or now
                print(f"{done:>7} {now:>8.1f} {batch.cells_used:>6}", flush=True)
    print(f"growth after the first hundred: {now - first:.1f} MB")


def startup(rounds: int = 5) -> None:
    """Print wall times with a warm page cache and a cached preflight check, and the slowest imports."""
    qmath = [sys.executable, "-m", "qmath_cli"]
    for name, arguments in (("qmath --help", ["--help"]), ("qmath solve (demo)", ["solve", PROBLEMS[1]])):
        quiet(qmath + arguments)
        times = sorted(timed(lambda: quiet(qmath + arguments)) for _ in range(rounds))  # noqa: B023
        print(f"{name}: median {statistics.median(times):.2f} s, best {times[0]:.2f} s")
        for line in slowest_imports(arguments):
            print("   ", line)


def run(batch: Batch, prompt: Prompt, samplings: list[Sampling]) -> None:
    """Decode all tokens of all samplings."""
    ids = batch.start(prompt, samplings)
    while batch.step():
        pass
    for key in ids:
        batch.release(key)


def timed(work: Callable[[], object]) -> float:
    """Wall time in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def quiet(command: list[str]) -> None:
    """Run a command without its output; an exit code other than 0 raises."""
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)


def resident() -> float:
    """Resident memory in MB (Linux)."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def slowest_imports(arguments: list[str], count: int = 8) -> list[str]:
    """The packages whose import takes longest, imports of their own included, in milliseconds."""
    command = [sys.executable, "-X", "importtime", "-m", "qmath_cli", *arguments]
    log = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stderr
    rows = [
        line.removeprefix("import time:").split("|") for line in log.splitlines() if line.startswith("import time:")
    ]
    costs = {name.strip(): int(whole) for _, whole, name in rows if whole.strip().isdigit()}
    tops = sorted(costs.items(), key=lambda item: -item[1])
    return [f"{whole / 1000:6.1f} ms  {name}" for name, whole in tops if "." not in name][:count]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sharing", path]:
            sharing(Path(path))
        case ["soak"]:
            soak()
        case ["startup"]:
            startup()
        case _:
            sys.exit(__doc__)
