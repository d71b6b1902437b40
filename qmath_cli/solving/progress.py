"""One problem being solved: its plan, its finished samples and votes, its limits, and the solution they give.

`solve` drives one of these, `solve_many` several over one engine. Nothing here decodes or runs programs: that is
`attempts`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from qmath_cli.records import (
    Engine,
    Equivalence,
    Event,
    Executor,
    Expected,
    Finish,
    Mark,
    Mode,
    Pick,
    Problem,
    Prompt,
    Rating,
    Reward,
    Sample,
    SampleFinished,
    Sampling,
    Solution,
    TextDelta,
    Timing,
    Usage,
    Verdict,
    Votes,
)
from qmath_cli.records.activity import Comparing, Idle, OnActivity, Ranking, unobserved
from qmath_cli.solving import vote
from qmath_cli.solving.attempts import Approve, Attempts
from qmath_cli.solving.raters import rate_each

#: Why a solution ended where no sample has an answer: the first of these that any sample had.
_WORST_FIRST = (
    Finish.INTERRUPTED,
    Finish.TIMEOUT,
    Finish.OUT_OF_CONTEXT,
    Finish.OUT_OF_TOKENS,
    Finish.OUT_OF_PROGRAMS,
    Finish.DEGENERATE,
    Finish.NO_ANSWER,
)

_FEW = 16  # tokens that come together where text is streamed


@dataclass(frozen=True, slots=True)
class SolvePlan:
    """How a problem is solved. `sampling.seed` is the first sample's; the others count up from it.

    Attributes:
        prompt: what the model is given, as `PromptFormat.build` makes it.
        mode: whether programs in the text run.
        k: samples at most.
        stop_at: equal answers that decide the vote; 0: only what can no longer change decides.
        max_programs: programs per sample.
        time_limit: seconds for all samples together; None: no limit.
        earlier: programs that the unfinished solution in the prompt has already run.
        known: whether the model was trained for such a problem; if not, no attempt is made.
    """

    prompt: Prompt
    mode: Mode = Mode.TIR
    k: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    pick: Pick = Pick.MAJ
    stop_at: int = 0
    max_programs: int = 4
    time_limit: float | None = None
    earlier: tuple[str, ...] = ()
    known: bool = True

    def samplings(self) -> tuple[Sampling, ...]:
        """One sampling per attempt."""
        return tuple(replace(self.sampling, seed=self.sampling.seed + i) for i in range(self.k))


@dataclass(frozen=True, slots=True)
class Tools:
    """What a solve works with. `reward` is called once all samples are done, so that its model is loaded only then.

    `on_activity` is told when answers are compared and samples ranked, since neither is an event. `width` is the number
    of samples of one problem that run at once; 0: all of them.
    """

    engine: Engine
    executor: Executor | None = None
    equal: Equivalence | None = None
    reward: Callable[[], Reward] | None = None
    approve: Approve | None = None
    on_activity: OnActivity = unobserved
    width: int = 0


@dataclass(slots=True)
class Progress:
    """The state of one problem's solve: samples so far, their votes, the clock, and whether sampling goes on."""

    problem: Problem
    plan: SolvePlan
    tools: Tools
    samples: list[Sample] = field(default_factory=list)
    votes: Votes = field(init=False)
    started: float = field(default_factory=time.perf_counter)
    launched: int = 0
    keys: set[int] = field(default_factory=set)  # of the attempts that run
    over: bool = False  # no attempt starts any more
    interrupted: bool = False  # before the outcome was complete
    spent: Usage = field(default_factory=Usage)  # tokens of attempts that the decision made superfluous
    first_token: float | None = None
    last_token: float | None = None
    in_first: int = 1  # tokens that came together with the first
    known: dict[tuple[str, str], Verdict] = field(default_factory=dict)  # comparisons already made

    def __post_init__(self) -> None:
        self.votes = Votes(self.plan.k, 0)

    @property
    def finished(self) -> bool:
        """Whether all attempts have ended and none is to follow."""
        return not self.keys and (self.over or vote.decided(self.votes, self.plan.stop_at))

    def launch(self, attempts: Attempts, room: int) -> None:
        """Start as many attempts as are worthwhile, at most `room`; none once the time is up or the vote is decided.

        Raises:
            PromptTooLong: the prompt does not fit into the context.
        """
        if self.over or vote.decided(self.votes, self.plan.stop_at):
            return
        wanted = min(vote.worthwhile(self.votes, self.plan.stop_at) - len(self.keys), room)
        samplings = self.plan.samplings()[self.launched : self.launched + max(wanted, 0)]
        if samplings:
            keys = attempts.launch(
                self.plan.prompt,
                samplings,
                self.plan.mode,
                self.plan.max_programs,
                first=self.launched,
                earlier=self.plan.earlier,
            )
            self.keys.update(keys)
            self.launched += len(samplings)

    def record(self, events: Sequence[tuple[int, Event]]) -> None:
        """Record what the events of attempts report.

        All events of a step are recorded before any of them is passed on or any answer is compared: an interrupt may
        come meanwhile, and no sample must be lost.
        """
        now = time.perf_counter()
        for key, event in events:
            if isinstance(event, TextDelta):
                if self.first_token is None:
                    self.first_token, self.in_first = now, event.tokens
                self.last_token = now
            elif isinstance(event, SampleFinished):
                self.keys.discard(key)
                self.samples.append(event.sample)

    def count(self) -> None:
        """Count the votes of the finished samples, in the order of their indices."""
        if self.votes.sampled != len(self.samples):
            self._count()

    def limits(self, attempts: Attempts) -> list[tuple[int, Event]]:
        """End the attempts where the time is up, or silently where the vote is decided."""
        limit = self.plan.time_limit
        if limit is not None and not self.over and time.perf_counter() - self.started > limit:
            self.over = True
            return attempts.cut(Finish.TIMEOUT, tuple(self.keys))
        if self.keys and self.samples and vote.decided(self.votes, self.plan.stop_at):
            self.over = True
            for key, event in attempts.cut(Finish.INTERRUPTED, tuple(self.keys)):
                self.keys.discard(key)
                if isinstance(event, SampleFinished):
                    self.spent = self.spent + event.sample.usage
        return []

    def interrupt(self, attempts: Attempts) -> None:
        """End the attempts; their text so far is kept. A solution that was complete stays complete."""
        self.interrupted = True
        self.record(attempts.cut(Finish.INTERRUPTED, tuple(self.keys)))
        self.count()
        cut_short = any(sample.finish is Finish.INTERRUPTED for sample in self.samples)
        self.interrupted = cut_short or self._ranks or not self.finished
        self.over = True

    def solution(self, without_samples: Finish = Finish.NO_ANSWER) -> Solution:
        """The outcome of all samples; `without_samples` says why a problem was never started.

        Raises:
            KeyboardInterrupt: while samples were scored or answers compared; once `interrupted`, neither is done.
        """
        self._score()
        finishes = {sample.finish for sample in self.samples} | ({Finish.INTERRUPTED} if self.interrupted else set())
        samples = tuple(sorted(self.samples, key=lambda sample: sample.index))
        picked = vote.pick(samples, self.votes, self.plan.pick)
        return Solution(
            problem=self.problem,
            mode=self.plan.mode,
            answer=picked.answer if picked else None,
            finish=_finish(picked, finishes) if finishes else without_samples,
            samples=samples,
            sampling=self.plan.sampling,
            votes=self.votes,
            usage=self._usage(samples),
            timing=self._timing(samples),
            expected=self._expected(picked),
        )

    @property
    def _ranks(self) -> bool:
        """Whether a reward model chooses among the samples."""
        return self.tools.reward is not None and self.plan.pick.ranks

    def _count(self) -> None:
        ordered = sorted(self.samples, key=lambda sample: sample.index)
        self.votes = vote.count(ordered, self.plan.k, self._equal)

    def _score(self) -> None:
        """Score the samples with the reward model, unless an interrupt ended them: loading it would take long."""
        if self.tools.reward is None or not self._ranks or self.interrupted:
            return
        texts = [sample.text for sample in self.samples]
        self.tools.on_activity(Ranking(0, len(texts)))
        ratings = rate_each(self.tools.reward(), self.problem.text, self.plan.mode, texts)
        self.tools.on_activity(Idle())
        self.samples = [
            replace(sample, reward=rating.value, steps=rating.steps) if isinstance(rating, Rating) else sample
            for sample, rating in zip(self.samples, ratings, strict=True)
        ]
        self._count()  # the groups carry their members' rewards

    def _expected(self, picked: Sample | None) -> Expected | None:
        if self.problem.reference is None:
            return None
        if picked is None or picked.answer is None:
            return Expected(self.problem.reference, equal=False)
        mark = self._equal(picked.answer, self.problem.reference).mark
        return Expected(self.problem.reference, None if mark is Mark.UNDECIDED else mark is Mark.CORRECT)

    def _equal(self, answer: str, reference: str) -> Verdict:
        """Whether two answers agree: as text where there is no grader. No pair is graded twice, or once interrupted."""
        if answer == reference:
            return Verdict(Mark.CORRECT, "text")
        if self.tools.equal is None:
            return Verdict(Mark.WRONG, "text")
        pair = (answer, reference)
        if pair not in self.known:
            if self.interrupted:
                return Verdict(Mark.UNDECIDED, why="interrupted")
            self.tools.on_activity(Comparing())
            self.known[pair] = self.tools.equal(answer, reference)
            self.tools.on_activity(Idle())
        return self.known[pair]

    def _usage(self, samples: Sequence[Sample]) -> Usage:
        """Tokens of all attempts, those cut short included; the prompt that they share counts once."""
        total = sum((sample.usage for sample in samples), self.spent)
        shared = max((sample.usage.prompt_tokens for sample in samples), default=0)
        return replace(total, prompt_tokens=shared)

    def _timing(self, samples: Sequence[Sample]) -> Timing:
        now = time.perf_counter()
        first, last = self.first_token or now, self.last_token or now
        usage = self._usage(samples)
        whole = self.in_first > _FEW  # replies of a server: when the first one came says nothing of prefill or decoding
        return Timing(
            first_token_s=first - self.started,
            prefill_tps=0.0 if whole else _rate(usage.prompt_tokens, first - self.started),
            decode_tps=_rate(usage.completion_tokens - 1, last - (self.started if whole else first)),
            total_s=now - self.started,
        )


def _finish(picked: Sample | None, finishes: set[Finish]) -> Finish:
    if picked is not None and picked.answer is not None:
        cut_short = finishes & {Finish.INTERRUPTED, Finish.TIMEOUT}
        return cut_short.pop() if cut_short else Finish.ANSWERED
    return next((finish for finish in _WORST_FIRST if finish in finishes), Finish.NO_ANSWER)


def _rate(tokens: int, seconds: float) -> float:
    """Tokens per second; 0 where nothing was measured."""
    return tokens / seconds if seconds > 0 and tokens > 0 else 0.0
