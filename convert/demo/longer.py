"""Asks the demo held-out problems with one number a digit longer than trained: does it copy the numbers rightly?

    python -m convert.demo.longer qmath_cli/demo/demo-q8_0.gguf --count 12

What is counted are solutions with an answer whose programs hold every number of the problem that has two digits or
more. Kinds that do well are in `phrasings.LONGER`.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from qmath_cli.demo.kinds import longest_number
from qmath_cli.demo.phrasing import plainly, read
from qmath_cli.records import Mode, Sample, Sampling

from .asking import Question, ask, attempts_on
from .asking import read as read_questions
from .score import HELD_OUT

_WHOLE = re.compile(r"(?<![\d.^{_])\d+(?![\d.])")
_DATES = {"days between", "weekdays"}


def longest_trained(questions: Sequence[Question]) -> dict[str, int]:
    """Digits of the longest number in the problems of each kind."""
    found: dict[str, int] = {}
    for one in questions:
        found[one.kind] = max(found.get(one.kind, 0), longest_number(read(plainly(one.problem))))
    return found


def longer(questions: Sequence[Question], count: int, seed: str = "longer") -> Iterator[Question]:
    """`count` problems of each kind, with their longest number replaced by one that is a digit longer than trained."""
    rng, digits, taken = Random(seed), longest_trained(questions), Counter[str]()
    for one in questions:
        numbers = list(_WHOLE.finditer(one.problem))
        if taken[one.kind] < count and one.kind not in _DATES and numbers:
            taken[one.kind] += 1
            place = max(numbers, key=lambda number: len(number.group()))
            number = rng.randrange(10 ** digits[one.kind], 10 ** (digits[one.kind] + 1))
            problem = f"{one.problem[: place.start()]}{number}{one.problem[place.end() :]}"
            yield replace(one, problem=problem)


def copied(question: Question, sample: Sample) -> bool:
    """Whether the programs hold the problem's numbers of two digits or more."""
    programs = "".join(run.code for run in sample.runs)
    return sample.answer is not None and all(n in programs for n in re.findall(r"\d{2,}", question.problem))


def main() -> None:
    """Prints one line per kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("gguf", type=Path)
    parser.add_argument("--count", type=int, default=12, help="problems of each kind")
    parser.add_argument("--slots", type=int, default=32)
    args = parser.parse_args()
    questions = list(longer(read_questions(HELD_OUT), args.count))
    asked, good = Counter(one.kind for one in questions), Counter[str]()
    with attempts_on(args.gguf, args.slots, 1) as attempts:
        for place, sample in ask(attempts, questions, Mode.TIR, [Sampling(max_tokens=512)], args.slots):
            good[questions[place].kind] += copied(questions[place], sample)
    for kind, number in asked.items():
        print(f"{kind}: {good[kind]} of {number}")
    print(f"all: {good.total()} of {asked.total()}")


if __name__ == "__main__":
    main()
