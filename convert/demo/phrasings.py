"""Writes the phrasings of all kinds of problem, by which the package tells what the demo was trained on.

    python -m convert.demo.phrasings --out qmath_cli/demo/kinds.json

They are collected from problems of the training side; the held-out ones are not looked at. The same number of problems
gives the same file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from qmath_cli.demo import kinds
from qmath_cli.demo.phrasing import SLOT, Phrasing, plainly, read

from .problems import KINDS, Language
from .problems.stories import GOODS, NAMES
from .solutions import draw_draft

#: Where these words stand before a formula, the formula alone asks the same.
_SAID_BY_FORMULA = {"compute", "solve", "simplify"}

#: Kinds whose numbers the demo copies also where they are a digit longer than trained: 11 of 12 or more (`longer.py`).
LONGER = frozenset(
    {
        *("integers", "powers", "radicals", "gcd", "lcm", "factorisation", "divisor count", "modular powers"),
        *("polynomial values", "factoring", "derivatives", "binomials", "permutations"),
        *("statistics", "travel", "discounts"),
    }
)

_CHINESE_GOODS = ("苹 果", "笔", "本 子", "蛋 糕", "书")


@dataclass(slots=True)
class _Found:
    """One phrasing: its first text, the roles of its formulas, and the numbers of numbers."""

    text: str
    roles: list[set[str]]
    numbers: set[int] = field(default_factory=set)


def names() -> frozenset[str]:
    """The names and goods of the stories, in lower case, and in Chinese with blanks between the characters."""
    english = [name.lower() for name, _ in NAMES] + [form for good, _, _ in GOODS for form in (good, f"{good}s")]
    return frozenset([*english, *(" ".join(name) for _, name in NAMES), *_CHINESE_GOODS])


def collected(name: str, count: int) -> dict[str, Any]:
    """The record of one kind, from `count` problems in each language."""
    rng = Random(f"phrasings of {name}")
    found: dict[tuple[tuple[str, ...], bool], _Found] = {}
    neighbours: set[str] = set()
    digits = 0
    for language in Language:
        for _ in range(count):
            text = plainly(draw_draft(rng, name, language, held_out=False).problem)
            reading = read(text)
            neighbours.update(three for shape in reading.shapes for three in kinds.neighbours(shape))
            digits = max(digits, kinds.longest_number(reading))
            words = kinds.generalised(reading.words, names(), None)
            _add(found, (words, False), text, reading)
            if len(words) == 2 and words[0] in _SAID_BY_FORMULA:
                _add(found, ((SLOT,), True), text, reading)
    return {
        "name": name,
        "neighbours": sorted(neighbours),
        "digits": digits + (name in LONGER),
        "phrasings": [
            [
                " ".join(words),
                one.text,
                [" ".join(sorted(role)) for role in one.roles],
                min(one.numbers),
                max(one.numbers),
            ]
            for (words, _), one in sorted(found.items())
        ],
    }


def _add(
    found: dict[tuple[tuple[str, ...], bool], _Found], key: tuple[tuple[str, ...], bool], text: str, reading: Phrasing
) -> None:
    roles = [kinds.role_of(shape) for shape in reading.shapes]
    one = found.setdefault(key, _Found(_with_places(text, reading), [set() for _ in roles]))
    for known, role in zip(one.roles, roles, strict=True):
        known.add(role)
    one.numbers.add(kinds.numbers_in(reading))


def _with_places(text: str, reading: Phrasing) -> str:
    """The text with `{}` for its formulas, and its final full stop."""
    end = 0
    parts = []
    for slot in reading.slots:
        start = text.index(slot, end)
        parts.append(text[end:start])
        end = start + len(slot)
    tail = text[end:]
    stop = "" if tail[-1:] in {".", "?", "。", "？"} else "。" if any(sign >= "\u3400" for sign in text) else "."
    return "{}".join([*parts, tail + stop])


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="problems of each kind in each language")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    records = [collected(name, args.count) for name in KINDS]
    rows = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    args.out.write_text(
        f'{{"names": {json.dumps(sorted(names()), ensure_ascii=False)},\n"kinds": [\n{rows}\n]}}\n', encoding="utf-8"
    )
    print(f"{sum(len(record['phrasings']) for record in records)} phrasings of {len(records)} kinds -> {args.out}")


if __name__ == "__main__":
    main()
