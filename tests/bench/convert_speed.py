"""The time and memory of a conversion, compared with llama.cpp's quantizer in the same run.

    python -m tests.bench.convert_speed --folder /somewhere/with/20/GB [--repeat 5] [--quants q4_k_m,q8_0,iq4_xs]

Makes a random checkpoint in the 1.5B shape (3.1 GB; with the real vocabulary if `shared/data` exists) and measures
alternately, each in a process of its own:

    llama.cpp   `llama-quantize` (`--quantizer`, or `llama_model_quantize` of the library) on a finished BF16 file
    one pass    `qmath_convert` on the checkpoint, verification and flushing included

and prints the ratios of the medians. llama-quantize leaves its file in the system's memory; ours is flushed to the disk
before it gets its name. So the time that the disk then takes for their file is measured too: where it is longer than
the arithmetic (q8_0 on a slow disk), the disk is what is measured.

`--cores N` keeps all processes on N cores. `--layers N` makes a smaller checkpoint for a quick look. `--large` adds one
layer of the 72B shape with the 72B embeddings (6.7 GB), to measure the memory. `QMATH_LLAMA_CPP_SOURCE` (a llama.cpp
tree) and `QMATH_TORCH_PYTHON` (an interpreter with PyTorch and transformers) add llama.cpp's first step,
convert_hf_to_gguf.py to BF16; without them our own BF16 file is the quantizer's input.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qmath_cli.files import unfinished
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
SMALL = Recipe(hidden=1536, feed_forward=8960, layers=28, heads=12, kv_heads=2, vocab=151936, tied=True)
LARGE = Recipe(hidden=8192, feed_forward=29568, layers=1, heads=64, kv_heads=8, vocab=152064)
POOL = 1 << 26  # how many random numbers the weights are taken from

ONE_PASS = """
import sys
from pathlib import Path
from qmath_convert.pipeline import Options, convert, plan
from qmath_convert.recipe import Quant
from qmath_convert.source import LocalFolder
folder, path, quant = sys.argv[1:]
convert(plan(LocalFolder(Path(folder)), {Path(path): Quant(quant)}), Options())
"""
QUANTIZE = """
import sys, llama_cpp
p = llama_cpp.llama_model_quantize_default_params()
p.ftype = getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + sys.argv[3].upper())
sys.exit(llama_cpp.llama_model_quantize(sys.argv[1].encode(), sys.argv[2].encode(), p))
"""
COMPARE = """
import sys, gguf
a, b = (gguf.GGUFReader(path) for path in sys.argv[1:])
facts = lambda r: [(t.name, t.tensor_type, bytes(t.data.data)) for t in sorted(r.tensors, key=lambda t: t.name)]
sys.exit(any(x != y for x, y in zip(facts(a), facts(b), strict=True)))
"""


@dataclass(frozen=True)
class Cost:
    """The cost of one process: wall seconds, CPU seconds of all threads, peak resident memory in MB."""

    seconds: float
    busy: float
    memory: float


def measure(command: list[str]) -> Cost:
    """Run a command and return what it cost."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "convert")}
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    complaint = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command[:3]} failed: {complaint.decode()[-2000:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def made(folder: Path, recipe: Recipe) -> Path:
    """A random checkpoint, made if absent. Another process makes it: a child's peak memory includes its parent's."""
    if not (folder / "model.safetensors").is_file():
        process = multiprocessing.get_context("spawn").Process(target=make, args=(folder, recipe))
        process.start()
        process.join()
    return folder


def make(folder: Path, recipe: Recipe) -> None:
    """Write a checkpoint tensor by tensor."""
    folder.mkdir(parents=True, exist_ok=True)
    if (SHARED / "qwen2-tokenizer").is_dir() and recipe.vocab >= SMALL.vocab:
        checkpoints.with_real_tokenizer(folder, recipe.but(hidden=8, feed_forward=8, heads=1, kv_heads=1), SHARED)
    else:
        checkpoints.write_tokenizer(folder, recipe.vocab)
    checkpoints.write_json(folder / "config.json", checkpoints.config(recipe))
    header: dict[str, object] = {}
    shapes, offset = checkpoints.tensors(recipe), 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    path = folder / "model.safetensors"
    with unfinished(path).open("wb") as file:
        file.write(checkpoints.with_header(header, b""))
        for shape in shapes.values():
            for piece in random_pieces(int(np.prod(shape)), min(POOL, offset)):
                file.write(piece)
    unfinished(path).rename(path)


def random_pieces(count: int, pool: int = POOL) -> Iterator[bytes]:
    """Normal numbers with the standard deviation of trained weights, as bfloat16, from random places of the pool."""
    rng = np.random.default_rng(count)
    if not _POOL:
        numbers = np.random.default_rng(0).standard_normal(pool, dtype=np.float32) * np.float32(0.02)
        _POOL.append((numbers.view(np.uint32) >> 16).astype(np.uint16))
    while count:
        start = int(rng.integers(pool // 2))
        piece = _POOL[0][start : start + min(count, pool // 2)]
        yield piece.tobytes()
        count -= piece.size


_POOL: list[np.ndarray] = []


@dataclass(frozen=True)
class Quantizer:
    """llama.cpp's quantizer, the program or the installed library's function."""

    program: str | None

    def measure(self, bf16: Path, target: Path, quant: str) -> Cost:
        """The cost of one run."""
        target.unlink(missing_ok=True)
        if self.program:
            return measure([self.program, str(bf16), str(target), quant])
        return measure([sys.executable, "-c", QUANTIZE, str(bf16), str(target), quant])


def first_step(model: Path, bf16: Path) -> Cost | None:
    """Make the BF16 file; the cost of llama.cpp's own converter, where that can run."""
    source = os.environ.get("QMATH_LLAMA_CPP_SOURCE")
    if source:
        python = os.environ.get("QMATH_TORCH_PYTHON", sys.executable)
        script = Path(source) / "convert_hf_to_gguf.py"
        return measure([python, str(script), str(model), "--outtype", "bf16", "--outfile", str(bf16)])
    one_pass(model, bf16, "bf16")
    return None


def one_pass(model: Path, target: Path, quant: str) -> Cost:
    """The cost of our conversion."""
    target.unlink(missing_ok=True)
    return measure([sys.executable, "-c", ONE_PASS, str(model), str(target), quant])


def flushed(path: Path) -> float:
    """The seconds that the disk takes for what is not on it yet."""
    started = time.perf_counter()
    with path.open("r+b") as file:
        os.fsync(file.fileno())
    return time.perf_counter() - started


def row(what: str, costs: list[Cost]) -> None:
    """One line of the table: medians of the times, the largest memory."""
    times = f"{median(costs):7.1f} s | {median(costs, 'busy'):7.1f} s"
    print(f"| {what:42} | {times} | {max(cost.memory for cost in costs):7,.0f} MB |", flush=True)


def compare(folder: Path, recipe: Recipe, quants: list[str], repeat: int, quantizer: Quantizer) -> None:
    """Alternate the two, so that other load on the machine affects both."""
    model = made(folder / f"Qwen2.5-Math-1.5B-random-{recipe.layers}", recipe)
    bf16 = folder / "bf16.gguf"
    first = first_step(model, bf16)
    print(f"\n1.5B shape, {recipe.layers} layers, {cores()} cores, medians of {repeat}")
    print("| | wall | processor | memory |\n|---|---|---|---|")
    if first:
        row("llama.cpp's first step, convert_hf_to_gguf", [first])
    for quant in quants:
        compare_quant(folder, model, quant, repeat, quantizer)
    bf16.unlink()


def compare_quant(folder: Path, model: Path, quant: str, repeat: int, quantizer: Quantizer) -> None:
    """The lines of one quantization, and its ratios."""
    ours, theirs, disk = [], [], []
    files = [folder / "ours.gguf", folder / "theirs.gguf"]
    for _ in range(repeat):
        ours.append(one_pass(model, files[0], quant))
        theirs.append(quantizer.measure(folder / "bf16.gguf", files[1], quant))
        disk.append(flushed(files[1]))
    row(f"{quant}: llama.cpp's quantizer", theirs)
    row(f"{quant}: qmath, one pass, verified and flushed", ours)
    wall, busy = (median(ours, name) / median(theirs, name) for name in ("seconds", "busy"))
    with_disk = median(ours) / statistics.median(a.seconds + b for a, b in zip(theirs, disk, strict=True))
    same = subprocess.run([sys.executable, "-c", COMPARE, *map(str, files)], check=False).returncode == 0
    print(
        f"| {quant}: ratios: wall {wall:.2f}, processor {busy:.2f}; wall with their file flushed too {with_disk:.2f} "
        f"(+{statistics.median(disk):.1f} s); the tensors are {'the same' if same else 'DIFFERENT'} | | | |",
        flush=True,
    )
    for file in files:
        file.unlink()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def median(costs: list[Cost], field: str = "seconds") -> float:
    """The median of one of the times."""
    return statistics.median(getattr(cost, field) for cost in costs)


def large(folder: Path) -> None:
    """Measure the memory with large tensors, which should be no higher."""
    model = made(folder / "Qwen2.5-Math-72B-one-layer", LARGE)
    cost = one_pass(model, folder / "large.gguf", "q4_k_m")
    row("qmath, one 72B layer and 72B embeddings", [cost])
    (folder / "large.gguf").unlink()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quants", default="q4_k_m,q8_0,iq4_xs")
    parser.add_argument("--quantizer", help="the program llama-quantize; without it the library's own function")
    parser.add_argument("--cores", type=int, help="keep all processes on so many cores")
    parser.add_argument("--layers", type=int, default=SMALL.layers)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    free = shutil.disk_usage(arguments.folder).free
    if free < 20e9:
        raise SystemExit(f"{arguments.folder} has {free / 1e9:.0f} GB free; 20 are needed")
    if arguments.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    recipe, quants = SMALL.but(layers=arguments.layers), arguments.quants.split(",")
    compare(arguments.folder, recipe, quants, arguments.repeat, Quantizer(arguments.quantizer))
    if arguments.large:
        large(arguments.folder)


if __name__ == "__main__":
    main()
