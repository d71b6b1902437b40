"""Maj@k, RM@k, PRM@k and early stopping of the demo on its held-out problems.

    python -m convert.demo.vote qmath_cli/demo/demo-q8_0.gguf REWARD-q8_0.gguf PROCESS-q8_0.gguf

Every problem is solved twice with the package's `solve`. The first time all k samples are made, for the mean sample,
the majority and the reward models' choices. The second time solving stops early, to measure its cost and accuracy.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import check
from qmath_cli.evaluation.statistics import wilson
from qmath_cli.grading.grader import Grader
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_cli.records import Language, Mode, ModelKind, Pick, Problem, Prompt, Reward, Sample, Sampling, Solution
from qmath_cli.runtime.rewards import rater
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.settings import Grade
from qmath_cli.solving import vote
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.solve import solve

from .asking import Question, prompt_of, read
from .score import HELD_OUT, right


@dataclass(frozen=True, slots=True)
class Run:
    """The result of one way of choosing: right (1), wrong (0) or a share per problem, and the tokens generated."""

    name: str
    right: tuple[float, ...]
    tokens: int

    def row(self) -> str:
        """A row of Markdown, with the 95 % interval."""
        low, high = wilson(sum(self.right), len(self.right))
        return f"| {self.name} | {sum(self.right) / len(self.right):.1%} | {low:.1%} to {high:.1%} | {self.tokens} |"


def solved(question: Question, plan: SolvePlan, tools: Tools) -> Solution:
    """One problem through `solve`; the plan's prompt is replaced by the question's."""
    problem = Problem(question.problem, Language(question.language))
    last = list(solve(problem, replace(plan, prompt=prompt_of(question, plan.mode)), tools))[-1]
    assert isinstance(last, Solution)
    return last


def rewarded(reward: Reward, question: Question, mode: Mode, samples: Sequence[Sample]) -> list[Sample]:
    """The samples with their ratings."""
    ratings = reward.rate(question.problem, mode, [sample.text for sample in samples])
    return [replace(one, reward=rating.value, steps=rating.steps) for one, rating in zip(samples, ratings, strict=True)]


def compare(
    questions: Sequence[Question],
    plan: SolvePlan,
    stop_at: int,
    tools: Tools,
    rewards: Mapping[ModelKind, Reward],
    grader: Grader,
) -> Iterator[Run]:
    """The results of all ways of choosing, over all questions; `stop_at` 0 leaves out early stopping."""
    full = [solved(question, plan, tools) for question in questions]
    tokens = sum(s.usage.completion_tokens for s in full)
    scored: dict[ModelKind | None, list[Sequence[Sample]]] = {}

    def good(question: Question, sample: Sample | None) -> float:
        return float(sample is not None and right(grader, question, sample))

    def picked(how: Pick, reward: Reward | None = None) -> tuple[float, ...]:
        if how.kind not in scored:
            pairs = zip(questions, full, strict=True)
            scored[how.kind] = [rewarded(reward, q, plan.mode, s.samples) if reward else s.samples for q, s in pairs]
        chosen = zip(questions, full, scored[how.kind], strict=True)
        return tuple(good(q, vote.pick(samples, s.votes, how)) for q, s, samples in chosen)

    means = [sum(good(q, one) for one in s.samples) / plan.k for q, s in zip(questions, full, strict=True)]
    yield Run("mean single sample", tuple(means), tokens // plan.k)
    yield Run(f"Maj@{plan.k}", picked(Pick.MAJ), tokens)
    if stop_at:
        early = [solved(question, replace(plan, stop_at=stop_at), tools) for question in questions]
        stopped = tuple(good(q, vote.pick(s.samples, s.votes, Pick.MAJ)) for q, s in zip(questions, early, strict=True))
        yield Run(f"Maj@{plan.k}, stopped at {stop_at} equal", stopped, sum(s.usage.completion_tokens for s in early))
    for kind, name, best, weighted in (
        (ModelKind.REWARD, "RM", Pick.RM, Pick.RM_VOTE),
        (ModelKind.PROCESS_REWARD, "PRM", Pick.PRM, Pick.PRM_VOTE),
    ):
        if kind in rewards:
            yield Run(f"{name}@{plan.k}", picked(best, rewards[kind]), tokens)
            yield Run(f"{name}@{plan.k}, weighted vote", picked(weighted, rewards[kind]), tokens)


@contextmanager
def loaded(path: Path) -> Iterator[Model]:
    """A model, loaded in the way that works on this CPU."""
    with TemporaryDirectory() as cache:
        verdict = check(path, Path(cache))
    verdict.require()
    with load(path, Options(), verdict) as model:
        yield model


def main() -> None:
    """Solves, scores, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("rewards", type=Path, nargs="+", help="reward models of either kind")
    parser.add_argument("--mode", type=Mode, default=Mode.TIR)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("-k", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--stop-at", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sampling = Sampling(args.temperature, seed=args.seed, max_tokens=700)
    plan = SolvePlan(Prompt(()), args.mode, args.k, sampling)
    paths, lock = find(os.environ), lockfile.load()
    with ExitStack() as stack:
        model = stack.enter_context(loaded(args.gguf))
        batch = stack.enter_context(Batch(model, args.k))
        executor = stack.enter_context(closing(RestrictedExecutor()))
        grader = stack.enter_context(Grader(Grade.STRICT))
        rewards = {}
        for path in args.rewards:
            info = describe(str(path), paths, lock)
            rewards[info.kind] = stack.enter_context(rater(info, stack.enter_context(loaded(path))))
        tools = Tools(batch, executor, grader)
        print("| choice | right | 95 % interval | tokens |\n|---|---|---|---|")
        for run in compare(read(HELD_OUT, args.count), plan, args.stop_at, tools, rewards, grader):
            print(run.row(), flush=True)


if __name__ == "__main__":
    main()
