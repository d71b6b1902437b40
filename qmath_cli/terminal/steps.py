r"""A solution in steps, as a person would uncover it: for a student who wants to try before reading on.

Promises: the steps joined are the text, character for character; none is blank; no formula and no program is cut. A
program belongs to the sentence before it, and its output begins the next step, so that it can be foreseen. Where the
text numbers its parts (`Step 2`, `3.`, `##`, `第一步`), a step is such a part; otherwise it is a paragraph, or a line
where there is but one paragraph. What announces and what is announced stay together: a heading and its text, a
sentence with a colon and its formula or list. The conclusion, which has the answer, is a step of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from qmath_cli.terminal.markdown_stream import MarkdownStream, PieceKind

_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)*")
_NEW_LINE = re.compile(r"\n")
_MARKED = re.compile(
    r"""\s*(?: \#{1,6}[ ] | [*_]{0,3}(?: (?:step|part|case)\s*\d+\b | \d{1,2}[.)、](?!\d) | \(\d{1,2}\)
      | 第\s*[一二三四五六七八九十\d]+\s*步 | 步骤\s*[一二三四五六七八九十\d]+ ))""",
    re.IGNORECASE | re.VERBOSE,
)
_ANNOUNCES = re.compile(r"(?:[:：,，、][*_]*|(?:^|\n)[ \t]*(?:#{1,6} [^\n]*|\*\*[^*\n]+\*\*))\s*\Z")
_DISPLAYED = re.compile(r"\s*(?:\\\[|\$\$|\\begin\{)")
_FENCE = re.compile(r"\s*```(\w*)")
_BOX = re.compile(r"\\f?boxed\b|\\fbox\b")


def steps(text: str) -> list[str]:
    """The steps of a solution's text, in order; none where it is blank."""
    found = _joined(_parts(text, _BLANK_LINES))
    return found if len(found) != 1 else _joined(_parts(text, _NEW_LINE))


def gives_answer_away(step: str, problem: str = "", answer: str | None = None) -> bool:
    """Whether a step has the final answer: a box, or the answer itself where the problem does not contain it."""
    if _BOX.search(step) is not None:
        return True
    if answer is None or not answer.strip():
        return False
    alone = re.compile(rf"(?<![A-Za-z0-9.]){re.escape(answer.strip())}(?![A-Za-z0-9]|\.\d)")
    return alone.search(step) is not None and alone.search(problem) is None


def _joined(parts: list[str]) -> list[str]:
    """The parts of a text put together to steps; blank parts go with those before them."""
    numbered = sum(1 for part in parts if _MARKED.match(part)) > 1
    found: list[str] = []
    for part in parts:
        if found and (not part.strip() or not found[-1].strip() or _belongs(found[-1], part, numbered=numbered)):
            found[-1] += part
        else:
            found.append(part)
    return [one for one in found if one.strip()]


def _belongs(before: str, part: str, *, numbered: bool) -> bool:
    """Whether a part continues the step before it."""
    fence = _FENCE.match(part)
    if fence is not None:
        return fence[1] != "output" and not before.rstrip().endswith("```")
    if before.rstrip().endswith("```"):
        opened = _FENCE.match(before)
        return opened is not None and opened[1] == "output"  # what is said about an output goes with it
    if _ANNOUNCES.search(before) or _DISPLAYED.match(part) or part.lstrip()[:1].islower():
        return True
    return numbered and not _MARKED.match(part) and not gives_answer_away(part)


def _parts(text: str, between: re.Pattern[str]) -> list[str]:
    """The text cut behind every match of `between` in prose, and around programs and outputs."""
    cuts = sorted({0, *_cuts(text, between), len(text)})
    return [text[start:end] for start, end in pairwise(cuts)]


def _cuts(text: str, between: re.Pattern[str]) -> Iterator[int]:
    stream = MarkdownStream()
    plain = bytearray(len(text))  # 1 for every character that is no formula and no program
    at = 0
    for piece in [*stream.feed(text), *stream.close()]:
        end = at + len(piece.source)
        if piece.kind is PieceKind.CODE_OPEN:
            yield at
        elif piece.kind is PieceKind.CODE_CLOSE:
            yield end
        elif piece.kind is PieceKind.PROSE:
            plain[at:end] = b"\x01" * len(piece.source)
        at = end
    yield from (one.end() for one in between.finditer(text) if all(plain[one.start() : one.end()]))
