"""Pairs from JSONL: one object on each line. A number keeps its digits as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NoReturn

from qmath_cli.grading.pairs.lines import PairLines
from qmath_cli.grading.pairs.pair import ANSWER, BadLine, Pair, expected_name, missing, pair_of

_HINT = 'for example {"answer": "1/2", "expected": "0.5"}'


def pairs(lines: PairLines) -> Iterator[Pair | BadLine]:
    """A pair or a bad line for each line that is not empty."""
    for line in lines:
        if line.strip():
            yield _pair(lines.number, line)


def _pair(number: int, line: str) -> Pair | BadLine:
    try:
        found = json.loads(line, parse_int=str, parse_float=str, parse_constant=_refused)
    except (ValueError, RecursionError):
        return BadLine(number, "this is not JSON", _HINT)
    if not isinstance(found, dict):
        return BadLine(number, "this is not a JSON object", _HINT)
    expected = expected_name(found)
    if ANSWER not in found or expected is None:
        return BadLine(number, missing(found), _HINT)
    for name in (ANSWER, expected):
        if not isinstance(found[name], str):
            return BadLine(number, f"'{name}' is neither a text nor a number", _HINT)
    return pair_of(number, found[ANSWER], found[expected])


def _refused(name: str) -> NoReturn:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)
