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
from qmath_cli.engine.llama.preflight import Preflight, check
from qmath_cli.engine.parallel_batches import ParallelBatches, open_engine
from qmath_cli.engine.reward import RewardModel, read_head
from qmath_cli.errors import UsageError
from qmath_cli.grading.grader import Grader
from qmath_cli.models import fit, memory, store
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.prompting.select import require_reward
from qmath_cli.records import Engine, Mode, ModelInfo, Prompt, Protection, Reward
from qmath_cli.runtime.executors import open_executor
from qmath_cli.runtime.offload import footprint
from qmath_cli.runtime.plans import plan_for
from qmath_cli.runtime.servers.opening import Note, default_sequences, open_served
from qmath_cli.runtime.servers.rewards import ServedReward
from qmath_cli.runtime.servers.text_only import executor_for, server_note
from qmath_cli.settings import Grade, Settings
from qmath_cli.solving.attempts import Approve
from qmath_cli.solving.progress import SolvePlan, Tools

_MOST_LOCAL = 256  # sequences of one context of llama.cpp
_MOST_CONTEXTS = 4  # whole contexts whose KV cells are reserved at most, however many sequences there are

RewardLoader = Callable[[], AbstractContextManager[Reward]]


@dataclass(frozen=True, slots=True)
class OpenTools:
    """An open model with its tools.

    `protection` is None where no executor was wanted; `load_s` is in seconds. `notes` are sentences for the user;
    `engine_warnings` are llama.cpp's own.
    """

    info: ModelInfo
    tools: Tools
    protection: Protection | None = None
    load_s: float = 0.0
    settings: Settings = field(default_factory=Settings)  # those that it was opened with
    notes: tuple[str, ...] = ()
    engine_warnings: tuple[str, ...] = ()

    def plan(self, prompt_format: PromptFormat, prompt: Prompt, *, time_limit: float | None = None) -> SolvePlan:
        """How a problem is solved by the settings that the model was opened with: see `plan_for`."""
        return plan_for(self.settings, prompt_format, prompt, time_limit=time_limit)


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
    approve: Approve | None = None,
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
        approve: called before each program runs.

    Raises:
        UsageError, ModelMissing, IntegrityError, DoesNotFit, EngineUnusable, ExecutorUnusable: as the rooms raise them.
    """
    with _opened(info, settings, paths, lock, _Wanted(mode, prefix, None, force, approve)) as tools:
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
    note: Note = lambda _sentence: None,
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
        note: called with what a user has to know while servers compute, such as that one is away.
    """
    wanted = _Wanted(prompt_format.mode, prompt_format.prefix, sequences, force, note=note)
    with _opened(info, settings, paths, lock, wanted) as tools:
        yield tools


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is opened beside the model; `sequences` is None where the samples of one problem decode at once."""

    mode: Mode
    prefix: Prompt | None
    sequences: int | None
    force: bool = False
    approve: Approve | None = None
    note: Note = lambda _sentence: None


@contextmanager
def _opened(info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, wanted: _Wanted) -> Iterator[OpenTools]:
    started = time.perf_counter()
    reward = reward_loader(settings, paths, lock, force=wanted.force)
    with ExitStack() as stack:
        executor = stack.enter_context(closing(open_executor(settings))) if wanted.mode is Mode.TIR else None
        grader = stack.enter_context(Grader(Grade.STRICT))
        engine, noted, warned = _open(info, settings, paths, lock, wanted, stack)
        tools = Tools(
            engine=engine,
            executor=None if executor is None else executor_for(info, executor),
            equal=grader,
            reward=None if reward is None else cache(lambda: stack.enter_context(reward())),  # many problems, one model
            approve=wanted.approve,
        )
        load_s = time.perf_counter() - started
        protection = executor.protection if executor is not None else None  # waits for the first worker
        yield OpenTools(info, tools, protection, load_s, settings, noted, warned)


def _open(
    info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, wanted: _Wanted, stack: ExitStack
) -> tuple[Engine, tuple[str, ...], tuple[str, ...]]:
    """The engine, the notes, and llama.cpp's own warnings; the stack closes the engine."""
    width = wanted.sequences or settings.k
    if info.servers:
        remote = stack.enter_context(open_served(info, settings, paths, lock, width, note=wanted.note))
        return remote, (*info.warnings, *server_note(info)), ()
    require_local(width)
    model = stack.enter_context(open_model(info, settings, paths, lock, sequences=width, force=wanted.force))
    if wanted.sequences is None:
        engine: Batch | ParallelBatches = Batch(model, width, retain=2)  # the latest sequence, and the prefix
    else:
        engine = open_engine(model, width, retain=1)
    stack.callback(engine.close)
    if wanted.prefix is not None:
        engine.cache_prefix(wanted.prefix, prefix_folder(paths), info.sha256)
    return engine, notes(info, model), model.warnings


def open_model(
    info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, *, sequences: int = 1, force: bool = False
) -> Model:
    """The weights in memory. Close the model, or use it as a context manager.

    Args:
        info: the model.
        settings: device, threads, context and KV cache.
        paths: where the preflight's verdict is kept.
        lock: models.lock, for advice on what would fit.
        sequences: how many sequences will decode at once.
        force: load it even if it does not seem to fit.

    Raises:
        DoesNotFit: with the numbers, and what would fit.
        EngineUnusable, IntegrityError, UsageError: as `engine.llama.model.load` raises them.
    """
    if not force:
        require_memory(info, settings, lock, sequences)
    options = Options(
        device=settings.device,
        gpu_layers=settings.gpu_layers,
        threads=settings.threads,
        ctx=settings.ctx,
        kv_type=settings.kv_type,
        mlock=settings.mlock,
        footprint=lambda: footprint(gguf_file.read(info.path), _cells(settings, sequences), settings.kv_type),
    )
    return load(info.path, options, preflight(settings, paths, lock))


def notes(info: ModelInfo, model: Model) -> tuple[str, ...]:
    """What a user has to know of a model and of where it runs, one sentence each."""
    return tuple(filter(None, (*info.warnings, model.placement.note)))


def preflight(settings: Settings, paths: Paths, lock: Lock) -> Preflight:
    """The way in which this build of llama.cpp runs here, found out once with the demo model and kept in the cache.

    Raises:
        EngineUnusable: it does not run in any way.
    """
    verdict = check(describe("demo", paths, lock).path, paths.cache, settings.device)
    verdict.require()
    return verdict


def reward_loader(settings: Settings, paths: Paths, lock: Lock, *, force: bool = False) -> RewardLoader | None:
    """A function that opens the reward model, to be called once the samples are done; None where none is wanted.

    Raises:
        UsageError, ModelMissing, ServerUnusable: none is named, it scores nothing, it is not there; before sampling.
    """
    if not settings.pick.ranks:
        return None
    if settings.reward_server:
        return ServedReward(settings, paths, lock).opened
    if not settings.reward_model:
        raise UsageError(f"--pick {settings.pick} needs --reward-model", "such as rm-72b, or --reward-server URL")
    info = describe(settings.reward_model, paths, lock)
    require_reward(info)

    @contextmanager
    def open_reward() -> Iterator[Reward]:
        with open_model(info, settings, paths, lock, force=force) as model:
            head = read_head(store.head_path(info.path), model.facts.embedding)
            with RewardModel(model, head) as reward:
                yield reward

    return open_reward


def require_local(sequences: int) -> None:
    """Raise `UsageError` for more sequences at once than a model on this machine can have."""
    if sequences > _MOST_LOCAL:
        raise UsageError(
            f"--parallel {sequences}: at most {_MOST_LOCAL} sequences decode at once on this machine",
            f"--parallel {_MOST_LOCAL}, or --server URL",
        )


def default_parallel(info: ModelInfo) -> int:
    """Sequences at once where no number was asked for: more for a model whose decode steps are mostly overhead.

    On servers it is as many as they compute at once, and some more.
    """
    if info.servers:
        return default_sequences(info)
    return 32 if info.size < SMALL else 16


def prefix_folder(paths: Paths) -> Path:
    """Where the KV cells of prompt prefixes are kept."""
    return paths.cache / "prefixes"


def require_memory(info: ModelInfo, settings: Settings, lock: Lock, sequences: int, *, held: int = 0) -> None:
    """Refuse what does not fit.

    Args:
        info: the model.
        settings: context and KV cache.
        lock: models.lock, for advice on what would fit.
        sequences: how many sequences will decode at once.
        held: bytes of the need that this process has already allocated.

    Raises:
        DoesNotFit: with the numbers, and what would fit.
    """
    header = gguf_file.read(info.path)
    wanted = fit.need(header, _cells(settings, sequences), settings.kv_type)
    found = memory.memory()
    available = found.available + held if found is not None else None
    fit.require(fit.judge(wanted, available, fit.kv_per_cell(header, settings.kv_type)), info.name, lock)


def _cells(settings: Settings, sequences: int) -> int:
    """KV cells that are reserved, in tokens."""
    return settings.ctx * min(sequences, _MOST_CONTEXTS)
