"""How often a converted process reward model finds the wrong step of an altered held-out solution.

    python -m convert.demo.process.locate qmath_cli/demo/demo-prm-q8_0.gguf --count 1000

Every held-out problem gives a right solution and one with a wrong step, in each mode (`altered`). The wrong step is
found if it is the first one under a half; a right solution is passed if none is. Engine and steps are the package's.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from convert.demo.heldout import problems
from convert.demo.problems import Draft
from convert.demo.process.altered import Change, Marked, altered, right
from convert.demo.solutions import Mode
from convert.demo.vote import loaded
from qmath_cli.engine.rewards.head import read_head
from qmath_cli.engine.rewards.process import ProcessRewardModel
from qmath_cli.evaluation.statistics import wilson
from qmath_cli.models.store import head_path
from qmath_cli.prompting.solution_steps import MARK
from qmath_cli.records import Mode as Written
from qmath_cli.records import Reward
from qmath_cli.solving.raters import StepRater

TRIES = 20
"""How often another change is drawn where one changes nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A solution and the scores of its steps."""

    marked: Marked
    scores: tuple[float, ...]

    @property
    def first(self) -> int:
        """The first step under a half; -1 for none."""
        return next((i for i, score in enumerate(self.scores) if score < 0.5), -1)

    @property
    def lowest(self) -> int:
        """The step with the lowest score, the first of equals."""
        return min(range(len(self.scores)), key=self.scores.__getitem__)


def both(rng: Random, draft: Draft, mode: Mode) -> Iterator[Marked]:
    """The right solution, and an altered one where a change can be found."""
    yield right(draft, mode)
    tries = (altered(rng, draft, mode) for _ in range(TRIES))
    yield from [found for found in tries if found is not None][:1]


def rated(reward: Reward, some: Sequence[Marked]) -> Iterator[Outcome]:
    """The solutions of one problem with their scores."""
    ratings = reward.rate(some[0].problem, Written(some[0].mode), [one.text for one in some])
    for one, rating in zip(some, ratings, strict=True):
        yield Outcome(one, tuple(step.score for step in rating.steps or ()))


def share(name: str, hits: int, count: int) -> str:
    """A row of Markdown with the 95 % interval."""
    low, high = wilson(hits, count)
    return f"| {name} | {count} | {hits / max(count, 1):.1%} | {low:.1%} to {high:.1%} |"


def table(mode: Mode, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The rows of one mode."""
    wrong = [one for one in outcomes if one.marked.wrong >= 0]
    whole = [one for one in outcomes if one.marked.wrong < 0]
    found = [one for one in wrong if one.first == one.marked.wrong]
    yield share(f"{mode}: right solutions passed", sum(one.first < 0 for one in whole), len(whole))
    yield share(f"{mode}: wrong step found", len(found), len(wrong))
    by_change = Counter(one.marked.change for one in wrong)
    for change in Change:
        if by_change[change]:
            hits = sum(one.marked.change is change for one in found)
            yield share(f"{mode}: found, {change}", hits, by_change[change])
    yield share(
        f"{mode}: lowest score is the wrong step", sum(one.lowest == one.marked.wrong for one in wrong), len(wrong)
    )
    yield share(f"{mode}: altered solution doubted anywhere", sum(one.first >= 0 for one in wrong), len(wrong))


def main() -> None:
    """Scores, and prints the table; `--misses` prints that many solutions whose wrong step was not found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--misses", type=int, default=0)
    args = parser.parse_args()
    rng, outcomes = Random("locate"), {mode: list[Outcome]() for mode in Mode}
    with (
        loaded(args.gguf) as body,
        ProcessRewardModel(body, read_head(head_path(args.gguf), body.facts.embedding, 2), MARK) as process,
    ):
        for _, _, draft in problems(args.count):
            for mode in Mode:
                outcomes[mode] += rated(StepRater(process), list(both(rng, draft, mode)))
    print("| | solutions | share | 95 % interval |\n|---|---|---|---|")
    for mode in Mode:
        print("\n".join(table(mode, outcomes[mode])))
        for one in [o for o in outcomes[mode] if o.first != o.marked.wrong][: args.misses]:
            print(one.marked.wrong, one.marked.change, one.scores, one.marked.problem, one.marked.text, sep="\n")


if __name__ == "__main__":
    main()
