"""The Python API: a model opened once, and problems solved with it. Answers are compared by `grading.check`.

A model is described, asked and run exactly as by the `qmath` command, and the same settings apply: defaults, the config
file, `QMATH_*` environment variables, then the arguments given here. Errors are exceptions of one tree, `QmathError`.
Nothing is printed. A model is used from one thread at a time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, nullcontext
from dataclasses import fields, replace
from typing import Any, Self

from qmath_cli import paths as path_settings
from qmath_cli import records
from qmath_cli import settings as all_settings
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model as Weights
from qmath_cli.engine.remote.engine import RemoteEngine
from qmath_cli.errors import UsageError
from qmath_cli.grading.grader import Grader
from qmath_cli.models import lockfile
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.prompting import chat
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.prompting.select import require_solver, select
from qmath_cli.records import Engine, Event, Executor, Language, Mode, ModelInfo, Problem
from qmath_cli.runtime.drafts import open_with_drafts
from qmath_cli.runtime.executors import open_executor
from qmath_cli.runtime.need import require_memory
from qmath_cli.runtime.plans import plan_for
from qmath_cli.runtime.question import question
from qmath_cli.runtime.rewards import OpenRewards
from qmath_cli.runtime.servers.opening import default_sequences, open_served
from qmath_cli.runtime.servers.reach import described
from qmath_cli.runtime.servers.text_only import executor_for
from qmath_cli.runtime.tools import several_at_once
from qmath_cli.settings import Grade, Settings
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.solve import follow, solve, solve_many
from qmath_cli.terminal.export.document import document
from qmath_cli.terminal.export.markdown import write as to_markdown
from qmath_cli.terminal.export.markdown_escapes import JUPYTER_DOLLAR


class Solution(records.Solution):
    """A problem and its solution. A notebook shows it as Markdown with its mathematics.

    `answer` is LaTeX, or None; `finish` says why the solution ended; `samples` hold the texts and the programs that
    ran; `votes` the answers of several samples, counted; `usage` tokens, `timing` seconds and tokens per second.
    """

    __slots__ = ("_info",)

    _info: ModelInfo

    def _repr_markdown_(self) -> str:
        return to_markdown(document(self, self._info), JUPYTER_DOLLAR)


def open_model(name: str = "", **settings: Any) -> Model:  # noqa: ANN401  each setting has its own type
    """Open a model.

    Args:
        name: a name (`1.5b-instruct`, `7b-instruct:q8_0`, `demo`) or the path of a `.gguf`; empty: the best installed.
        settings: any setting of the config file by name: `device`, `ctx`, `threads`, `mode`, `k`, `temperature`,
            `max_tokens`, `exec_timeout`, `pick`, `reward_model` ... They hold for all problems unless a call says
            otherwise. `force=True` loads a model that does not seem to fit, and has the demo try any problem.
            `server="http://gpu:8000"`, or a list of URLs, computes on model servers; `name` is then the model's there,
            and QMATH_SERVER_KEY has the key.

    Returns:
        The open model. Close it, or use it in a `with` block.

    Raises:
        ModelMissing: it is not on this machine; the hint is the command that gets it.
        UsageError: an unknown setting, a wrong value, or a reward model.
        DoesNotFit, IntegrityError, EngineUnusable: it cannot be loaded here.
        ServerUnusable: no server can be reached, or one refuses.
    """
    force = bool(settings.pop("force", False))
    known = {field.name for field in fields(Settings)}
    if unknown := sorted(settings.keys() - known):
        raise UsageError(f"unknown setting {unknown[0]!r}", f"known: {', '.join(sorted(known))}")
    paths, lock = path_settings.find(os.environ), lockfile.load()
    given = {**settings, "model": name or None}
    if force:
        given["try_unknown"] = True
    merged = all_settings.resolve(paths.config_file, os.environ, given).settings
    paths = paths.with_models(merged.models)
    info = described(merged, paths, lock)
    require_solver(info)
    return Model(info, merged, paths, lock, force=force)


class Model:
    """An open model. Made by `open_model`."""

    def __init__(self, info: ModelInfo, settings: Settings, paths: Paths, lock: Lock, *, force: bool = False) -> None:
        self.info = info
        self._settings = settings
        self._paths = paths
        self._lock = lock
        self._force = force
        self._stack = ExitStack()
        self._executor: Executor | None = None
        self._remote: RemoteEngine | None = None
        self._weights: Weights | None = None
        self._engine: Batch | None = None
        self._slots = 0
        self._rewards = OpenRewards(self._stack, paths, lock)
        self._grader = self._stack.enter_context(Grader(Grade.STRICT))
        try:
            if info.servers:
                served = open_served(info, settings, paths, lock, default_sequences(info))
                self._remote = self._stack.enter_context(served)
            else:
                opened = open_with_drafts(info, settings, paths, lock, force=force)
                self._weights, self._drafts = self._stack.enter_context(opened)
        except BaseException:  # the grader must not outlive a model that could not be loaded; raised again
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory and end all processes. Safe to call twice."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self._stack.close()

    @property
    def name(self) -> str:
        """What opens exactly this model: `7b-instruct:q4_k_m`, or a path."""
        return self.info.name

    def solve(
        self,
        problem: str | Problem,
        *,
        mode: Mode | str | None = None,
        k: int | None = None,
        expect: str | None = None,
        time_limit: float | None = None,
        **settings: Any,  # noqa: ANN401  each setting has its own type
    ) -> Solution:
        """Solve one problem.

        Args:
            problem: the problem's text, in English or Chinese.
            mode: `tir`: the model writes programs, which run in the restricted executor; `cot`: words only. None: the
                setting, else `tir` where the model has it.
            k: samples; the answer is the majority's, or as `pick` says.
            expect: the expected answer; `solution.expected` holds the comparison.
            time_limit: seconds for everything.
            settings: settings for this call: `seed`, `temperature`, `top_p`, `max_tokens`, `pick`, `stop_at` ... Those
                of the model, the engine and the executor (`ctx`, `threads`, `exec_timeout` ...) go to `open_model`.

        Returns:
            The solution. An interrupt or the time limit ends it early: `finish` says so, and the text so far is kept.
            The demo does not try a problem of a kind that it was not trained on: the solution has no sample and finish
            UNKNOWN_KIND, unless `try_unknown` is set.

        Raises:
            PromptTooLong: the problem does not fit into the context.
            UsageError: a mode that the model does not have, or a wrong setting.
        """
        call = self._merged(mode=mode, k=k, **settings)
        asked = _problem(problem, call, expect)
        plan = self._plan(asked, call, time_limit)
        events = solve(asked, plan, self._tools(call, plan.mode, call.k))
        return self._shown(follow(events, lambda _event: None))

    def stream(
        self,
        problem: str | Problem,
        *,
        mode: Mode | str | None = None,
        k: int | None = None,
        expect: str | None = None,
        time_limit: float | None = None,
        **settings: Any,  # noqa: ANN401  each setting has its own type
    ) -> Iterator[Event]:
        """Solve one problem, and yield what happens: text, programs, samples; the `Solution` last.

        Takes and raises what `solve` does.
        """
        call = self._merged(mode=mode, k=k, **settings)
        asked = _problem(problem, call, expect)
        plan = self._plan(asked, call, time_limit)
        with closing(solve(asked, plan, self._tools(call, plan.mode, call.k))) as events:
            for event in events:
                yield self._shown(event) if isinstance(event, records.Solution) else event

    def solve_many(
        self,
        problems: Iterable[str | Problem],
        *,
        mode: Mode | str | None = None,
        k: int | None = None,
        time_limit: float | None = None,
        **settings: Any,  # noqa: ANN401  each setting has its own type
    ) -> list[Solution]:
        """Solve many problems in one batch, which is several times faster than one after the other.

        Args:
            problems: the problems; a `Problem` may have a `reference` to compare with.
            mode: as in `solve`, for all of them.
            k: samples per problem.
            time_limit: seconds for each problem, from its start.
            settings: as in `solve`.

        Returns:
            The solutions, in the order of the problems. A problem that does not fit into the context has finish
            OUT_OF_CONTEXT. After an interrupt, problems that were not finished have finish INTERRUPTED.

        Raises:
            UsageError: a mode that the model does not have, or a wrong setting.
        """
        call = self._merged(mode=mode, k=k, **settings)
        asked = [_problem(problem, call) for problem in problems]
        plans = [self._plan(problem, call, time_limit) for problem in asked]
        width = several_at_once(self.info, self._settings, self._paths, len(plans) * call.k)
        used = Mode.TIR if any(plan.mode is Mode.TIR for plan in plans) else Mode.COT
        tools = self._tools(call, used, width)
        found: dict[int, Solution] = {}
        with nullcontext() if self._remote is None else self._remote.unwatched():
            for position, event in solve_many(list(zip(asked, plans, strict=True)), tools, width):
                if isinstance(event, records.Solution):
                    found[position] = self._shown(event)
        return [found[position] for position in range(len(plans))]

    def prompt_format(
        self, language: Language, mode: Mode | None = None, answer: Language | None = None
    ) -> PromptFormat:
        """How this model is asked; `answer`: to solve in which language. Raises `UsageError` for a mode it has not."""
        return select(self.info, language, mode, answer=answer)

    def _merged(self, **given: Any) -> Settings:  # noqa: ANN401  each setting has its own type
        """The settings of one call. Raises `UsageError` for one that is unknown, wrong, or fixed since the opening."""
        wanted = {name: value for name, value in given.items() if value is not None}
        if fixed := sorted(all_settings.FIXED & wanted.keys()):
            raise UsageError(f"{fixed[0]} is fixed while a model is open", f"give it to open_model({fixed[0]}=...)")
        return replace(self._settings, **all_settings.converted(wanted))

    def _plan(self, problem: Problem, call: Settings, time_limit: float | None) -> SolvePlan:
        prompt_format = self.prompt_format(problem.language, call.mode, problem.answer_language)
        asked = question(self.info, problem.text, call)
        return plan_for(call, prompt_format, prompt_format.typed(asked.text), time_limit=time_limit, known=asked.known)

    def _tools(self, call: Settings, mode: Mode, slots: int) -> Tools:
        if mode is Mode.TIR and self._executor is None:
            own = self._stack.enter_context(closing(open_executor(self._settings)))
            self._executor = executor_for(self.info, own)
        return Tools(
            engine=self._engine_for(slots),
            executor=self._executor,
            equal=self._grader,
            reward=self._rewards.of(call, self.info, force=self._force),
        )

    def _engine_for(self, slots: int) -> Engine:
        """The engine, made again where it has too few slots. Raises `DoesNotFit`; `ValueError` once it is closed."""
        if self._remote is not None:
            return self._remote
        if self._weights is None:
            raise ValueError("the model is closed")
        if self._engine is None or self._slots < slots:
            if self._engine is not None:
                self._engine.close()
                self._engine = None
                if not self._force:
                    require_memory(self.info, self._settings, self._paths, self._lock, slots, loaded=True)
            self._engine = Batch(self._weights, slots, retain=1, drafts=self._drafts)
            self._slots = slots
        self._engine.clear_prefix_cache()
        return self._engine

    def _shown(self, solution: records.Solution) -> Solution:
        shown = Solution(**{field.name: getattr(solution, field.name) for field in fields(solution)})
        object.__setattr__(shown, "_info", self.info)
        return shown


def _problem(problem: str | Problem, call: Settings, expect: str | None = None) -> Problem:
    found = problem if isinstance(problem, Problem) else Problem(problem, chat.language_of(problem))
    if found.answer_language is None:
        found = replace(found, answer_language=call.language.chosen)
    if not found.text.strip():
        raise UsageError("the problem is empty", "for example: Find the roots of x^2 - 5x + 6 = 0.")
    return found if expect is None else replace(found, reference=expect)
