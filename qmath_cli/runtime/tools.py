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

from qmath_cli.engine.parallel_batches import open_engine
from qmath_cli.grading.grader import Grader
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.records import (
    Engine,
    Executor,
    Mode,
    ModelInfo,
    Prompt,
    Protection,
    ServerInfo,
    Shape,
    ShapeDecision,
    Work,
)
from qmath_cli.records.activity import Idle, Loading, OnActivity, unobserved
from qmath_cli.runtime import tuning
from qmath_cli.runtime.drafts import draft_model, note_on_servers, open_drafts
from qmath_cli.runtime.executors import OpenExecutor, open_executor
from qmath_cli.runtime.rewards import reward_loader, scoring_server
from qmath_cli.runtime.shapes import ShapeRequest, default_width, open_shaped
from qmath_cli.runtime.weights import notes
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
    shape: ShapeDecision | None = None  # how sequences are computed; None where servers decide

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
    wanted: ShapeRequest,
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
        wanted: what is to be computed, and how many sequences were asked for. The shape is in `OpenTools.shape`.
        force: load the model even if it does not seem to fit.
        hooks: called meanwhile.
    """
    several = _Wanted(prompt_format.mode, prompt_format.prefix, wanted, force, hooks or Hooks())
    with _opened(info, settings, paths, lock, several) as tools:
        yield tools


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is opened beside the model; `many` is None where one problem after the other is solved."""

    mode: Mode
    prefix: Prompt | None
    many: ShapeRequest | None
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
        opened = _open(info, settings, paths, lock, wanted, stack)
        tools = Tools(
            engine=opened.engine,
            executor=None if executor is None else _sendable(info, executor),
            equal=grader,
            reward=None if reward is None else cache(lambda: stack.enter_context(reward())),  # many problems, one model
            approve=wanted.hooks.approve,
            on_activity=observer,
            width=opened.width,
        )
        load_s = time.perf_counter() - started
        scorer = scoring_server(reward, settings)
        yield OpenTools(info, tools, executor, load_s, settings, opened.notes, opened.warnings, scorer, opened.shape)


@dataclass(frozen=True, slots=True)
class _Opened:
    """The engine, sequences at once, the notes, llama.cpp's own warnings, and the shape on this machine."""

    engine: Engine
    width: int
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    shape: ShapeDecision | None = None


def _open(info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, wanted: _Wanted, stack: ExitStack) -> _Opened:
    """The engine and what is known of it; the stack closes it."""
    observer = wanted.hooks.on_activity
    request = wanted.many or _of_one_problem(settings)
    if info.servers:
        from qmath_cli.runtime.servers.opening import open_served
        from qmath_cli.runtime.servers.text_only import server_note

        note, watched = wanted.hooks.note, wanted.hooks.watched
        width = request.parallel or (request.default or Shape(request.work.samples)).width
        remote = stack.enter_context(open_served(info, settings, paths, lock, width, note=note, watched=watched))
        observer(Idle())
        return _Opened(remote, width, (*info.warnings, *server_note(info), *note_on_servers(settings)))
    draft_model(settings, paths, lock)  # if it is missing, this is known before the other one is loaded
    model, decided = open_shaped(
        info,
        settings,
        paths,
        lock,
        request,
        stack,
        force=wanted.force,
        on_activity=observer,
    )
    retain = 2 if wanted.many is None else 1  # of one problem after the other, the latest sequence; and the prefix
    drafted, noted = stack.enter_context(
        open_drafts(info, model, settings, paths, lock, shape=decided.shape, force=wanted.force, on_activity=observer)
    )
    engine = open_engine(model, decided.shape, retain=retain, on_activity=observer, drafts=drafted)
    stack.callback(engine.close)
    if wanted.prefix is not None:
        engine.cache_prefix(wanted.prefix, prefix_folder(paths), info.sha256)
    return _Opened(engine, decided.shape.width, (*notes(info, model), *noted), model.warnings, decided)


def _of_one_problem(settings: Settings) -> ShapeRequest:
    """The samples of one problem: all of them at once by default, in one batch that computes their prompt once."""
    samples = decisive(settings)
    return ShapeRequest(Work(samples, each=samples), default=Shape(settings.k, batches=1))


def decisive(settings: Settings) -> int:
    """Samples of a problem that are computed in any case: where a vote decides, it may end before the rest."""
    return settings.k if settings.pick.ranks or not settings.stop_at else min(settings.k, settings.stop_at)


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
    return default_width(info)


def several_at_once(info: ModelInfo, settings: Settings, paths: Paths, samples: int) -> int:
    """Sequences at once in one batch, as was measured or by default; from 1 to as many as there are samples."""
    most = default_parallel(info)
    found = tuning.known(info, settings, paths) if samples > 1 else None
    if found is not None:
        from qmath_cli.benchmark.tuning.choose import choose

        whole = found.arrangements[0].arrangement
        choice = choose(found, Work(samples), allows=lambda shape: (shape.batches, shape.threads) == (1, whole.threads))
        most = most if choice is None else choice.shape.width
    return max(min(samples, most), 1)


def prefix_folder(paths: Paths) -> Path:
    """Where the KV cells of prompt prefixes are kept."""
    return paths.cache / "prefixes"
