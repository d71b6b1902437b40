"""Asks the demo reworded held-out problems, as they are typed and in trained words: how many it gets right.

    python -m convert.demo.reworded qmath_cli/demo/demo-q8_0.gguf --count 50

Engine, executor and strict grading are the package's own; `recognised.REWORDINGS` rewords.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from qmath_cli.demo.kinds import load
from qmath_cli.grading.grader import Grader
from qmath_cli.prompting.chat import language_of
from qmath_cli.records import Language, Mode, Sample, Sampling
from qmath_cli.settings import Grade
from qmath_cli.solving.attempts import Attempts

from .asking import Question, ask, attempts_on, read
from .recognised import REWORDINGS
from .score import HELD_OUT, right

_CHINESE = re.compile(r"[\u3400-\u9fff]")


def reworded(questions: Sequence[Question], name: str) -> list[Question]:
    """The questions that a rewording changes, in that rewording."""
    changed = [replace(one, problem=REWORDINGS[name](one.problem)) for one in questions]
    return [one for one, before in zip(changed, questions, strict=True) if one.problem != before.problem]


def in_trained_words(questions: Sequence[Question]) -> list[Question]:
    """The same as the package asks them; one that is not recognised stays as it is."""
    found = [(one, load().recognise(one.problem)) for one in questions]
    return [one if known is None else replace(one, problem=known.text) for one, known in found]


def outcome(attempts: Attempts, grader: Grader, questions: Sequence[Question], slots: int) -> tuple[int, int]:
    """How many answers are right, and how many solutions are in the other language."""
    correct = other = 0
    for place, sample in ask(attempts, questions, Mode.TIR, [Sampling(max_tokens=512)], slots):
        correct += right(grader, questions[place], sample)
        other += _language(sample) is not language_of(questions[place].problem)
    return correct, other


def _language(sample: Sample) -> Language:
    return Language.ZH if _CHINESE.search(sample.text) else Language.EN


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--count", type=int, default=50, help="problems of each rewording")
    parser.add_argument("--slots", type=int, default=32)
    args = parser.parse_args()
    questions = read(HELD_OUT)
    Random("reworded").shuffle(questions)
    print("| rewording | problems | right as typed | right in trained words | other language, typed | trained |")
    print("|---|---|---|---|---|---|")
    total = [0, 0, 0, 0, 0]
    with attempts_on(args.gguf, args.slots, 1) as attempts, Grader(Grade.STRICT) as grader:
        for name in REWORDINGS:
            typed = reworded(questions, name)[: args.count]
            if not typed:
                continue
            one = outcome(attempts, grader, typed, args.slots)
            two = outcome(attempts, grader, in_trained_words(typed), args.slots)
            row = [len(typed), one[0], two[0], one[1], two[1]]
            total = [sum(pair) for pair in zip(total, row, strict=True)]
            print(f"| {name} | " + " | ".join(map(str, row)) + " |", flush=True)
    print("| all | " + " | ".join(map(str, total)) + " |")


if __name__ == "__main__":
    main()
