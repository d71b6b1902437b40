"""What the engine costs beyond `qmath bench`: `python -m tests.bench.engine sharing MODEL.gguf | soak | startup`.

sharing   eight samples of 128 tokens from one prompt of 512, against eight runs that load the model each
soak      1,000 demo solves (as text and output blocks, no programs) in one process: memory and KV cells
startup   `qmath --help` and `qmath solve` with the demo, and which imports they pay for
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
from qmath_cli.prompting import chat
from qmath_cli.records import Mode, Prompt, Sampling

ROOT = Path(__file__).resolve().parents[2]

DEMO = ROOT / "qmath_cli" / "demo" / "demo-q8_0.gguf"
PROBLEMS = ("Find the roots of x^2 - 5x + 6 = 0.", "What is 12 + 30?", "求方程 x^2 - 5x + 6 = 0 的根。")


def sharing(path: Path, rounds: int = 2) -> None:
    """Wall time for eight samples at once, and one after another, with and without loading the model each time."""
    samplings = [Sampling(temperature=0.7, top_p=0.8, seed=seed, max_tokens=128) for seed in range(8)]
    separate(path, samplings[:1])  # the file is in memory from here on
    for _ in range(rounds):
        loads, works = separate(path, samplings)
        apart = [separate(path, [sampling]) for sampling in samplings]
        all_loads, all_works = (sum(column) for column in zip(*apart, strict=True))
        ratio, decoding = (loads + works) / (all_loads + all_works), works / all_works
        print(
            f"together {loads:.1f} + {works:.1f} s, apart {all_loads:.1f} + {all_works:.1f} s (load + the rest): ",
            end="",
        )
        print(f"ratio {ratio:.3f}, without loading {decoding:.3f}", flush=True)


def separate(path: Path, samplings: list[Sampling]) -> tuple[float, float]:
    """Seconds to load, and to prefill 512 tokens once and decode every sampling."""
    started = time.perf_counter()
    with load(path, Options(), Preflight()) as model, Batch(model, 8, cells=4096, endless=True) as batch:
        loaded = time.perf_counter()
        run(batch, prompt_of(model, 512), samplings)
        return loaded - started, time.perf_counter() - loaded


def soak(solves: int = 1000) -> None:
    """Resident memory after the first hundred and after all, and the cells that are left in use."""
    from tests.engine.driving import solve

    print(f"{'solves':>7} {'RSS, MB':>8} {'cells':>6}")
    first = 0.0
    with load(DEMO, Options(), Preflight()) as model, Batch(model, 4) as batch:
        for done in range(1, solves + 1):
            k = 1 + done % 4
            samplings = [Sampling(temperature=0.8, seed=done + i, max_tokens=300) for i in range(k)]
            solve(batch, chat.chat(PROBLEMS[done % len(PROBLEMS)], Mode.TIR), samplings)
            if done % 100 == 0:
                now = resident()
                first = first or now
                print(f"{done:>7} {now:>8.1f} {batch.cells_used:>6}", flush=True)
    print(f"growth after the first hundred: {now - first:.1f} MB")


def startup(rounds: int = 5) -> None:
    """Wall times on a warm disk, preflight cached, and the dearest imports."""
    qmath = [sys.executable, "-m", "qmath_cli"]
    for name, arguments in (("qmath --help", ["--help"]), ("qmath solve (demo)", ["solve", PROBLEMS[1]])):
        quiet(qmath + arguments)
        times = sorted(timed(lambda: quiet(qmath + arguments)) for _ in range(rounds))  # noqa: B023
        print(f"{name}: median {statistics.median(times):.2f} s, best {times[0]:.2f} s")
        for line in dearest_imports(arguments):
            print("   ", line)


def run(batch: Batch, prompt: Prompt, samplings: list[Sampling]) -> None:
    """All tokens of all samplings."""
    ids = batch.start(prompt, samplings)
    while batch.step():
        pass
    for key in ids:
        batch.release(key)


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def quiet(command: list[str]) -> None:
    """Run, and see that it worked."""
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)


def resident() -> float:
    """Resident memory now, in MB (Linux)."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def dearest_imports(arguments: list[str], count: int = 8) -> list[str]:
    """The modules whose import takes longest, with what they import, in milliseconds."""
    command = [sys.executable, "-X", "importtime", "-m", "qmath_cli", *arguments]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stderr
    rows = [
        line.removeprefix("import time:").split("|") for line in said.splitlines() if line.startswith("import time:")
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
