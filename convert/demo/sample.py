"""Samples and grades solutions of training problems with a converted demo, for making the reward model.

    python -m convert.demo.sample qmath_cli/demo/demo-q8_0.gguf --count 3000 --seed a --out samples.jsonl

One line per sample: kind, language, mode, problem, text (everything after the prompt), the answer found in it (or
null) and whether it is right. The problems are all different and from the training side of the split; each has `-k`
lines. Lines are appended as samples finish, so a run can be stopped at any time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random

from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mode, Sampling
from qmath_cli.settings import Grade

from .asking import Question, ask, attempts_on
from .problems import KINDS, Language
from .score import right
from .solutions import draw_draft, is_set_aside


def training_questions(count: int, seed: str, set_aside: bool = False) -> list[Question]:
    """`count` different problems of the training side, kinds equally likely; with `set_aside`, only those set aside."""
    rng = Random(seed)
    questions: dict[str, Question] = {}
    while len(questions) < count:
        kind, language = rng.choice(list(KINDS)), rng.choice(list(Language))
        draft = draw_draft(rng, kind, language, held_out=False)
        if set_aside and not is_set_aside(draft.problem):
            continue
        questions[draft.problem] = Question(draft.problem, draft.answer, kind, language.value)
    return list(questions.values())


def main() -> None:
    """Samples, grades and appends."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--mode", type=Mode, default=Mode.TIR)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", default="samples")
    parser.add_argument("-k", type=int, default=4)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--set-aside", action="store_true", help="only problems that the judge was not trained on")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    questions = training_questions(args.count, args.seed, args.set_aside)
    samplings = [Sampling(args.temperature, seed=i, max_tokens=700) for i in range(args.k)]
    done = good = 0
    with (
        attempts_on(args.gguf, args.slots, args.threads) as attempts,
        Grader(Grade.STRICT) as grader,
        args.out.open("a", encoding="utf-8") as out,
    ):
        for place, sample in ask(attempts, questions, args.mode, samplings, args.slots):
            question = questions[place]
            correct = right(grader, question, sample)
            row = {
                "kind": question.kind,
                "language": question.language,
                "mode": args.mode.value,
                "problem": question.problem,
                "text": sample.text,
                "answer": sample.answer,
                "right": correct,
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            done, good = done + 1, good + correct
            if done % 2000 == 0:
                print(f"{done} samples, {good / done:.1%} right", flush=True)
    print(f"{done} samples, {good / done:.1%} right")


if __name__ == "__main__":
    main()
