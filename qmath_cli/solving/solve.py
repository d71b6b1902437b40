"""A problem in, events out, the `Solution` last.

`solve` launches attempts on one prompt, as many at a time as may still decide the vote, passes on what happens, ends
the rest as soon as it is decided, ranks by reward where asked, and closes with exactly one `Solution`. One sample and
eight are the same code. An interrupt (a `KeyboardInterrupt`, raised here or thrown in) or the time limit ends the
attempts and still yields a `Solution` with what was said so far.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from qmath_cli.prompting import chat
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
from qmath_cli.solving import vote
from qmath_cli.solving.attempts import Approve, Attempts

#: Decoding as in the Qwen2.5-Math report: greedy for one sample, and for several T 0.7, top-p 0.8 (its README's note).
SEVERAL_TEMPERATURE = 0.7
SEVERAL_TOP_P = 0.8

#: Which end of a solution is reported where no sample has an answer: the first of these that any sample had.
_WORST_FIRST = (
    Finish.INTERRUPTED,
    Finish.TIMEOUT,
    Finish.OUT_OF_CONTEXT,
    Finish.OUT_OF_TOKENS,
    Finish.OUT_OF_PROGRAMS,
    Finish.DEGENERATE,
    Finish.NO_ANSWER,
)


@dataclass(frozen=True, slots=True)
class SolvePlan:
    """How a problem is to be solved; `sampling.seed` is the first sample's, the others count up from it."""

    mode: Mode = Mode.TIR
    k: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    pick: Pick = Pick.MAJ
    stop_at: int = 0  # equal answers that decide the vote; 0: only what can no longer change decides
    max_programs: int = 4
    time_limit: float | None = None  # seconds
    prompt: Prompt | None = None  # None: the Instruct chat prompt of the mode
    earlier: tuple[str, ...] = ()  # programs that the prompt's unfinished solution has run

    def samplings(self) -> tuple[Sampling, ...]:
        """One sampling per attempt."""
        return tuple(replace(self.sampling, seed=self.sampling.seed + i) for i in range(self.k))


@dataclass(frozen=True, slots=True)
class Tools:
    """What a solve works with. `reward` is called only once all samples are done, so that it may be loaded then."""

    engine: Engine
    executor: Executor | None = None
    equal: Equivalence | None = None
    reward: Callable[[], Reward] | None = None
    approve: Approve | None = None


def sampling_for(
    k: int, seed: int, max_tokens: int, temperature: float | None, top_p: float | None, top_k: int, min_p: float
) -> Sampling:
    """The sampling of a run, with the report's defaults where the user said nothing."""
    if temperature is None:
        temperature = SEVERAL_TEMPERATURE if k > 1 else 0.0
    if top_p is None:
        top_p = SEVERAL_TOP_P if temperature > 0 else 1.0
    return Sampling(temperature, top_p, top_k, min_p, seed, max_tokens)


def solve(problem: Problem, plan: SolvePlan, tools: Tools) -> Generator[Event, None, None]:
    """Solve one problem. Raises `PromptTooLong`; everything that happens after the first token is data."""
    run = _Run(problem, plan, tools)
    attempts = Attempts(tools.engine, tools.executor, tools.approve)
    try:
        run.launch(attempts)
        while attempts.busy:
            for _key, event in [*attempts.step(), *run.limits(attempts)]:
                yield run.seen(event)
            run.launch(attempts)
    except KeyboardInterrupt:
        for _key, event in attempts.cut(Finish.INTERRUPTED):
            run.seen(event)
    finally:
        attempts.close()
    yield run.solution()


@dataclass(slots=True)
class _Run:
    """The bookkeeping of one solve: samples so far, the clock, the decision to stop."""

    problem: Problem
    plan: SolvePlan
    tools: Tools
    samples: list[Sample] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)
    launched: int = 0
    over: bool = False  # no attempt begins any more
    spent: Usage = field(default_factory=Usage)  # tokens of samples that the decision made superfluous
    first_token: float | None = None
    last_token: float | None = None
    known: dict[tuple[str, str], Verdict] = field(default_factory=dict)  # comparisons already made

    def launch(self, attempts: Attempts) -> None:
        """Have as many attempts under way as are worth it; none where the time is up or the vote is decided."""
        votes = self.votes()
        if self.over or vote.decided(votes, self.plan.stop_at):
            return
        wanted = vote.worthwhile(votes, self.plan.stop_at) - attempts.running
        samplings = self.plan.samplings()[self.launched : self.launched + max(wanted, 0)]
        if samplings:
            prompt = self.plan.prompt or chat.chat(self.problem.text, self.plan.mode)
            attempts.launch(
                prompt,
                samplings,
                self.plan.mode,
                self.plan.max_programs,
                first=self.launched,
                earlier=self.plan.earlier,
            )
            self.launched += len(samplings)

    def seen(self, event: Event) -> Event:
        """Note what the event tells; give it back."""
        now = time.perf_counter()
        if isinstance(event, TextDelta):
            self.first_token = self.first_token or now
            self.last_token = now
        elif isinstance(event, SampleFinished):
            self.samples.append(event.sample)
        return event

    def limits(self, attempts: Attempts) -> Sequence[tuple[int, Event]]:
        """End the attempts where the time is up or the vote is decided."""
        limit = self.plan.time_limit
        if limit is not None and time.perf_counter() - self.started > limit:
            self.over = True
            return attempts.cut(Finish.TIMEOUT)
        if self.samples and vote.decided(self.votes(), self.plan.stop_at):
            self.over = True
            for _key, event in attempts.cut(Finish.INTERRUPTED):
                if isinstance(event, SampleFinished):
                    self.spent = self.spent + event.sample.usage
        return ()

    def votes(self) -> Votes:
        """The count so far, over the samples that have ended, in the order of their indices."""
        ordered = sorted(self.samples, key=lambda sample: sample.index)
        return vote.count(ordered, self.plan.k, self._equal)

    def solution(self) -> Solution:
        """What the samples come to."""
        self._score()
        samples = tuple(sorted(self.samples, key=lambda sample: sample.index))
        votes = self.votes()
        picked = vote.pick(samples, votes, self.plan.pick)
        finishes = {sample.finish for sample in samples}
        return Solution(
            problem=self.problem,
            mode=self.plan.mode,
            answer=picked.answer if picked else None,
            finish=_finish(picked, finishes),
            samples=samples,
            sampling=self.plan.sampling,
            votes=votes,
            usage=self._usage(samples),
            timing=self._timing(samples),
            expected=self._expected(picked),
        )

    def _score(self) -> None:
        """Rank by reward, where that was asked for and there is anything to rank."""
        if self.tools.reward is None or self.plan.pick not in {Pick.RM, Pick.RM_VOTE}:
            return
        if any(sample.finish is Finish.INTERRUPTED for sample in self.samples):
            return  # whoever interrupted does not want to wait for another model
        model = self.tools.reward()
        self.samples = [
            replace(sample, reward=model.score(chat.conversation(self.problem.text, self.plan.mode, sample.text)))
            for sample in self.samples
        ]

    def _expected(self, picked: Sample | None) -> Expected | None:
        if self.problem.reference is None:
            return None
        if picked is None or picked.answer is None:
            return Expected(self.problem.reference, equal=False)
        mark = self._equal(picked.answer, self.problem.reference).mark
        return Expected(self.problem.reference, None if mark is Mark.UNDECIDED else mark is Mark.CORRECT)

    def _equal(self, answer: str, reference: str) -> Verdict:
        """Whether two answers agree: as text where no grader was given, and no pair is graded twice."""
        if answer == reference:
            return Verdict(Mark.CORRECT, "text")
        if self.tools.equal is None:
            return Verdict(Mark.WRONG, "text")
        pair = (answer, reference)
        if pair not in self.known:
            self.known[pair] = self.tools.equal(answer, reference)
        return self.known[pair]

    def _usage(self, samples: Sequence[Sample]) -> Usage:
        """Tokens over all samples, those cut short by the decision included; the prompt they share counts once."""
        total = sum((sample.usage for sample in samples), self.spent)
        shared = max((sample.usage.prompt_tokens for sample in samples), default=0)
        return replace(total, prompt_tokens=shared)

    def _timing(self, samples: Sequence[Sample]) -> Timing:
        now = time.perf_counter()
        first, last = self.first_token or now, self.last_token or now
        usage = self._usage(samples)
        return Timing(
            first_token_s=first - self.started,
            prefill_tps=_rate(usage.prompt_tokens, first - self.started),
            decode_tps=_rate(usage.completion_tokens - 1, last - first),
            total_s=now - self.started,
        )


def _finish(picked: Sample | None, finishes: set[Finish]) -> Finish:
    if picked is not None and picked.answer is not None:
        cut_short = finishes & {Finish.INTERRUPTED, Finish.TIMEOUT}
        return cut_short.pop() if cut_short else Finish.ANSWERED
    return next((finish for finish in _WORST_FIRST if finish in finishes), Finish.NO_ANSWER)


def _rate(tokens: int, seconds: float) -> float:
    return tokens / seconds if seconds > 0 and tokens > 0 else 0.0
