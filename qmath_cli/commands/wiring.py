"""From settings to working tools: the one place where the adapters are constructed.

A model is located, found to fit, preflighted and loaded; an executor is started beside it (its spare worker prepares
itself while the weights are read); a grader is handed over, whose process starts at the first comparison that needs it.
Everything is closed when the `with` block ends, whatever ended it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from qmath_cli import gguf_file
from qmath_cli.commands.invocation import Invocation
from qmath_cli.commands.offload import footprint
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight, check
from qmath_cli.engine.reward import RewardModel, read_head
from qmath_cli.errors import UsageError
from qmath_cli.grading.grader import Grader
from qmath_cli.models import fit, lockfile, memory, store
from qmath_cli.records import Mode, ModelFile, Pick, Prompt, Protection, Reward
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits
from qmath_cli.settings import Grade, Settings
from qmath_cli.solving import solve
from qmath_cli.terminal.approval import asker

DEMO_NOTE = (
    "demo model: it knows only the kinds of problem it was trained on (arithmetic, equations, small matrices, "
    "derivatives, counting, dates ...); `qmath pull 1.5b-instruct` gets a real one"
)


@dataclass(frozen=True, slots=True)
class Wired:
    """What a run works with, and what it may say about it."""

    model: ModelFile
    tools: solve.Tools
    protection: Protection | None
    load_s: float


@contextmanager
def wire(
    here: Invocation,
    settings: Settings,
    file: ModelFile | None = None,
    *,
    force: bool = False,
    approve: bool = False,
    alike: Sequence[Prompt] = (),
) -> Iterator[Wired]:
    """Everything a solve needs, for as long as the block lasts; `file` where the model was located before.

    What the prompts `alike` begin with in common is computed once and kept on disk. Raises what the rooms raise.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        file = file or store.locate(settings.model, here.paths)
        executor = stack.enter_context(closing(executor_for(settings))) if settings.mode is Mode.TIR else None
        grader = stack.enter_context(Grader(Grade.STRICT))
        model = stack.enter_context(load_model(here, file, settings, sequences=settings.k, force=force))
        engine = stack.enter_context(Batch(model, settings.k, retain=2))  # the latest sequence, and a common beginning
        if alike:
            engine.warm(alike, prefixes_of(here), file.sha256)
        tools = solve.Tools(
            engine=engine,
            executor=executor,
            equal=grader,
            reward=reward_for(here, settings, stack, force=force),
            approve=asker(here.terminal) if approve else None,
        )
        load_s = time.perf_counter() - started
        yield Wired(file, tools, executor.protection if executor is not None else None, load_s)


def prefixes_of(here: Invocation) -> Path:
    """The folder of computed beginnings."""
    return here.paths.cache / "prefixes"


def is_demo(file: ModelFile) -> bool:
    """Whether this is the model that is embedded in the package."""
    return file.name.partition(":")[0] == "demo"


def executor_for(settings: Settings) -> RestrictedExecutor:
    """The restricted executor, with the user's limits."""
    limits = Limits(seconds=settings.exec_timeout, memory=settings.exec_memory << 20)
    return RestrictedExecutor(limits, allow_basic=settings.allow_basic_executor)


def load_model(
    here: Invocation, file: ModelFile, settings: Settings, *, sequences: int = 1, force: bool = False, held: int = 0
) -> Model:
    """The weights in memory, unless they do not fit (`DoesNotFit`; `force` loads them all the same).

    `held` are bytes that will be free by then: those of a model that is closed before this one is loaded.
    """
    if not force:
        require_memory(file, settings, sequences, held)
    options = Options(
        device=settings.device,
        gpu_layers=settings.gpu_layers,
        threads=settings.threads,
        ctx=settings.ctx,
        kv_type=settings.kv_type,
        mlock=settings.mlock,
        footprint=lambda: footprint(gguf_file.read(file.path), settings.ctx * min(sequences, 4), settings.kv_type),
    )
    return load(file.path, options, preflight(here, settings))


def require_memory(file: ModelFile, settings: Settings, sequences: int = 1, held: int = 0) -> None:
    """Raise `DoesNotFit`, with the numbers and what would fit, unless a model fits into the memory that is free."""
    header = gguf_file.read(file.path)
    wanted = fit.need(header, settings.ctx * min(sequences, 4), settings.kv_type)
    found = memory.memory()
    available = found.available + held if found is not None else None
    fit.require(fit.judge(wanted, available, fit.kv_per_cell(header, settings.kv_type)), file.name, lockfile.load())


def preflight(here: Invocation, settings: Settings) -> Preflight:
    """Whether this build of llama.cpp survives here, found out once with the demo model and remembered.

    Raises `EngineUnusable` where it does not in any way; says on stderr, once, what had to be given up.
    """
    demo = store.locate("demo", here.paths)
    verdict = check(demo.path, here.paths.cache, settings.device)
    verdict.require()
    return verdict


def reward_for(here: Invocation, settings: Settings, stack: ExitStack, *, force: bool) -> Callable[[], Reward] | None:
    """A loader of the reward model, called only once the samples are done; None where rewards are not asked for."""
    if settings.pick not in {Pick.RM, Pick.RM_VOTE}:
        return None
    if not settings.reward_model:
        raise UsageError(f"--pick {settings.pick} needs --reward-model", "for example --reward-model rm-72b")
    file = store.locate(settings.reward_model, here.paths)  # a missing one is told before the samples are made

    def load_reward() -> Reward:
        model = stack.enter_context(load_model(here, file, settings, force=force))
        head = read_head(store.head_path(file.path), model.facts.embedding)
        return stack.enter_context(RewardModel(model, head))

    return load_reward


def plan_for(settings: Settings, time_limit: float | None = None, prompt: Prompt | None = None) -> solve.SolvePlan:
    """How a problem is to be solved, by these settings."""
    sampling = solve.sampling_for(
        settings.k,
        settings.seed,
        settings.max_tokens,
        settings.temperature,
        settings.top_p,
        settings.top_k,
        settings.min_p,
    )
    ranked = settings.pick in {Pick.RM, Pick.RM_VOTE}
    return solve.SolvePlan(
        mode=settings.mode,
        k=settings.k,
        sampling=sampling,
        pick=settings.pick,
        stop_at=0 if ranked else settings.stop_at,
        max_programs=settings.max_programs,
        time_limit=time_limit,
        prompt=prompt,
    )
