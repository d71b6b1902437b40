r"""Where a solution states its answer: the last complete `\boxed{...}`.

Promises: linear in the text, never raises, and reads braces as TeX does (`\{` is a sign, not a group). Does not
interpret the answer, and does not guess at an answer that is not boxed: the official grader's fall-backs for that
(`The answer is ...`, the last number) belong to `official`, because they would turn a half-finished solution into
an answered one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A box with a brace, a box without one (`\boxed 5`), any other escaped character, a brace.
_TOKEN = re.compile(
    r"\\(?:boxed|fbox)\s*(?P<open>\{)|\\(?:boxed|fbox)(?![A-Za-z])(?P<bare>)|\\.|(?P<brace>[{}])", re.DOTALL
)
# What ends a box without a brace: the mathematics around it, the line, or the sentence.
_BARE_END = re.compile(r"\$|\\\)|\\\]|\n|\Z")


def last_boxed(text: str) -> str | None:
    r"""The content of the box that opens last among the complete, non-empty ones; None if there is none.

    `\fbox` counts as `\boxed`. A box without braces (`\boxed 5$`) reaches to the end of its formula or line.
    """
    found = max(_boxes(text), default=None)
    return None if found is None else found[1]


def _boxes(text: str) -> Iterator[tuple[int, str]]:
    """Position and content of every complete box that holds something."""
    pending: list[int | None] = []  # for each open brace: where a box's content starts, or None for any other group
    for token in _TOKEN.finditer(text):
        if token["open"]:
            pending.append(token.end())
        elif token["bare"] is not None:
            yield from _kept(token.end(), text[token.end() : _bare_end(text, token.end())].rstrip(" .,;。"))
        elif token["brace"] == "{":
            pending.append(None)
        elif token["brace"] == "}" and pending:
            start = pending.pop()
            if start is not None:
                yield from _kept(start, text[start : token.start()])


def _bare_end(text: str, start: int) -> int:
    end = _BARE_END.search(text, start)
    return end.start() if end else len(text)


def _kept(start: int, content: str) -> Iterator[tuple[int, str]]:
    if content.strip():
        yield start, content.strip()


# Where the few-shot formats state an answer that is not boxed; the source of the phrases is the report's Figures 5-10.
_STATED = re.compile(
    r"(?:[Tt]he answer is|[Ff]inal answer is|答案是|答案为|故选)[:：]?\s*(?P<answer>[^\n]+?)"
    r"(?=\.?\s*(?:I hope|推理结束)|[.。]?\s*(?:\n|\Z))"
)
_LETTER = re.compile(r"\(([A-J])\)[.。]?")


def last_stated(text: str) -> str | None:
    """The answer after the last `The answer is` or its like, without dollars and final stop; None if there is none.

    Only for prompts whose examples end so: in free text the phrase proves nothing.
    """
    phrases = list(_STATED.finditer(text))
    if not phrases:
        return None
    answer = phrases[-1]["answer"].strip().rstrip("。.").strip()
    letter = _LETTER.fullmatch(answer)
    return letter[1] if letter else answer.removeprefix("$").removesuffix("$").strip() or None
