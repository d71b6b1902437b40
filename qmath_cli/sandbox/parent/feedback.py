"""What the model is told about a program that ran: the text between the output fences.

Standard output, the value of a last expression, then the error line; cut in the middle where it is long; nothing in
it can close a fence, start a turn or move a cursor. This happens in qmath's own process, on text it does not trust.
"""

from __future__ import annotations

import re

MARK = "\n[… {} characters left out …]\n"

_FENCE = re.compile(r"`{3,}")
_TOKEN = re.compile(r"<\|(\w+)\|>")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def compose(stdout: str, value: str, error: str, *, limit: int, empty: str) -> str:
    """The text fed back: at most about `limit` characters; `empty` where the program said nothing at all."""
    parts = [stdout.rstrip("\n"), value.rstrip("\n")]
    body = harmless("\n".join(part for part in parts if part))
    body = shorten(body, limit)
    text = "\n".join(part for part in (body, harmless(error)) if part.strip())
    return text or empty


def harmless(text: str) -> str:
    """Fences, special tokens and control characters, made visible instead of effective."""
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
    text = _FENCE.sub(lambda found: " ".join(found.group()), text)
    return _TOKEN.sub(r"<| \1 |>", text)


def shorten(text: str, limit: int) -> str:
    """`text`, or its first and last parts with a mark between them that says how much is missing."""
    if len(text) <= limit:
        return text
    head, tail = (limit + 1) // 2, limit // 2
    return text[:head] + MARK.format(len(text) - head - tail) + text[len(text) - tail :]
