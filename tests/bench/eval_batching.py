"""Batched evaluation against one problem at a time: wall time, and how many greedy answers agree.

    python -m tests.bench.eval_batching [PROBLEMS] [PARALLEL] [ROUNDS]

The same problems, model and settings as `qmath eval --parallel 1` and `--parallel N`, alternately in one process. The
model is loaded once, and the processes that run programs and grade have started before the clock does. Greedy answers
can differ in rare cases: llama.cpp computes a row in a batch with other kernels than a row alone, sums round
differently, and where two tokens are almost equally likely the other one is taken.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.parallel_batches import open_engine
from qmath_cli.evaluation import datasets, schedule
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.records import Setup
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Sampling, Shape
from qmath_cli.runtime.evaluation import open_graders
from qmath_cli.runtime.executors import open_executor
from qmath_cli.runtime.plans import sampling_of
from qmath_cli.runtime.weights import open_model
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.settings import Grade, Settings


def main() -> None:
    """Run both ways alternately and print the ratios."""
    given = [int(word) for word in sys.argv[1:]]
    problems, parallel, rounds = given + [64, 32, 5][len(given) :]
    settings, paths, lock = Settings(model="demo:q8_0"), find(os.environ), lockfile.load()
    info = describe(settings.model, paths, lock)
    prompt_format = select(info, Language.EN)
    whole = datasets.load("demo", datasets.EMBEDDED)
    step = len(whole.items) // problems  # spread over the kinds
    data = replace(whole, items=whole.items[::step][:problems])
    with open_model(info, settings, paths, lock, shape=Shape(parallel)) as model:
        measure = partial(run, model, settings, prompt_format)
        measure(replace(data, items=data.items[:4]), parallel)  # warm caches and spare workers
        pairs = [(measure(data, 1), measure(data, parallel)) for _ in range(rounds)]
    for alone, batched in pairs:
        same = sum(alone[1][item.id] == batched[1][item.id] for item in data.items)
        print(f"{problems} problems one at a time {alone[0]:.2f} s, {parallel} at once {batched[0]:.2f} s: ", end="")
        print(f"{batched[0] / alone[0]:.2f} of the time; {same}/{problems} answers the same")
    print(f"median ratio {statistics.median(batched[0] / alone[0] for alone, batched in pairs):.2f}")


def start_helpers(executor: RestrictedExecutor, graders: SampleGrader) -> None:
    """Wait for the helper processes: their start, like the model's, is paid once however many problems follow."""
    for _ in range(3):  # workers come cold at first
        executor.open().run("print(1)")
    for grade in Grade:
        graders.compare(grade, "1+1", "2")


def run(
    model: Model, settings: Settings, prompt_format: PromptFormat, data: Dataset, parallel: int
) -> tuple[float, dict[str, str | None]]:
    """Seconds, and the answer to every problem."""
    sampling: Sampling = sampling_of(settings)
    mode = prompt_format.mode
    prompt = partial(datasets.build_prompt, data.name, prompt_format=prompt_format)
    plan = schedule.EvaluationPlan(data, mode, sampling, prompt, 1, parallel, settings.max_programs)
    setup = Setup(data.name, "", "", "", 0, "", mode, sampling, settings.max_programs, str(parallel))
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_executor(settings)) as executor,
        closing(open_engine(model, Shape(parallel), retain=1)) as engine,
        RunFile(Path(folder), setup) as file,
        open_graders(data.name) as graders,
    ):
        start_helpers(executor, graders)
        started = time.perf_counter()
        for _ in schedule.run(plan, engine, executor, file, graders):
            pass
        seconds = time.perf_counter() - started
        return seconds, {one.item: one.sample.answer for one in file.stored.values()}


if __name__ == "__main__":
    main()
