"""The text that a model reads about a program that ran: what stands between the output fences.

Standard output, the value of a last expression, then the error line. Long output is cut in the middle. Nothing in it
can close a fence, start a turn or move a cursor. Addresses in reprs are left out, so that the same program gives the
same text every time; what a program draws from an unseeded generator differs, or all samples of a problem would
simulate the same draws. This runs in qmath's own process, on untrusted text.
"""

from __future__ import annotations

import re

CUT_MARK = "\n[… {} characters left out …]\n"

_FENCE = re.compile(r"`{3,}")
_TOKEN = re.compile(r"<\|(\w+)\|>")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# The address in Python's default reprs: `<generator object f at 0x7f0a>`, `<code object f at 0x7f0a, file ...>`,
# `<weakref at 0x7f0a; to 'A' at 0x7f0b>`, `<cell at 0x7f0a: empty>`. Shorter numbers are not addresses.
_ADDRESS = re.compile(r"(?<= at 0x)[0-9a-fA-F]{8,16}(?=[>,;:)])")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def compose(stdout: str, value: str, error: str, *, limit: int, empty: str) -> str:
    """Join the parts of a program's output into the text that is fed back.

    Args:
        stdout: What the program printed.
        value: The repr of its last expression, or an empty string.
        error: Its error line, or an empty string.
        limit: Characters of stdout and value that are kept; the error line is always kept whole.
        empty: The text returned where all three are blank.
    """
    parts = [stdout.rstrip("\n"), value.rstrip("\n")]
    body = sanitize("\n".join(part for part in parts if part))
    body = shorten(body, limit)
    text = "\n".join(part for part in (body, sanitize(error)) if part.strip())
    return text or empty


def sanitize(text: str) -> str:
    """Replace fences, special tokens and control characters by visible text; drop terminal sequences and addresses."""
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode("ascii"), text)
    text = _ADDRESS.sub("...", text)
    text = _FENCE.sub(lambda found: " ".join(found.group()), text)
    return _TOKEN.sub(r"<| \1 |>", text)


def shorten(text: str, limit: int) -> str:
    """Return `text`, or its head and tail (`limit` characters in all) with the number of missing ones between them."""
    if len(text) <= limit:
        return text
    head, tail = (limit + 1) // 2, limit // 2
    return text[:head] + CUT_MARK.format(len(text) - head - tail) + text[len(text) - tail :]
