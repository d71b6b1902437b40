"""One model over one data set: what is missing is run, what is stored is scored.

The model is described and asked exactly as in `solve`: a base model gets the few-shot format of the data set, a model
without TIR is run, stored and compared as CoT, a reward model is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from qmath_cli.engine.parallel_batches import open_engine
from qmath_cli.errors import UsageError
from qmath_cli.evaluation import datasets, schedule
from qmath_cli.evaluation.comparison import remarks, server_remarks, unrated_remarks
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.layouts import layout_of
from qmath_cli.evaluation.published import published
from qmath_cli.evaluation.records import GradedSample, Setup
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.evaluation.score import Score, ScoredRun, score
from qmath_cli.grading.grader import Grader
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.prompting.select import select
from qmath_cli.records import (
    Engine,
    Equivalence,
    Mode,
    ModelInfo,
    Pick,
    Shape,
    ShapeDecision,
    Work,
)
from qmath_cli.runtime.drafts import draft_model, open_drafts
from qmath_cli.runtime.evaluation_request import EvaluationRequest, Observer
from qmath_cli.runtime.executors import open_executor
from qmath_cli.runtime.plans import sampling_of
from qmath_cli.runtime.ranking import RankingStage
from qmath_cli.runtime.rewards import reward_loader
from qmath_cli.runtime.servers.opening import open_served
from qmath_cli.runtime.servers.reach import described
from qmath_cli.runtime.servers.text_only import executor_for, require_sendable, server_note
from qmath_cli.runtime.shapes import ShapeRequest, open_shaped, sentence
from qmath_cli.runtime.tools import default_parallel, prefix_folder
from qmath_cli.runtime.weights import notes
from qmath_cli.settings import Grade


@contextmanager
def open_graders(layout: str) -> Iterator[SampleGrader]:
    """Both graders, with their processes started, for as long as the block lasts; `layout` is the data set's name."""
    with Grader(Grade.OFFICIAL) as official, Grader(Grade.STRICT) as strict:
        official.warm()
        strict.warm()
        graders: dict[Grade, Equivalence] = {Grade.OFFICIAL: official, Grade.STRICT: strict}
        yield SampleGrader(layout, graders.__getitem__)


class Evaluation:
    """One model over one data set. Nothing is loaded before `run`."""

    def __init__(self, request: EvaluationRequest, model: str, paths: Paths, lock: Lock, graders: SampleGrader) -> None:
        """Describe the model and the run.

        Raises:
            UsageError: a reward model, a mode that the model does not have, or a choice that an evaluation cannot make.
            ModelMissing: the model, or the reward model, is not on this machine. Better now than after the sampling.
        """
        self._request = request
        self._paths = paths
        self._lock = lock
        self._graders = graders
        if request.settings.pick is Pick.FIRST:
            raise UsageError(
                "--pick first: an evaluation reports votes and rankings", "--pick maj, rm, rm-vote, prm or prm-vote"
            )
        self._info = described(replace(request.settings, model=model), paths, lock)
        loader = reward_loader(request.settings, paths, lock, force=request.force)
        self._ranking = RankingStage(loader, request.settings)
        self._format = _format(request, self._info)
        self.plan = _plan(request, self._info, self._format)
        self.setup = _setup(request, self._info, self.plan, self._format)
        self._shape: ShapeDecision | None = None  # of this computation

    def run(self, observer: Observer) -> ScoredRun:
        """Run what is missing, and score what is stored.

        Raises:
            KeyboardInterrupt: what was finished is stored; `stored` scores it.
        """
        with RunFile(self._request.folder, self.setup, self._request.source) as file:
            if self.plan.missing(file.stored):
                self._decode(file, observer)
            else:
                self._request.on_model(self._info.warnings, ())
            samples = self._regraded(schedule.in_order(self._request.data, file.stored))
            samples = self._ranking.run(self.plan, samples, file, self.setup, observer.activity)
            file.rewrite(self.setup, samples)
        return self._scored(samples, file.path)

    def stored(self) -> ScoredRun:
        """Score what is stored, without running anything."""
        with RunFile(self._request.folder, self.setup, self._request.source) as file:
            samples = schedule.in_order(self._request.data, file.stored)
        return self._scored(samples, file.path)

    def _decode(self, file: RunFile, observer: Observer) -> None:
        settings, plan = self._request.settings, self.plan
        total = len(plan.data.items) * plan.k
        observer.begin(len(file.stored), total)
        with ExitStack() as stack:
            engine = self._engine(stack, file, observer)
            tir = plan.mode is Mode.TIR
            own = stack.enter_context(closing(open_executor(settings))) if tir else None
            executor = None if own is None else executor_for(self._info, own)
            for one in schedule.run(self.plan, engine, executor, file, self._graders, observer.event):
                observer.stored(one, len(file.stored), total)

    def _engine(self, stack: ExitStack, file: RunFile, observer: Observer) -> Engine:
        """The engine, on servers or on this machine; the stack closes it."""
        info, settings, plan = self._info, self._request.settings, self.plan
        if info.servers:
            wanted = replace(settings, model=info.name)
            remote = stack.enter_context(
                open_served(info, wanted, self._paths, self._lock, plan.parallel, note=self._note, watched=False)
            )
            self._request.on_model((*info.warnings, *server_note(info)), ())
            require_sendable(remote, ((item.id, plan.prompt(item)) for item in plan.data.items))
            return remote
        draft_model(settings, self._paths, self._lock)  # if it is missing, this is known before loading
        samples = len(plan.missing(file.stored))
        work = Work(samples, plan.k, schedule.group_size)
        begun = schedule.begun(file.groups, samples) if self._request.tuned else Shape(plan.parallel)
        wanted_shape = ShapeRequest(work, self._request.parallel, begun, unhurried=True)
        model, self._shape = open_shaped(
            info,
            settings,
            self._paths,
            self._lock,
            wanted_shape,
            stack,
            force=self._request.force,
            on_activity=observer.activity,
        )
        self._request.on_model(notes(info, model), model.warnings)
        if said := sentence(info, self._shape):
            self._request.on_shape(said)
        shape = self._shape.shape
        self.plan = replace(plan, parallel=shape.width, batches=shape.batches, threads=shape.threads)
        drafted, noted = stack.enter_context(
            open_drafts(info, model, settings, self._paths, self._lock, shape=shape, force=self._request.force)
        )
        self._request.on_model(noted, ())
        engine = open_engine(model, shape, retain=1, on_activity=observer.activity, drafts=drafted)
        stack.callback(engine.close)
        engine.cache_prefix(self._format.prefix, prefix_folder(self._paths), info.sha256)
        return engine

    def _note(self, sentence: str) -> None:
        self._request.on_model((sentence,), ())

    def _regraded(self, samples: list[GradedSample]) -> list[GradedSample]:
        if not self._request.regrade:
            return samples
        items = {item.id: item for item in self._request.data.items}
        return [self._graders.grade(one.made, items[one.item]) if one.item in items else one for one in samples]

    def _scored(self, samples: list[GradedSample], path: Path) -> ScoredRun:
        found = scored(self._request, samples, self._graders)
        figures = published(self._info.base_name, self.plan.mode, self._request.data.name)
        found = replace(found, setup=self.setup, published=figures)
        found = replace(
            found,
            remarks=(
                *remarks(found, self._info.quantization),
                *server_remarks(self.setup.servers, self._ranking.scorer),
                *unrated_remarks(samples),
            ),
        )
        return ScoredRun(found, samples, path.absolute(), self._shape)


def scored(request: EvaluationRequest, samples: list[GradedSample], graders: SampleGrader) -> Score:
    """The score of graded samples, without the published figures."""
    settings = request.settings
    return score(request.data, samples, settings.k, request.grade, graders, settings.pick)


def _format(request: EvaluationRequest, info: ModelInfo) -> PromptFormat:
    layout = layout_of(request.data.name)
    return select(info, layout.language, request.settings.mode, base_style=layout.base)


def _plan(request: EvaluationRequest, info: ModelInfo, prompt_format: PromptFormat) -> EvaluationPlan:
    return EvaluationPlan(
        data=request.data,
        mode=prompt_format.mode,
        sampling=sampling_of(request.settings),
        prompt=partial(datasets.build_prompt, request.data.name, prompt_format=prompt_format),
        k=request.settings.k,
        parallel=request.parallel or default_parallel(info),
        max_programs=request.settings.max_programs,
        grouped=not info.servers,
    )


def _setup(request: EvaluationRequest, info: ModelInfo, plan: EvaluationPlan, prompt_format: PromptFormat) -> Setup:
    # a made-up problem, so that the hash does not depend on which part of the data is run
    made_up = datasets.Item("", "PROBLEM", "A", "A", request.data.items[0].language)
    prompt = datasets.build_prompt(request.data.name, made_up, prompt_format)
    return Setup(
        data=request.data.name,
        data_sha256=request.data.sha256,
        model=info.name,
        model_sha256=info.sha256,
        model_size=info.size,
        quantization=info.quantization,
        mode=plan.mode,
        sampling=plan.sampling,
        max_programs=plan.max_programs,
        servers=info.servers,
        prompt_sha256=hashlib.sha256("\0".join((prompt.text, *prompt.stops)).encode()).hexdigest(),
    )
