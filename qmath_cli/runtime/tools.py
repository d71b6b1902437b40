"""A described model, opened: weights, engine, executor, grader, and a reward model once its turn comes.

`solve`, `repl`, `eval`, `bench` and the Python API open models here and nowhere else. The executor's first worker
starts while the weights are read; the grader's process starts at the first comparison that needs it. Everything is
closed when the `with` block ends, whatever ended it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.placement import SMALL
from qmath_cli.engine.parallel_batches import ParallelBatches, open_engine
from qmath_cli.errors import UsageError
from qmath_cli.grading.grader import Grader
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.prompting.select import EXAMPLES, require_reward
from qmath_cli.records import Mode, ModelInfo, Prompt, Protection, Reward
from qmath_cli.records.activity import Idle, Loading, OnActivity, unobserved
from qmath_cli.runtime.executors import OpenExecutor, open_executor
from qmath_cli.runtime.need import cells, preflight, require_memory, taken
from qmath_cli.runtime.offload import footprint
from qmath_cli.runtime.rewards import rater, require_whole
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.settings import Grade, Settings
from qmath_cli.solving.attempts import Approve
from qmath_cli.solving.progress import Tools

RewardLoader = Callable[[], AbstractContextManager[Reward]]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called: `approve` before each program runs, `on_activity` with what is going on meanwhile.

    `executor` opens the executor, in a mode that has programs.
    """

    approve: Approve | None = None
    on_activity: OnActivity = unobserved
    executor: OpenExecutor = open_executor


@dataclass(frozen=True, slots=True)
class OpenTools:
    """An open model with its tools.

    `executor` is None where none was wanted; `load_s` is in seconds. `notes` are sentences for the user;
    `engine_warnings` are llama.cpp's own.
    """

    info: ModelInfo
    tools: Tools
    executor: RestrictedExecutor | None = None
    load_s: float = 0.0
    settings: Settings = field(default_factory=Settings)  # those that it was opened with
    notes: tuple[str, ...] = ()
    engine_warnings: tuple[str, ...] = ()

    def protection(self) -> Protection | None:
        """What restricts programs. Waits for the first worker. Raises `ExecutorUnusable`."""
        return None if self.executor is None else self.executor.protection


@contextmanager
def open_tools(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    mode: Mode = Mode.TIR,
    prefix: Prompt | None = None,
    force: bool = False,
    hooks: Hooks | None = None,
) -> Iterator[OpenTools]:
    """Everything that solving one problem after the other needs, for as long as the block lasts.

    Args:
        info: the model.
        settings: device, context, limits, number of samples, reward model.
        paths: where caches and models are kept.
        lock: models.lock.
        mode: COT opens no executor.
        prefix: what all prompts begin with; its KV cells are computed once and kept on disk.
        force: load the model even if it does not seem to fit.
        hooks: called meanwhile.

    Raises:
        UsageError, ModelMissing, IntegrityError, DoesNotFit, EngineUnusable, ExecutorUnusable: as the rooms raise them.
    """
    with _opened(info, settings, paths, lock, _Wanted(mode, prefix, None, force, hooks or Hooks())) as tools:
        yield tools


@contextmanager
def open_many(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    prompt_format: PromptFormat,
    sequences: int,
    *,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> Iterator[OpenTools]:
    """Everything that solving many problems in one batch needs, for as long as the block lasts.

    Args:
        info: the model.
        settings: as for `open_tools`.
        paths: as for `open_tools`.
        lock: models.lock.
        prompt_format: how the problems are asked, or most of them.
        sequences: how many sequences decode at once.
        force: load the model even if it does not seem to fit.
        on_activity: as for `open_tools`.
    """
    wanted = _Wanted(prompt_format.mode, prompt_format.prefix, sequences, force, Hooks(on_activity=on_activity))
    with _opened(info, settings, paths, lock, wanted) as tools:
        yield tools


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is opened beside the model; `sequences` is None where the samples of one problem decode at once."""

    mode: Mode
    prefix: Prompt | None
    sequences: int | None
    force: bool = False
    hooks: Hooks = field(default_factory=Hooks)


@contextmanager
def _opened(info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, wanted: _Wanted) -> Iterator[OpenTools]:
    started = time.perf_counter()
    observer = wanted.hooks.on_activity
    reward = reward_loader(settings, paths, lock, beside=info, force=wanted.force, on_activity=observer)
    width = wanted.sequences or settings.k
    observer(Loading(info.name))
    with ExitStack() as stack:
        executor = stack.enter_context(closing(wanted.hooks.executor(settings))) if wanted.mode is Mode.TIR else None
        grader = stack.enter_context(Grader(Grade.STRICT))
        model = stack.enter_context(
            open_model(info, settings, paths, lock, sequences=width, force=wanted.force, on_activity=observer)
        )
        if wanted.sequences is None:
            # two are retained: the latest sequence, and the prefix
            engine: Batch | ParallelBatches = Batch(model, width, retain=2, on_activity=observer)
        else:
            engine = open_engine(model, width, retain=1, on_activity=observer)
        stack.enter_context(engine)
        if wanted.prefix is not None:
            engine.cache_prefix(wanted.prefix, prefix_folder(paths), info.sha256)
        tools = Tools(
            engine=engine,
            executor=executor,
            equal=grader,
            reward=None if reward is None else cache(lambda: stack.enter_context(reward())),  # many problems, one model
            approve=wanted.hooks.approve,
            on_activity=observer,
        )
        load_s = time.perf_counter() - started
        yield OpenTools(info, tools, executor, load_s, settings, notes(info, model), model.warnings)


def open_model(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    sequences: int = 1,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> Model:
    """The weights in memory. Close the model, or use it as a context manager.

    Args:
        info: the model.
        settings: device, threads, context and KV cache.
        paths: where the preflight's verdict is kept.
        lock: models.lock, for advice on what would fit.
        sequences: how many sequences will decode at once.
        force: load it even if it does not seem to fit.
        on_activity: told how far loading has come.

    Raises:
        DoesNotFit: with the numbers, and what would fit.
        EngineUnusable, IntegrityError, UsageError: as `engine.llama.model.load` raises them.
    """
    if not force:
        require_memory(info, settings, paths, lock, sequences)
    options = Options(
        device=settings.device,
        gpu_layers=settings.gpu_layers,
        threads=settings.threads,
        ctx=settings.ctx,
        kv_type=settings.kv_type,
        mlock=settings.mlock,
        repack=settings.repack,
        footprint=lambda: footprint(gguf_file.read(info.path), cells(settings, sequences), settings.kv_type),
    )
    found = preflight(settings, paths, lock)
    on_activity(Loading(info.name))
    try:
        return load(info.path, options, found, lambda share: on_activity(Loading(info.name, share)))
    finally:
        on_activity(Idle())


def notes(info: ModelInfo, model: Model) -> tuple[str, ...]:
    """What a user has to know of a model and of where it runs, one sentence each."""
    return tuple(filter(None, (*info.warnings, model.placement.note)))


def reward_loader(
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    beside: ModelInfo | None = None,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> RewardLoader | None:
    """A function that opens the reward model, to be called once the samples are done; None where none is wanted.

    Args:
        settings: which model, and what it is wanted for.
        paths: where models are kept.
        lock: models.lock.
        beside: the model that stays in memory meanwhile; None: its memory is free by then.
        force: load it even if it does not seem to fit.
        on_activity: told of the loading.

    Raises:
        UsageError: no reward model is named, or the one named does not score what `--pick` needs.
        ModelMissing: it, or a part of it, is not on this machine.
        IntegrityError: its vocabulary lacks the mark of steps.
        DoesNotFit: the memory is too small. All are raised before any sample is made.
    """
    wanted = settings.pick.kind
    if wanted is None:
        return None
    if not settings.reward_model:
        example = "for example --reward-model " + EXAMPLES[wanted]
        raise UsageError(f"--pick {settings.pick} needs --reward-model", example)
    info = describe(settings.reward_model, paths, lock)
    require_reward(info, wanted)
    require_whole(info)
    if not force:
        require_memory(info, settings, paths, lock, 1, held=-taken(beside, settings, paths, lock))
    return lambda: open_reward(info, settings, paths, lock, force=force, on_activity=on_activity)


@contextmanager
def open_reward(
    info: ModelInfo,
    settings: Settings,
    paths: Paths,
    lock: Lock,
    *,
    force: bool = False,
    on_activity: OnActivity = unobserved,
) -> Iterator[Reward]:
    """A reward model, for as long as the block lasts. Arguments and errors as for `open_model` and `rater`."""
    require_whole(info)
    with (
        open_model(info, settings, paths, lock, force=force, on_activity=on_activity) as model,
        rater(info, model, settings.aggregate) as reward,
    ):
        yield reward


def default_parallel(info: ModelInfo) -> int:
    """Sequences at once where no number was asked for: more for a model whose decode steps are mostly overhead."""
    return 32 if info.size < SMALL else 16


def prefix_folder(paths: Paths) -> Path:
    """Where the KV cells of prompt prefixes are kept."""
    return paths.cache / "prefixes"
