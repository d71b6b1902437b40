"""One model over a set of problems: how each is asked, the tools for all, and results from solutions.

Each problem is described and asked exactly as in `solve`. Nothing is loaded before `opened`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths
from qmath_cli.problem_set.result import Expectation, ProblemResult, agreement
from qmath_cli.prompting.prompt_format import PromptFormat
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, ModelInfo, ModelKind, Problem, Solution, Work
from qmath_cli.records.activity import OnActivity, unobserved
from qmath_cli.runtime.plans import plan_for, sampling_of
from qmath_cli.runtime.question import question
from qmath_cli.runtime.rewards import reward_loader
from qmath_cli.runtime.servers.opening import Note
from qmath_cli.runtime.servers.text_only import require_sendable
from qmath_cli.runtime.shapes import ShapeRequest
from qmath_cli.runtime.tools import Hooks, OpenTools, decisive, default_parallel, open_many
from qmath_cli.settings import Settings
from qmath_cli.solving import vote
from qmath_cli.solving.solve import Task


class Solver:
    """Solves sets of problems with one model and one set of settings."""

    def __init__(
        self,
        info: ModelInfo,
        settings: Settings,
        paths: Paths,
        lock: Lock,
        time_limit: float | None = None,
    ) -> None:
        """Describe the run.

        Args:
            info: The model.
            settings: Sampling, limits, device.
            paths: Where caches and models are kept.
            lock: models.lock.
            time_limit: Seconds for each problem, from its start.

        Raises:
            UsageError: A reward model, a mode that the model does not have, or no reward model where one is needed.
            ModelMissing: The reward model is not on this machine.
        """
        self._info = info
        self._settings = settings
        self._paths = paths
        self._lock = lock
        self._answer = settings.language.chosen
        self._time_limit = time_limit
        self._formats = {one: select(info, one, settings.mode, answer=self._answer) for one in Language}
        reward_loader(settings, paths, lock, beside=info)  # refused now, not after the first problem

    @property
    def run(self) -> str:
        """Sixteen hexadecimal digits that are the same for results which belong together."""
        settings = self._settings
        model = self._info.sha256 or self._described
        modes = [str(prompt_format.mode) for prompt_format in self._formats.values()]
        choice = [settings.k, str(settings.pick), self._scorer, settings.stop_at, settings.max_programs]
        if settings.pick.kind is ModelKind.PROCESS_REWARD:
            choice.append(str(settings.aggregate))
        described = [model, modes, asdict(sampling_of(settings)), *choice, settings.ctx, self._answer or ""]
        described += ["try unknown"] if self._info.embedded and settings.try_unknown else []
        return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:16]

    @property
    def _scorer(self) -> str:
        """Which reward model scores. Which server has it does not matter, unless only the server is named."""
        return self._settings.reward_model or self._settings.reward_server

    @property
    def _described(self) -> str:
        """What the results of a model without a hash belong to. Which servers computed it does not matter."""
        info = self._info
        return f"{info.name} on servers" if info.servers else f"{info.path.name}, {info.size} bytes"

    def tasks(self, problems: Iterable[Problem]) -> Iterator[Task]:
        """Problems with their plans, one by one: a prompt is built when its problem starts."""
        for problem in problems:
            asked = question(self._info, problem.text, self._settings)
            prompt_format = self._formats[problem.language]
            prompt = prompt_format.typed(asked.text)
            plan = plan_for(self._settings, prompt_format, prompt, time_limit=self._time_limit, known=asked.known)
            yield replace(problem, answer_language=self._answer), plan

    @contextmanager
    def opened(
        self,
        problems: Sequence[Problem],
        parallel: int | None = None,
        *,
        force: bool = False,
        note: Note = lambda _sentence: None,
        on_activity: OnActivity = unobserved,
    ) -> Iterator[OpenTools]:
        """The model with the tools for these problems, for as long as the block lasts.

        Args:
            problems: At least one.
            parallel: Sequences at once; None: as suits the model and this machine.
            force: Load the model even if it does not seem to fit.
            note: Called with what a user has to know while servers compute.
            on_activity: Told what opening and solving are busy with.

        Raises:
            As `open_tools`; `UsageError` for a problem that a server cannot be sent, before any is solved.
        """
        usual = self._usual(problems)
        each = decisive(self._settings)
        if self._info.servers:
            parallel = parallel or min(default_parallel(self._info), len(problems) * self._settings.k)
        wanted = ShapeRequest(Work(len(problems) * each, each), parallel or 0, unhurried=True)
        opened = open_many(
            self._info,
            self._settings,
            self._paths,
            self._lock,
            usual,
            wanted,
            force=force,
            hooks=Hooks(on_activity=on_activity, note=note, watched=False),
        )
        with opened as model:
            prompts = ((one.id, self._formats[one.language].build(one.text)) for one in problems)
            require_sendable(model.tools.engine, prompts)
            yield model

    def _usual(self, problems: Sequence[Problem]) -> PromptFormat:
        """How most of the problems are asked."""
        ((language, _),) = Counter(problem.language for problem in problems).most_common(1)
        return self._formats[language]

    def result(self, solution: Solution, answer: str | None, plain: str | None) -> ProblemResult:
        """The result of a solution.

        Args:
            solution: The solution.
            answer: Its answer without control characters.
            plain: The same on one line of plain characters.
        """
        shown = vote.shown(solution, self._settings.pick)
        expected = solution.expected
        return ProblemResult(
            id=solution.problem.id,
            problem=solution.problem.text,
            answer=answer,
            plain=plain,
            finish=solution.finish,
            votes=agreement(solution),
            expected=None if expected is None else Expectation(expected.answer, expected.equal),
            seconds=round(solution.timing.total_s, 3),
            tokens=solution.usage.completion_tokens,
            language=solution.problem.answer_language or solution.problem.language,
            mode=solution.mode,
            model=self._info.name,
            run=self.run,
            text="" if shown is None else shown.text,
            servers=self._info.servers,
        )
