r"""The answer that a solution states: the content of its last complete `\boxed{...}`.

Promises: linear time, no exceptions, braces as in TeX (`\{` is a sign, not a group). It does not interpret the answer,
and it does not search for one that is not boxed. The official rules for that (`The answer is ...`, the last number) are
in `official.answers`; they would count an unfinished solution as answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# A box with a brace, a box without a brace (`\boxed 5`), any other escaped character, a brace.
_TOKEN = re.compile(
    r"\\(?:boxed|fbox)\s*(?P<open>\{)|\\(?:boxed|fbox)(?![A-Za-z])(?P<bare>)|\\.|(?P<brace>[{}])", re.DOTALL
)
# The end of a box without braces: the end of the formula around it, or of the line.
_BARE_END = re.compile(r"\$|\\\)|\\\]|\n|\Z")


def last_boxed(text: str) -> str | None:
    r"""The content of the complete, non-empty box that opens last; None if there is none.

    `\fbox` counts as `\boxed`. A box without braces (`\boxed 5$`) extends to the end of its formula or line.
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
            end = _BARE_END.search(text, token.end())
            stop = end.start() if end else len(text)
            yield from _non_empty(token.end(), text[token.end() : stop].rstrip(" .,;。"))
        elif token["brace"] == "{":
            pending.append(None)
        elif token["brace"] == "}" and pending:
            start = pending.pop()
            if start is not None:
                yield from _non_empty(start, text[start : token.start()])


def _non_empty(start: int, content: str) -> Iterator[tuple[int, str]]:
    if content.strip():
        yield start, content.strip()


# How few-shot examples state an answer without a box. The phrases are those of Figures 5-10 of the technical report
# "Qwen2.5-Math Technical Report: Toward Mathematical Expert Model via Self-Improvement" (arXiv:2409.12122).
_STATED = re.compile(
    r"(?:[Tt]he answer is|[Ff]inal answer is|答案是|答案为|故选)[:：]?\s*(?P<answer>[^\n]+?)"
    r"(?=\.?\s*(?:I hope|推理结束)|[.。]?\s*(?:\n|\Z))"
)
_LETTER = re.compile(r"\(([A-J])\)[.。]?")


def last_stated(text: str) -> str | None:
    """The answer after the last `The answer is` or a similar phrase; None if there is none.

    Dollar signs and the final stop are removed. Use it only for prompts whose examples end with such a phrase: in other
    text the phrase may introduce an intermediate result.
    """
    phrases = list(_STATED.finditer(text))
    if not phrases:
        return None
    answer = phrases[-1]["answer"].strip().rstrip("。.").strip()
    letter = _LETTER.fullmatch(answer)
    return letter[1] if letter else answer.removeprefix("$").removesuffix("$").strip() or None
