"""From an exercise to a written solution: the language, the mode, how formulas are set and how steps are numbered.

The habits are those of released models: an opening sentence, steps in prose, in a list or under headings, formulas in
any of LaTeX's delimiters, the answer in a box; with programs, a plan, a block of Python, the executor's block, and a
conclusion. The two halves of the text have different sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from qmath_cli.calibration.exercise import Calculation, Exercise, Line, Words
from qmath_cli.calibration.solution import WorkedSolution, Written
from qmath_cli.records import Language, Mode


@dataclass(frozen=True, slots=True)
class Manner:
    """The sentences of one half of the text, in both languages.

    Attributes:
        openings: first sentences of a solution in words.
        plans: first sentences of a solution with programs.
        programs: what announces a program; `{}` is its purpose.
        again: the same for every further program.
        conclusions: what introduces the result; `{}` is the sentence with the answer.
        checks: a remark between the reasoning and the result; some are empty.
        proofs: first sentences of a proof.
    """

    openings: tuple[Words, ...]
    plans: tuple[Words, ...]
    programs: tuple[Words, ...]
    again: tuple[Words, ...]
    conclusions: tuple[Words, ...]
    checks: tuple[Words, ...]
    proofs: tuple[Words, ...]


_DELIMITERS = (("$", "$"), (r"\(", r"\)"))
_OPEN = re.compile(r" is$| are$| be$| have$| weighs$| cost$|为$|是$")  # words that need their formula
_ENDS = (".", "。", "?", "？", r"square$")
_DISPLAYS = (("\\[\n", "\n\\]"), ("$$\n", "\n$$"), (r"\[ ", r" \]"), ("$$", "$$"))


class Wording:
    """One way to write one solution down, drawn by chance."""

    def __init__(self, manner: Manner, language: Language, rng: Random) -> None:
        self._manner = manner
        self._chinese = language is Language.ZH
        self._rng = rng
        self._inline = rng.choice(_DELIMITERS)
        self._display = rng.choice(_DISPLAYS)
        self._steps = rng.choice((self._listed, self._displayed, self._prose, self._headed))

    def in_words(self, exercise: Exercise) -> str:
        """The whole solution without programs."""
        first = self._manner.openings if exercise.answer else self._manner.proofs
        parts = [self._one(first), self._steps(exercise.lines)]
        if exercise.answer:
            parts += [self._one(self._manner.checks)]
        return "\n\n".join([part for part in parts if part] + [self._result(exercise)])

    def with_programs(self, exercise: Exercise) -> tuple[Written, ...]:
        """The solution with programs: what the model writes up to each program, and what the executor answers."""
        told = [self._one(self._manner.plans)]
        if self._rng.random() < 0.6:
            told.append("\n".join(f"{i}. {self._end(self._plan(one))}" for i, one in enumerate(exercise.lines, 1)))
        found: list[Written] = []
        for number, one in enumerate(exercise.calculations):
            told.append(self._announced(one, first=not number))
            found.append(Written("\n\n".join(told) + f"\n```python\n{one.code}\n```\n", one.output))
            told = []
        return (*found, Written(self._result(exercise)))

    # ------------------------------------------------------------ parts

    def _announced(self, one: Calculation, *, first: bool) -> str:
        words = self._one(self._manner.programs if first else self._manner.again)
        return words.format(self._say(one.purpose))

    def _result(self, exercise: Exercise) -> str:
        sentence = self._say(exercise.result)
        if exercise.answer:
            opening, closing = self._inline
            sentence = sentence.replace("{}", f"{opening}\\boxed{{{exercise.answer}}}{closing}")
            sentence = self._one(self._manner.conclusions).replace("{}", sentence)
        return self._end(sentence)

    def _listed(self, lines: tuple[Line, ...]) -> str:
        """`1. Words: formula`, one step a line."""
        return "\n".join(f"{i}. {self._with(one)}" for i, one in enumerate(lines, 1))

    def _displayed(self, lines: tuple[Line, ...]) -> str:
        """A paragraph a step, with the formula by itself."""
        opening, closing = self._display
        colon = "：" if self._chinese else ":"
        return "\n\n".join(
            f"{self._say(one.words)}{colon}\n{opening}{one.formula}{closing}"
            if one.formula
            else self._end(self._say(one.words))
            for one in lines
        )

    def _prose(self, lines: tuple[Line, ...]) -> str:
        """All in one paragraph."""
        return ("" if self._chinese else " ").join(self._with(one) for one in lines)

    def _headed(self, lines: tuple[Line, ...]) -> str:
        """Every step under a heading."""
        opening, closing = self._display
        headings = ("**步骤 {}：** ", "**第 {} 步：** ") if self._chinese else ("**Step {}:** ", "### Step {}: ")
        heading = self._rng.choice(headings)
        return "\n\n".join(
            heading.format(i)
            + self._end(self._say(one.words))
            + (f"\n{opening}{one.formula}{closing}" if one.formula else "")
            for i, one in enumerate(lines, 1)
        )

    def _with(self, one: Line) -> str:
        words = self._say(one.words)
        if not one.formula:
            return self._end(words)
        opening, closing = self._inline
        if _OPEN.search(words):
            return self._end(f"{words} {opening}{one.formula}{closing}")
        joint = self._rng.choice(("，得 ", "：", "，即 ") if self._chinese else (": ", ", which gives ", ", so "))
        return self._end(f"{words}{joint}{opening}{one.formula}{closing}")

    def _plan(self, one: Line) -> str:
        """A step without its formula, as a heading."""
        return _OPEN.sub("", self._say(one.words))

    def _end(self, sentence: str) -> str:
        return sentence if sentence.endswith(_ENDS) else sentence + ("。" if self._chinese else ".")

    def _one(self, ways: tuple[Words, ...]) -> str:
        return self._say(self._rng.choice(ways))

    def _say(self, words: Words) -> str:
        return words[self._chinese]


def write(exercise: Exercise, kind: str, manner: Manner, mode: Mode, language: Language, rng: Random) -> WorkedSolution:
    """Write an exercise down.

    Args:
        exercise: the problem with its solution.
        kind: the name of its kind.
        manner: the sentences to use.
        mode: with programs or without; an exercise without programs is written without.
        language: of the problem and the solution.
        rng: decides between the ways to write.
    """
    wording = Wording(manner, language, rng)
    problem = rng.choice(exercise.problem)[language is Language.ZH]
    if mode is Mode.TIR and exercise.calculations:
        return WorkedSolution(language, Mode.TIR, kind, problem, exercise.answer, wording.with_programs(exercise))
    return WorkedSolution(language, Mode.COT, kind, problem, exercise.answer, (Written(wording.in_words(exercise)),))
