"""A described model, opened: weights, engine, executor, grader, and a reward model once its turn comes.

`solve`, `repl`, `eval`, `bench` and the Python API open models here and nowhere else. The executor's first worker
starts while the weights are read; the grader's process starts at the first comparison that needs it. Everything is
closed when the `with` block ends, whatever ended it. What speaks to servers is imported by a run that has one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.placement import SMALL
from qmath_cli.engine.parallel_batches import ParallelBatches, open_engine
from qmath_cli.grading.grader import Grader
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.records import Engine, Executor, Mode, ModelInfo, Prompt, Protection, ServerInfo
from qmath_cli.records.activity import Idle, Loading, OnActivity, unobserved
from qmath_cli.runtime.executors import OpenExecutor, open_executor
from qmath_cli.runtime.rewards import reward_loader, scoring_server
from qmath_cli.runtime.weights import notes, open_model, require_local
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.settings import Grade, Settings
from qmath_cli.solving.attempts import Approve
from qmath_cli.solving.progress import Tools


@dataclass(frozen=True, slots=True)
class Hooks:
    """What is called.

    Attributes:
        approve: Before each program runs.
        on_activity: With what is going on meanwhile.
        executor: To open the executor, in a mode that has programs.
        note: With what a user has to know while servers compute, such as that one is away.
        watched: Whether anything shows texts while they are written; if not, servers may send them whole.
    """

    approve: Approve | None = None
    on_activity: OnActivity = unobserved
    executor: OpenExecutor = open_executor
    note: Callable[[str], None] = lambda _sentence: None
    watched: bool = True


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
    scorer: ServerInfo | None = None  # the server that scores the samples

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
    hooks: Hooks | None = None,
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
        hooks: called meanwhile.
    """
    wanted = _Wanted(prompt_format.mode, prompt_format.prefix, sequences, force, hooks or Hooks())
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
    observer(Loading(info.name))
    with ExitStack() as stack:
        executor = stack.enter_context(closing(wanted.hooks.executor(settings))) if wanted.mode is Mode.TIR else None
        grader = stack.enter_context(Grader(Grade.STRICT))
        engine, noted, warned = _open(info, settings, paths, lock, wanted, stack)
        tools = Tools(
            engine=engine,
            executor=None if executor is None else _sendable(info, executor),
            equal=grader,
            reward=None if reward is None else cache(lambda: stack.enter_context(reward())),  # many problems, one model
            approve=wanted.hooks.approve,
            on_activity=observer,
        )
        load_s = time.perf_counter() - started
        yield OpenTools(info, tools, executor, load_s, settings, noted, warned, scoring_server(reward, settings))


def _open(
    info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, wanted: _Wanted, stack: ExitStack
) -> tuple[Engine, tuple[str, ...], tuple[str, ...]]:
    """The engine, the notes, and llama.cpp's own warnings; the stack closes the engine."""
    width = wanted.sequences or settings.k
    observer = wanted.hooks.on_activity
    if info.servers:
        from qmath_cli.runtime.servers.opening import open_served
        from qmath_cli.runtime.servers.text_only import server_note

        note, watched = wanted.hooks.note, wanted.hooks.watched
        remote = stack.enter_context(open_served(info, settings, paths, lock, width, note=note, watched=watched))
        observer(Idle())
        return remote, (*info.warnings, *server_note(info)), ()
    require_local(width)
    model = stack.enter_context(
        open_model(info, settings, paths, lock, sequences=width, force=wanted.force, on_activity=observer)
    )
    if wanted.sequences is None:
        # two are retained: the latest sequence, and the prefix
        engine: Batch | ParallelBatches = Batch(model, width, retain=2, on_activity=observer)
    else:
        engine = open_engine(model, width, retain=1, on_activity=observer)
    stack.callback(engine.close)
    if wanted.prefix is not None:
        engine.cache_prefix(wanted.prefix, prefix_folder(paths), info.sha256)
    return engine, notes(info, model), model.warnings


def _sendable(info: ModelInfo, executor: Executor) -> Executor:
    """The executor; on servers, one whose outputs can be sent to them."""
    if not info.servers:
        return executor
    from qmath_cli.runtime.servers.text_only import executor_for

    return executor_for(info, executor)


def default_parallel(info: ModelInfo) -> int:
    """Sequences at once where no number was asked for: more for a model whose decode steps are mostly overhead.

    On servers it is as many as they compute at once, and some more.
    """
    if info.servers:
        from qmath_cli.runtime.servers.opening import default_sequences

        return default_sequences(info)
    return 32 if info.size < SMALL else 16


def prefix_folder(paths: Paths) -> Path:
    """Where the KV cells of prompt prefixes are kept."""
    return paths.cache / "prefixes"
