"""The kinds of problem that the demo was trained on, and whether a problem is one of them.

`kinds.json` holds every phrasing of the training problems, with a place for each formula, and how the formulas of each
kind are built: which signs stand next to each other, how many numbers there are, how long they may be. A problem is
known if it is one of these phrasings but for small words, their order, names and goods, and if its formulas are built
as those of that kind. `convert/demo/phrasings.py` makes the file; `convert/demo/README.md` has what this catches.

The demo is asked in the trained phrasing, with the user's formulas: it is too small to read another one reliably.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise, permutations
from pathlib import Path
from typing import Any

from qmath_cli.demo.phrasing import SLOT, Phrasing, plainly, read

FILE = Path(__file__).with_name("kinds.json")
ANY = "~"
"""Stands for a name, for goods, or for any other words that no phrasing has."""

_ENGLISH = "the of what is find compute calculate evaluate a an are there for all if let given value that it its"
_CHINESE = "的 求 是 什 么 计 算 等 于 值 解 方 程 已 知 若 则 设 将 把 之 出"

#: Words that may be missing or added: they do not tell what is asked.
_LIGHT = frozenset((*_ENGLISH.split(), *_CHINESE.split()))
_COURTESY = frozenset(["please", "kindly", "请"])
_SAME = {"what's": "what is", "whats": "what is", "which": "what", "was": "is", "determine": "find"}
_CHINESE_NAME = re.compile(r"\b小 \w(?= [买付有])")
_QUESTION_MARKS = "?？"
_MOST_PERMUTED = 3
_NUMBERS = frozenset({"9", "9.9"})


Entry = tuple[int, list[Any]]
"""The number of a kind, and one of its phrasings as the file has it."""


@dataclass(frozen=True, slots=True)
class TrainedProblem:
    """A problem of a trained kind: the kind's name, and the text that the demo is asked."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class TrainedPhrasing:
    """One way in which the problems of a kind are asked.

    Attributes:
        words: Its words, with `SLOT` and `ANY`.
        text: A training problem with `{}` for each formula.
        roles: For each formula, which `role_of` it may have.
        numbers: The least and the greatest number of numbers in its formulas.
    """

    words: tuple[str, ...]
    text: str
    roles: tuple[frozenset[str], ...]
    numbers: tuple[int, int]

    def fits(self, reading: Phrasing) -> bool:
        """Whether the formulas have the roles and the number of numbers that this phrasing has places for."""
        roles = [role_of(shape) for shape in reading.shapes]
        fits = all(role in allowed for role, allowed in zip(roles, self.roles, strict=True))
        return fits and self.numbers[0] <= numbers_in(reading) <= self.numbers[1]


class TrainedKinds:
    """All kinds. `load` reads them; nothing is indexed before it is needed, so that a solve starts at once."""

    def __init__(self, record: dict[str, Any]) -> None:
        """Take a record, as `convert/demo/phrasings.py` writes it."""
        self._kinds: list[dict[str, Any]] = record["kinds"]
        self._names = frozenset(record["names"])
        self._by_words: dict[str, list[Entry]] = {}
        for number, kind in enumerate(self._kinds):
            for phrasing in kind["phrasings"]:
                self._by_words.setdefault(phrasing[0], []).append((number, phrasing))
        self._vocabulary = frozenset(" ".join(self._by_words).split())
        self._by_question: dict[tuple[str, ...], list[Entry]] = {}

    def recognise(self, problem: str) -> TrainedProblem | None:
        """The problem as one of a trained kind; None if it is of none.

        Args:
            problem: As the user wrote it.
        """
        text = plainly(problem).strip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1].strip()
        reading = read(text)
        words = generalised(reading.words, self._names, self._vocabulary)
        for number, phrasing in self._trained(self._by_words.get(" ".join(words), ())):
            if phrasing.fits(reading) and self._builds(number, reading):
                asked = text if self._as_trained(text, reading, phrasing) else phrasing.text.format(*reading.slots)
                return TrainedProblem(self._kinds[number]["name"], asked)
        for number, phrasing in self._nearest(words):
            ordered = _in_order(phrasing, reading)
            if ordered is not None and self._builds(number, reading):
                return TrainedProblem(self._kinds[number]["name"], phrasing.text.format(*ordered.slots))
        return None

    def _trained(self, entries: Iterable[Entry]) -> Iterator[tuple[int, TrainedPhrasing]]:
        for number, (words, text, roles, low, high) in entries:
            places = tuple(frozenset(role.split()) for role in roles)
            yield number, TrainedPhrasing(tuple(words.split()), text, places, (low, high))

    def _nearest(self, words: Sequence[str]) -> list[tuple[int, TrainedPhrasing]]:
        """The phrasings that ask the same in other small words, those with the fewest differences first."""
        if not self._by_question:
            for entry in chain.from_iterable(self._by_words.values()):
                self._by_question.setdefault(_question(entry[1][0].split()), []).append(entry)
        found = self._trained(self._by_question.get(_question(words), ()))
        return sorted(found, key=lambda one: _difference(words, one[1].words))

    def _builds(self, number: int, reading: Phrasing) -> bool:
        """Whether all formulas are built as in this kind."""
        known = frozenset(self._kinds[number]["neighbours"])
        built = all(signs in known for shape in reading.shapes for signs in neighbours(shape))
        return built and longest_number(reading) <= self._kinds[number]["digits"]

    def _as_trained(self, text: str, reading: Phrasing, phrasing: TrainedPhrasing) -> bool:
        """Whether the text is a trained one: in all its words, in the case of the first, and in its question mark."""
        if phrasing.text[-1] in _QUESTION_MARKS and text[-1] not in _QUESTION_MARKS:
            return False
        names = frozenset(" ".join(self._names).split())
        if reading.words[0] == SLOT:
            return phrasing.text.startswith("{}")
        trained = all(word in self._vocabulary or word in names for word in reading.words)
        return trained and text[0].isupper() == phrasing.text[0].isupper()


@cache
def load() -> TrainedKinds:
    """The kinds of the embedded demo, read once."""
    return TrainedKinds(json.loads(FILE.read_text(encoding="utf-8")))


def generalised(words: Sequence[str], names: frozenset[str], vocabulary: frozenset[str] | None) -> tuple[str, ...]:
    """Words with `ANY` for names, and for what is not in the vocabulary, if one is given.

    Args:
        words: As `Phrasing` has them.
        names: Names and goods in lower case; Chinese ones with a blank between their characters.
        vocabulary: The words of all phrasings.
    """
    text = _CHINESE_NAME.sub(ANY, " ".join(_SAME.get(word, word) for word in words if word not in _COURTESY))
    for name in sorted(names, key=len, reverse=True):
        if name in text:
            text = re.sub(rf"(?<!\S){re.escape(name)}(?!\S)", ANY, text)
    found: list[str] = []
    for word in text.split():
        kept = word if vocabulary is None or word in vocabulary else ANY
        if kept != ANY or found[-1:] != [ANY]:
            found.append(kept)
    return tuple(found)


def neighbours(shape: Sequence[str]) -> Iterator[str]:
    """All runs of four signs in a formula, its beginning and its end included."""
    padded = ("<", *shape, ">", ">")
    return (" ".join(padded[place : place + 4]) for place in range(len(padded) - 3))


def longest_number(reading: Phrasing) -> int:
    """Digits of the longest whole number in the formulas."""
    return max((len(digits) for slot in reading.slots for digits in re.findall(r"\d+", slot)), default=0)


def numbers_in(reading: Phrasing) -> int:
    """How many numbers the formulas have."""
    return sum(sign in _NUMBERS for shape in reading.shapes for sign in shape)


def role_of(shape: Sequence[str]) -> str:
    """What a formula can be in a sentence: `number`, `percentage`, `name`, `equation`, `list` or `expression`."""
    if len(shape) == 1 and shape[0].isalpha():
        return "name"
    if any(sign in {"=", "\\equiv", "≡"} for sign in shape):
        return "equation"
    if "%" in shape:
        return "percentage"
    if set(shape) <= {*_NUMBERS, "-"}:
        return "number"
    return "list" if "," in shape and "(" not in shape else "expression"


def _question(words: Sequence[str]) -> tuple[str, ...]:
    """What a problem asks: all its words but the small ones, formulas and unknown words included."""
    return tuple(sorted(word for word in words if word not in _LIGHT))


def _difference(words: Sequence[str], others: Sequence[str]) -> int:
    """How many words and pairs of neighbouring words only one of two phrasings has."""
    one, other = (set(text) | set(pairwise(text)) for text in (words, others))
    return len(one ^ other)


def _in_order(phrasing: TrainedPhrasing, reading: Phrasing) -> Phrasing | None:
    """The reading with its formulas in the order of the phrasing's places; None if there is none, or more than one."""
    if phrasing.fits(reading):
        return reading
    if len(reading.slots) > _MOST_PERMUTED:
        return None
    orders = [
        Phrasing(reading.words, tuple(slots), tuple(shapes))
        for order in permutations(range(len(reading.slots)))
        for slots, shapes in [zip(*((reading.slots[i], reading.shapes[i]) for i in order), strict=True)]
    ]
    fitting = [one for one in orders if phrasing.fits(one)]
    return fitting[0] if len(fitting) == 1 else None
