"""Scores a converted demo on its held-out problems, greedily, by kind and language.

    python -m convert.demo.score qmath_cli/demo/demo-q8_0.gguf --mode tir

Engine, trajectory, executor and strict grading are the package's own.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from qmath_cli.evaluation.statistics import wilson
from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mark, Mode, Sample, Sampling
from qmath_cli.settings import Grade

from .asking import Question, ask, attempts_on, read

HELD_OUT = Path(__file__).parents[2] / "qmath_cli" / "demo" / "heldout.jsonl"


def right(grader: Grader, question: Question, sample: Sample) -> bool:
    """Whether the sample's answer is the question's."""
    return sample.answer is not None and grader(sample.answer, question.answer).mark is Mark.CORRECT


def table(questions: Sequence[Question], good: Sequence[bool]) -> list[str]:
    """Rows of Markdown: every kind with its share in English, in Chinese and in all."""
    asked: Counter[tuple[str, str]] = Counter()
    solved: Counter[tuple[str, str]] = Counter()
    for question, correct in zip(questions, good, strict=True):
        for kind in (question.kind, "all"):
            for language in (question.language, "all"):
                asked[kind, language] += 1
                solved[kind, language] += correct
    rows = ["| kind | problems | English | Chinese | both |", "|---|---|---|---|---|"]
    for kind in dict.fromkeys([q.kind for q in questions] + ["all"]):
        shares = [
            f"{solved[kind, one] / asked[kind, one]:.1%}" if asked[kind, one] else "" for one in ("en", "zh", "all")
        ]
        rows.append(f"| {kind} | {asked[kind, 'all']} | " + " | ".join(shares) + " |")
    return rows


def main() -> None:
    """Solves, grades, and prints the table; `--misses` prints that many wrong solutions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--mode", type=Mode, default=Mode.TIR)
    parser.add_argument("--problems", type=Path, default=HELD_OUT)
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--misses", type=int, default=0)
    args = parser.parse_args()
    questions = read(args.problems, args.count)
    good, started = [False] * len(questions), time.monotonic()
    programs = 0
    with attempts_on(args.gguf, args.slots, args.threads) as attempts, Grader(Grade.STRICT) as grader:
        for place, sample in ask(attempts, questions, args.mode, [Sampling(max_tokens=1024)], args.slots):
            good[place] = right(grader, questions[place], sample)
            programs += len(sample.runs)
            if not good[place] and args.misses > 0:
                args.misses -= 1
                print(questions[place], sample.finish, sample.text, "", sep="\n")
    print("\n".join(table(questions, good)))
    low, high = wilson(sum(good), len(good))
    print(f"\n{args.gguf.name}, {args.mode}: {sum(good)} of {len(good)} right", end=" ")
    print(f"({low:.1%} to {high:.1%}), {programs} programs, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
