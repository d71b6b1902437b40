"""The time and memory of a conversion, compared with llama.cpp's two steps in the same run.

    python -m tests.bench.convert_speed --folder /somewhere/with/20/GB [--repeat 3] [--large]

Makes a random checkpoint in the 1.5B shape (3.1 GB; with the real vocabulary if `shared/data` exists) and measures
alternately, each in a separate process:

    two steps   convert_hf_to_gguf.py to BF16, then `llama_model_quantize` to Q4_K_M
    one pass    `qmath_convert`, verification included

`--large` adds one layer of the 72B shape with the 72B embeddings (6.7 GB), to measure the memory. The first step needs
`QMATH_LLAMA_CPP_SOURCE` (a llama.cpp tree) and `QMATH_TORCH_PYTHON` (an interpreter with PyTorch and transformers).
Without them our own BF16 file is used instead, and the comparison is with the second step alone, as the table shows.
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
p.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M
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
    if (SHARED / "qwen2-tokenizer").is_dir():
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
            for piece in random_pieces(int(np.prod(shape))):
                file.write(piece)
    unfinished(path).rename(path)


def random_pieces(count: int) -> Iterator[bytes]:
    """Normal numbers with the standard deviation of trained weights, as bfloat16, from random places of the pool."""
    rng = np.random.default_rng(count)
    if not _POOL:
        numbers = np.random.default_rng(0).standard_normal(POOL, dtype=np.float32) * np.float32(0.02)
        _POOL.append((numbers.view(np.uint32) >> 16).astype(np.uint16))
    while count:
        start = int(rng.integers(POOL // 2))
        piece = _POOL[0][start : start + min(count, POOL // 2)]
        yield piece.tobytes()
        count -= piece.size


_POOL: list[np.ndarray] = []


def two_steps(model: Path, work: Path) -> tuple[Cost, Cost | None]:
    """The costs of llama.cpp's quantizer, and of its converter where that can run."""
    bf16, first = work / "bf16.gguf", None
    source = os.environ.get("QMATH_LLAMA_CPP_SOURCE")
    if source:
        python = os.environ.get("QMATH_TORCH_PYTHON", sys.executable)
        script = Path(source) / "convert_hf_to_gguf.py"
        first = measure([python, str(script), str(model), "--outtype", "bf16", "--outfile", str(bf16)])
    elif not bf16.exists():
        measure([sys.executable, "-c", ONE_PASS, str(model), str(bf16), "bf16"])
    second = measure([sys.executable, "-c", QUANTIZE, str(bf16), str(work / "theirs.gguf")])
    return second, first


def one_pass(model: Path, target: Path) -> Cost:
    """The cost of our conversion."""
    target.unlink(missing_ok=True)
    return measure([sys.executable, "-c", ONE_PASS, str(model), str(target), "q4_k_m"])


def row(what: str, costs: list[Cost], disk: float = 0) -> None:
    """One line of the table: medians of the times, the largest memory."""
    times = f"{median(costs):7.1f} s | {median(costs, 'busy'):7.1f} s"
    print(f"| {what:42} | {times} | {max(cost.memory for cost in costs):7,.0f} MB | {disk:7,.0f} MB |", flush=True)


def compare(folder: Path, repeat: int) -> None:
    """Alternate the two, so that other load on the machine affects both."""
    model = made(folder / "Qwen2.5-Math-1.5B-random", SMALL)
    ours, first, second = [], [], []
    for _ in range(repeat):
        ours.append(one_pass(model, folder / "ours.gguf"))
        quantized, converted = two_steps(model, folder)
        second.append(quantized)
        first += [converted] if converted else []
    files = [str(folder / "ours.gguf"), str(folder / "theirs.gguf")]
    same = subprocess.run([sys.executable, "-c", COMPARE, *files], check=False).returncode == 0
    temporary = (folder / "bf16.gguf").stat().st_size / 1e6
    (folder / "bf16.gguf").unlink()
    print(f"\n1.5B shape to Q4_K_M, {os.cpu_count()} cores, median of {repeat}")
    print("| | wall | processor | memory | other disk |\n|---|---|---|---|---|")
    if first:
        row("llama.cpp step 1: convert_hf_to_gguf", first)
    row("llama.cpp step 2: llama_model_quantize", second, temporary)
    row("qmath, one pass, verified", ours)
    for field, name in (("seconds", "wall"), ("busy", "processor")):
        ratio = median(ours, field) / (median(second, field) + (median(first, field) if first else 0))
        print(f"\n{name} time against {'both steps' if first else 'step 2 alone'}: {ratio:.2f}")
    print(f"the tensors are {'the same' if same else 'DIFFERENT'}")


def median(costs: list[Cost], field: str = "seconds") -> float:
    """The median of one of the times."""
    return statistics.median(getattr(cost, field) for cost in costs)


def large(folder: Path) -> None:
    """Measure the memory with large tensors, which should be no higher."""
    model = made(folder / "Qwen2.5-Math-72B-one-layer", LARGE)
    cost = one_pass(model, folder / "large.gguf")
    row("qmath, one 72B layer and 72B embeddings", [cost])
    (folder / "large.gguf").unlink()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    free = shutil.disk_usage(arguments.folder).free
    if free < 20e9:
        raise SystemExit(f"{arguments.folder} has {free / 1e9:.0f} GB free; 20 are needed")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    compare(arguments.folder, arguments.repeat)
    if arguments.large:
        large(arguments.folder)


if __name__ == "__main__":
    main()
