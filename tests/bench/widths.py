"""The width that was chosen by measuring, against others: throughput of an evaluation, and of the samples of a problem.

    python -m tests.bench.widths MODEL [--problems 32] [--tokens 256] [--rounds 3] [--widths 1,2,4,8,16,32] [--data F]

The model is loaded once. What a step costs is measured first, as `qmath bench` does, unless it is known; `--measure`
measures anyway. Then the problems run as in `qmath eval`, in the chosen shape and in one batch of each width; and eight
samples of one problem as in `qmath solve -k 8 --stop-at off`, in the chosen shape and in one batch of eight. Rounds
alternate. A second number after each time is processor time, which says how much other programs disturbed it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from qmath_cli.benchmark.tuning.choose import Choice, choose
from qmath_cli.benchmark.tuning.table import Tuning
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
from qmath_cli.records import Language, Mode, Problem, Sampling, Shape, Work
from qmath_cli.runtime import tuning
from qmath_cli.runtime.evaluation import open_graders
from qmath_cli.runtime.weights import open_model
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.solve import solve

_SAMPLES = 8
_PROBLEM = "A train travels 60 km in the first hour and 80 km in the second. What is its average speed in km per hour?"

Timed = tuple[float, float, int]
"""Seconds, seconds of processor time, and tokens."""


def main() -> None:
    """Measure, run everything alternately, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--widths", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2, 4, 8, 16, 32]
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    settings, paths, lock = Settings(model=args.model), find(os.environ), lockfile.load()
    info = describe(settings.model, paths, lock)
    form = select(info, Language.EN, Mode.COT)
    source = datasets.EMBEDDED if args.data is None else args.data
    data = datasets.load("demo" if args.data is None else args.data.stem, source)
    data = replace(data, items=data.items[: args.problems])
    with (
        open_model(info, settings, paths, lock, shape=Shape(max(args.widths))) as model,
        open_graders(data.name) as graders,
    ):
        known = None if args.measure else tuning.known(info, settings, paths)
        found = known or tuning.measured(model, info, settings, paths)
        _show(found)
        many = _chosen(found, Work(len(data.items), group=schedule.group_size))
        shapes = {str(width): Shape(width, 1, found.arrangements[0].arrangement.threads) for width in args.widths}
        run = partial(_evaluate, model, form, data, graders, args.tokens)
        _compare("evaluation", args.rounds, run, {f"chosen: {many.shape}": many.shape, **shapes})
        one = _chosen(found, Work(_SAMPLES, each=_SAMPLES))
        samples = partial(_solve, model, form, args.tokens)
        eight = {"one batch of 8": Shape(_SAMPLES, 1, found.arrangements[0].arrangement.threads)}
        _compare("solve -k 8", args.rounds, samples, {f"chosen: {one.shape}": one.shape, **eight})


def _chosen(found: Tuning, work: Work) -> Choice:
    choice = choose(found, work)
    if choice is None:
        raise SystemExit("no shape was measured")
    return choice


def _show(found: Tuning) -> None:
    for one in found.arrangements:
        rates = ", ".join(f"{rows}: {one.rate(rows):.1f}" for rows, _ in one.cost.points)
        print(f"{one.arrangement}, tokens/s by rows of each batch: {rates}")
    print(f"measured in {found.seconds:.1f} s with {found.processor:.0%} of the processor", flush=True)


def _compare(what: str, rounds: int, run: Callable[[Shape], Timed], shapes: Mapping[str, Shape]) -> None:
    """Rounds of all shapes, each round in the other direction, and the medians of tokens per second."""
    times: dict[str, list[Timed]] = {name: [] for name in shapes}
    for index in range(rounds):
        for name in list(shapes)[:: -1 if index % 2 else 1]:
            times[name].append(run(shapes[name]))
            seconds, processor, tokens = times[name][-1]
            print(
                f"{what}, {name}: {tokens} tokens in {seconds:.1f} s ({processor:.1f} s), {tokens / seconds:.1f}/s",
                flush=True,
            )
    first, *others = (
        (name, statistics.median(tokens / seconds for seconds, _, tokens in found)) for name, found in times.items()
    )
    for name, rate in others:
        print(
            f"{what}: {first[0]} at {first[1]:.1f} tokens/s is {first[1] / rate:.2f} times {name} ({rate:.1f})",
            flush=True,
        )


def _evaluate(
    model: Model, form: PromptFormat, data: Dataset, graders: SampleGrader, tokens: int, shape: Shape
) -> Timed:
    """All problems, greedily, as an evaluation runs them."""
    prompt = partial(datasets.build_prompt, data.name, prompt_format=form)
    plan = schedule.EvaluationPlan(data, form.mode, Sampling(max_tokens=tokens), prompt, 1, shape.width)
    setup = Setup(data.name, "", "", "", 0, "", form.mode, plan.sampling, 0, str(shape))
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_engine(model, shape, retain=1)) as engine,
        RunFile(Path(folder), setup) as file,
    ):
        began = time.perf_counter(), time.process_time()
        for _ in schedule.run(plan, engine, None, file, graders):
            pass
        ended = time.perf_counter() - began[0], time.process_time() - began[1]
        return *ended, sum(one.sample.usage.completion_tokens for one in file.stored.values())


def _solve(model: Model, form: PromptFormat, tokens: int, shape: Shape) -> Timed:
    """Eight samples of one problem, all of which count."""
    plan = SolvePlan(form.build(_PROBLEM), form.mode, _SAMPLES, Sampling(temperature=0.7, top_p=0.8, max_tokens=tokens))
    with closing(open_engine(model, shape, retain=2)) as engine:
        began = time.perf_counter(), time.process_time()
        *_, solution = solve(Problem(_PROBLEM), plan, Tools(engine, width=shape.width))
        ended = time.perf_counter() - began[0], time.process_time() - began[1]
        return *ended, sum(sample.usage.completion_tokens for sample in getattr(solution, "samples", ()))


if __name__ == "__main__":
    main()
