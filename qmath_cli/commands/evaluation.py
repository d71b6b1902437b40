"""One model over one data set, for `qmath eval`: what to run, the engine to run it on, and the file that holds it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from qmath_cli.commands import wiring
from qmath_cli.commands.invocation import Invocation
from qmath_cli.engine.llama.devices import SMALL
from qmath_cli.engine.parallel_batches import open_engine
from qmath_cli.errors import DataError, UsageError
from qmath_cli.evaluation import datasets, schedule
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.published import published
from qmath_cli.evaluation.records import Done, Setup
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.evaluation.score import Score, remarks, score
from qmath_cli.grading.grader import Grader
from qmath_cli.models import lockfile, store
from qmath_cli.models.lockfile import ModelFamily, ModelKind
from qmath_cli.records import Equivalence, Mode, ModelFile, Pick, Prompt
from qmath_cli.settings import Grade, Settings

Watch = Callable[[Done, int, int], None]
_RANKED = frozenset({Pick.RM, Pick.RM_VOTE})


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked to be evaluated; `folder` is where runs are stored."""

    data: Dataset
    settings: Settings
    grade: Grade
    parallel: int  # 0: as suits the model
    folder: Path
    regrade: bool = False
    force: bool = False


def find(name: str, where: Path | None, here: Invocation) -> Path:
    """The file of a data set: `where` itself, a file in that folder, the user's own folder, or the embedded one.

    Raises `DataError` where there is none.
    """
    if where is not None and where.is_file():
        return where
    if name == "demo" and where is None:
        return datasets.EMBEDDED
    folder = where if where is not None else here.paths.data / "datasets"
    for path in (folder / f"{name}.jsonl", folder / name / "test.jsonl"):
        if path.is_file():
            return path
    known = "demo" if name in datasets.LAYOUTS else f"demo, {', '.join(sorted(datasets.LAYOUTS))}"
    raise DataError(f"no file for the data set {name!r} in {folder}", f"--data FILE|FOLDER says where; known: {known}")


@contextmanager
def marker(layout: str) -> Iterator[SampleGrader]:
    """Both graders, warm for as long as the block lasts."""
    with Grader(Grade.OFFICIAL) as official, Grader(Grade.STRICT) as strict:
        official.warm()
        strict.warm()
        graders: dict[Grade, Equivalence] = {Grade.OFFICIAL: official, Grade.STRICT: strict}
        yield SampleGrader(layout, graders.__getitem__)


def carry_out(
    here: Invocation, request: Request, model: str, graders: SampleGrader, watch: Watch
) -> tuple[Score, list[Done]]:
    """Run what is missing (an interrupt ends that, not the report) and score what is stored.

    Raises `KeyboardInterrupt` through; what was finished is on the disk, and `stored` reads it.
    """
    file = store.locate(model, here.paths)
    _require_reward(here, request.settings)
    work, setup = _work(request, file)
    with RunFile(request.folder, setup) as run:
        if work.missing(run.done):
            _run(here, request, file, work, run, graders, watch)
        ordered = schedule.in_order(request.data, run.done)
        if request.regrade:
            items = {item.id: item for item in request.data.items}
            ordered = [graders.grade(one, items[one.item]) if one.item in items else one for one in ordered]
        if request.settings.pick in _RANKED:
            ordered = list(_rewarded(here, request, work, ordered))
        run.rewrite(setup, ordered)
    return scored(request, ordered, graders, setup), ordered


def stored(here: Invocation, request: Request, model: str, graders: SampleGrader) -> tuple[Score, list[Done]]:
    """The score of what is on the disk, without running anything."""
    _, setup = _work(request, store.locate(model, here.paths))
    with RunFile(request.folder, setup) as run:
        ordered = schedule.in_order(request.data, run.done)
    return scored(request, ordered, graders, setup), ordered


def scored(request: Request, ordered: list[Done], graders: SampleGrader, setup: Setup | None = None) -> Score:
    """The score with the published figures and the remarks beside it."""
    found = score(request.data, ordered, request.settings.k, request.grade, graders, request.settings.pick)
    if setup is None:
        return found
    name, _, quantization = setup.model.partition(":")
    figures = published(name, setup.mode, request.data.name)
    found = replace(found, setup=setup, published=figures)
    return replace(found, remarks=remarks(found, request.data, setup.quantization or quantization))


def _run(
    here: Invocation,
    request: Request,
    file: ModelFile,
    work: EvaluationPlan,
    run: RunFile,
    graders: SampleGrader,
    watch: Watch,
) -> None:
    settings = request.settings
    total = len(work.data.items) * work.k
    with ExitStack() as stack:
        model = stack.enter_context(
            wiring.load_model(here, file, settings, sequences=work.parallel, force=request.force)
        )
        engine = open_engine(model, work.parallel, retain=1)
        stack.enter_context(closing(engine))
        alike = [work.prompt(replace(work.data.items[0], problem=text)) for text in "AB"]
        engine.warm(alike, wiring.prefixes_of(here), file.sha256)
        tir = work.mode is Mode.TIR
        executor = stack.enter_context(closing(wiring.executor_for(settings))) if tir else None
        for one in schedule.run(work, engine, executor, run, graders):
            watch(one, len(run.done), total)


def _require_reward(here: Invocation, settings: Settings) -> None:
    """A missing reward model is told before hours of sampling, not after. Raises `UsageError`, `ModelMissing`."""
    if settings.pick is Pick.FIRST:
        raise UsageError("--pick first: an evaluation reports votes and rankings", "--pick maj, rm or rm-vote")
    if settings.pick in _RANKED:
        if not settings.reward_model:
            raise UsageError(f"--pick {settings.pick} needs --reward-model", "for example --reward-model rm-72b")
        store.locate(settings.reward_model, here.paths)


def _rewarded(here: Invocation, request: Request, work: EvaluationPlan, ordered: list[Done]) -> Iterator[Done]:
    """Rewards for all samples; the policy model is gone by now, so that memory has to hold one of the two only."""
    with ExitStack() as stack:
        loader = wiring.reward_for(here, request.settings, stack, force=request.force)
        if loader is None:
            yield from ordered
        else:
            yield from schedule.reward(work, ordered, loader())


def usual_parallel(file: ModelFile) -> int:
    """How many sequences at once where nothing was asked for: more of a model whose steps cost little but overhead."""
    return 32 if file.path.stat().st_size < SMALL else 16


def _work(request: Request, file: ModelFile) -> tuple[EvaluationPlan, Setup]:
    settings, data = request.settings, request.data
    plan = wiring.plan_for(settings)
    prompt = partial(_prompt, data.name, settings.mode, file.name.partition(":")[0])
    parallel = request.parallel or usual_parallel(file)
    work = EvaluationPlan(data, settings.mode, plan.sampling, prompt, settings.k, parallel, settings.max_programs)
    setup = Setup(
        data=data.name,
        data_sha256=data.sha256,
        model=file.name,
        model_sha256=file.sha256,
        model_size=file.path.stat().st_size,
        quantization=file.quantization,
        mode=settings.mode,
        sampling=plan.sampling,
        max_programs=settings.max_programs,
        prompt_sha256=hashlib.sha256(prompt(_reference_item(data)).text.encode()).hexdigest(),
    )
    return work, setup


def _reference_item(data: Dataset) -> datasets.Item:
    """A made-up problem, so that the prompt's hash does not depend on the shard."""
    return datasets.Item("", "PROBLEM", "A", "A", data.items[0].language)


def _prompt(data: str, mode: Mode, model: str, item: datasets.Item) -> Prompt:
    """What this model is asked; a model that the lock does not know is taken for an Instruct one."""
    known = {one.name: one for one in lockfile.load().models}.get(model)
    base = known is not None and known.kind is ModelKind.BASE
    predecessor = known is not None and known.family is ModelFamily.QWEN2
    return datasets.prompt(data, item, mode, base=base, predecessor=predecessor)
