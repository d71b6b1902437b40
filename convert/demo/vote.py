"""Maj@k, RM@k and early stopping of the demo on its held-out problems.

    python -m convert.demo.vote qmath_cli/demo/demo-q8_0.gguf REWARD-q8_0.gguf

Every problem is solved twice with the package's `solve`. The first time all k samples are made, for the mean sample,
the majority and the reward model's choice. The second time solving stops early, to measure its cost and accuracy.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import check
from qmath_cli.engine.rewards.head import read_head
from qmath_cli.engine.rewards.outcome import RewardModel
from qmath_cli.evaluation.statistics import wilson
from qmath_cli.grading.grader import Grader
from qmath_cli.models.store import head_path
from qmath_cli.prompting import chat
from qmath_cli.records import Language, Mode, Pick, Problem, Prompt, Sample, Sampling, Solution
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


def rewarded(reward: RewardModel, question: Question, mode: Mode, samples: Sequence[Sample]) -> list[Sample]:
    """The samples with their scores; equal texts are scored once."""
    texts = dict.fromkeys(sample.text for sample in samples)
    scores = {text: reward.score(chat.conversation(question.problem, mode, text)) for text in texts}
    return [replace(sample, reward=scores[sample.text]) for sample in samples]


def compare(
    questions: Sequence[Question], plan: SolvePlan, stop_at: int, tools: Tools, reward: RewardModel, grader: Grader
) -> Iterator[Run]:
    """The results of all ways of choosing, over all questions."""
    full = [solved(question, plan, tools) for question in questions]
    early = [solved(question, replace(plan, stop_at=stop_at), tools) for question in questions]
    scored = [rewarded(reward, q, plan.mode, s.samples) for q, s in zip(questions, full, strict=True)]
    tokens = sum(s.usage.completion_tokens for s in full)

    def good(question: Question, sample: Sample | None) -> float:
        return float(sample is not None and right(grader, question, sample))

    def picked(how: Pick) -> tuple[float, ...]:
        return tuple(
            good(q, vote.pick(samples, solution.votes, how))
            for q, samples, solution in zip(questions, scored, full, strict=True)
        )

    means = [sum(good(q, one) for one in s.samples) / plan.k for q, s in zip(questions, full, strict=True)]
    yield Run("mean single sample", tuple(means), tokens // plan.k)
    yield Run(f"Maj@{plan.k}", picked(Pick.MAJ), tokens)
    stopped = tuple(good(q, vote.pick(s.samples, s.votes, Pick.MAJ)) for q, s in zip(questions, early, strict=True))
    yield Run(f"Maj@{plan.k}, stopped at {stop_at} equal", stopped, sum(s.usage.completion_tokens for s in early))
    yield Run(f"RM@{plan.k}", picked(Pick.RM), tokens)
    yield Run(f"RM@{plan.k}, weighted vote", picked(Pick.RM_VOTE), tokens)


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
    parser.add_argument("reward", type=Path)
    parser.add_argument("--mode", type=Mode, default=Mode.TIR)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("-k", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--stop-at", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sampling = Sampling(args.temperature, seed=args.seed, max_tokens=700)
    plan = SolvePlan(Prompt(()), args.mode, args.k, sampling)
    with (
        loaded(args.gguf) as model,
        Batch(model, args.k) as batch,
        closing(RestrictedExecutor()) as executor,
        Grader(Grade.STRICT) as grader,
        loaded(args.reward) as body,
        RewardModel(body, read_head(head_path(args.reward), body.facts.embedding)) as reward,
    ):
        tools = Tools(batch, executor, grader)
        print("| choice | right | 95 % interval | tokens |\n|---|---|---|---|")
        for run in compare(read(HELD_OUT, args.count), plan, args.stop_at, tools, reward, grader):
            print(run.row(), flush=True)


if __name__ == "__main__":
    main()
