"""The steps: each runs commands of qmath as a user would, and gives rows of the table."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.device.machine import Machine, Row

Step = Callable[[Machine], Sequence[Row]]

_MAKE = """
import json, sys
from pathlib import Path
from tests.bench.convert_speed import make
from tests.convert.checkpoints import Recipe
make(Path(sys.argv[1]), Recipe(**json.loads(sys.argv[2])))
"""


def checkpoint(machine: Machine) -> list[Row]:
    """Generate the random checkpoint."""
    started = time.perf_counter()
    if not (machine.checkpoint / "model.safetensors").is_file():
        machine.python("-c", _MAKE, str(machine.checkpoint), json.dumps(dict(machine.sizes.shape)))
    size = (machine.checkpoint / "model.safetensors").stat().st_size
    return [Row("random checkpoint", f"{size / 1e9:.2f} GB in {time.perf_counter() - started:.1f} s")]


def convert(machine: Machine) -> list[Row]:
    """Convert it."""
    arguments = (str(machine.checkpoint), "-q", "q4_k_m", "-o", str(machine.model), "--force")
    done = machine.qmath("convert", *arguments)
    return [Row("convert to Q4_K_M, verified", f"{done['seconds']:.1f} s")]


def engine_tests(machine: Machine) -> list[Row]:
    """Run the engine's own tests with this build; failures are a row, and do not end the run."""
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *machine.sizes.tests)
    said = machine.python(*command, accepted=(0, 1)).strip().splitlines()
    failed = [Row("  failed", line.removeprefix("FAILED ")) for line in said if line.startswith(("FAILED", "ERROR"))]
    return [Row("tests of the engine", said[-1].strip("= ")), *failed]


def speed(machine: Machine) -> list[Row]:
    """`bench` against llama-bench and llama-batched-bench, all layers on the device; v(n), and what drafts gain."""
    found = _bench(machine, against=True)
    return [*_rates(found, ""), _step_costs(found), _drafts(found)]


def offloading(machine: Machine) -> list[Row]:
    """`--gpu-layers` auto, a part, and none: the same model, cut."""
    part = str(machine.sizes.part)
    rows = []
    for layers in ("auto", part, "0"):
        found = _bench(machine, "--gpu-layers", layers, sequences=(1,))
        rows += [
            Row(f"--gpu-layers {layers}: placed", str(found["device"])),
            *_rates(found, f"--gpu-layers {layers}: "),
        ]
    return rows


def evaluate(machine: Machine) -> list[Row]:
    """`eval demo`."""
    limit = () if machine.sizes.problems is None else ("--limit", str(machine.sizes.problems))
    found = machine.qmath("eval", "demo", "-m", "demo", "--device", machine.device, *limit)
    figure = f"{found['accuracy']:.1%} of {found['items']}, {found['tokens'] / found['seconds']:.0f} tokens/s"
    return [Row("eval demo", figure)]


STEPS: tuple[Step, ...] = (checkpoint, convert, speed, offloading, evaluate, engine_tests)


def _bench(machine: Machine, *more: str, sequences: tuple[int, ...] = (), against: bool = False) -> dict[str, Any]:
    sizes = machine.sizes
    counts = ",".join(map(str, sequences or sizes.sequences))
    shape = ("--sequences", counts, "--prompt-tokens", str(sizes.prompt), "--tokens", str(sizes.tokens))
    reference = ("--against", str(machine.tools / "llama-bench")) if against and machine.tools else ()
    model = ("-m", str(machine.model), "--device", machine.device)
    return machine.qmath("bench", *model, *shape, "--repeats", str(sizes.repeats), *reference, *more)


def _rates(found: dict[str, Any], before: str) -> list[Row]:
    """Prefill and decoding, each beside llama.cpp's own tool where that ran."""
    compared = {one["work"]: one for one in found["comparisons"]}
    works = [("prefill", found["prefill"])]
    works += [(f"decode {one['sequences']}", one["rate"]) for one in found["decode"]]
    rows = []
    for work, rate in works:
        other = compared.get(work)
        beside = (f"{other['rate']['median']:.1f}", f"{other['ratio']['median']:.2f}") if other else ("", "")
        rows.append(Row(f"{before}{work}, tokens/s", f"{rate['median']:.1f}", *beside))
    return rows


def _step_costs(found: dict[str, Any]) -> Row:
    """v(n): what a step of n rows costs, as a multiple of a step of one."""
    steps = found["tuning"]["arrangements"][0]["steps"]
    one = steps[0]["seconds"]
    return Row("v(n)", ", ".join(f"{step['rows']}: {step['seconds'] / one:.2f}" for step in steps))


def _drafts(found: dict[str, Any]) -> Row:
    """Decoding with drafts, beside the same without."""
    drafts = found["drafts"]
    if drafts is None:
        return Row("drafts", "none: they do not gain here")
    figure = f"{drafts['rate']['median']:.1f}, {drafts['accepted']} of {drafts['drafted']} accepted"
    return Row(f"drafts ({drafts['source']}), tokens/s", figure, ratio=f"{drafts['gain']['median']:.2f} to none")
