"""A problem with a solution that anybody wrote, in one text: JSON, Markdown with headings, or plain text.

JSON is one object with a problem and a solution, or what `solve --json` prints. In Markdown and plain text, headings or
labels (`# Problem`, `Solution:`, `解答：`) say which part is which; what is exported with `--export x.md` has such
headings. A text without them begins with the problem, up to the first blank line. The solution's text is not changed,
but for the blank lines around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from qmath_cli.errors import DataError

_PROBLEMS = ("problem", "question", "prompt", "题目", "问题", "题")
_SOLUTIONS = ("solution", "working", "response", "proof", "answer", "解答", "解", "证明", "答案")
_HEADING = re.compile(
    r"""^[ ]{0,3}(?: (?P<level>\#{1,6})[ ]* (?P<heading>[^\n#:：]+?) [ ]*\#*[ ]*[:：]? [ ]*$
      | (?:\*\*)? (?P<label>[^\W\d_]{1,12}) (?:\*\*)? [ ]* [:：] (?:\*\*)? )[ \t]*""",
    re.VERBOSE | re.MULTILINE,
)
_FIELDS = ("solution", "response", "text", "output", "completion", "model_solution", "working")


@dataclass(frozen=True, slots=True)
class WrittenSolution:
    """A problem and the text of one solution."""

    problem: str
    text: str


def read_solution(text: str, source: str, problem: str | None = None) -> WrittenSolution:
    """The problem and the solution in a text.

    Args:
        text: The text.
        source: Where it comes from, for errors.
        problem: The problem, where it is known; then a text without headings is the solution.

    Raises:
        DataError: One of the two is missing.
    """
    if text.lstrip().startswith("{"):
        found = _of_json(text, source)
    else:
        found = _of_headings(text) or _of_paragraphs(text, problem)
    whole = WrittenSolution(problem or found.problem.strip(), _without_blank_lines(found.text))
    if not whole.problem:
        raise DataError(f"{source} has no problem", "--problem 'TEXT' names it, or begin the text with it")
    if not whole.text:
        raise DataError(f"{source} has no solution", "the problem, a blank line, then the solution")
    return whole


def _of_json(text: str, source: str) -> WrittenSolution:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as exc:
        hint = 'one object such as {"problem": "...", "solution": "..."}'
        raise DataError(f"{source} is not valid JSON: {exc}", hint) from exc
    given = next((record[name] for name in ("problem", "question") if isinstance(record.get(name), str)), "")
    written = next((record[name] for name in _FIELDS if isinstance(record.get(name), str)), None)
    return WrittenSolution(given, written if written is not None else _sampled(record))


def _sampled(record: Mapping[str, object]) -> str:
    """The text of the first sample with the answer of a `solve --json`; of the first one where none has it."""
    samples = record.get("samples")
    texts = [
        (one.get("answer") == record.get("answer"), one["text"])
        for one in (samples if isinstance(samples, list) else ())
        if isinstance(one, dict) and isinstance(one.get("text"), str)
    ]
    return next((text for fits, text in texts if fits), texts[0][1] if texts else "")


def _of_headings(text: str) -> WrittenSolution | None:
    """The parts under the first heading of a problem and the first of a solution; None without a solution's."""
    places = [(match, _part(match)) for match in _HEADING.finditer(text)]
    known = [(match, part) for match, part in places if part]
    solution = next((i for i, (_, part) in enumerate(known) if part == "solution"), None)
    if solution is None:
        return None
    starts = known[solution][0]
    level = len(starts["level"] or "")  # a deeper heading is a part of the solution
    later = (m for m, _ in places if m.start() > starts.end() and m["level"] and len(m["level"]) <= level)
    ends = next((m.start() for m in later), len(text))
    before = text[: starts.start()]
    first = next((match for match, part in known[:solution] if part == "problem"), None)
    return WrittenSolution(before[first.end() :] if first else before, text[starts.end() : ends])


def _part(match: re.Match[str]) -> str:
    name = (match["heading"] or match["label"]).strip(" *").lower()
    words = name.split()
    first = words[0] if words else ""
    if first in _PROBLEMS and len(words) <= 2:  # "Problem 3"
        return "problem"
    return "solution" if first in _SOLUTIONS and len(words) <= 2 else ""


def _of_paragraphs(text: str, problem: str | None) -> WrittenSolution:
    if problem is not None:
        return WrittenSolution(problem, text)
    parts = re.split(r"\n[ \t]*\n", text.strip("\n"), maxsplit=1)
    return WrittenSolution(parts[0], parts[1] if len(parts) > 1 else "")


def _without_blank_lines(text: str) -> str:
    lines = text.split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    while lines and not lines[-1].strip():
        del lines[-1]
    return "\n".join(lines)
