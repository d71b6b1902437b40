"""Whether a message reads as a question about the solution above it: `why?`, `and a third of that?`, `那它的一半呢`.

Only short messages of one sentence do: they are little more than a question word, begin like the second half of
something, speak of a step or of what the other side did, or have a pronoun that nothing before it explains. A problem
that is complete is none, even if it begins with "why" or has an "it" of its own. It is a guess that misses some: what
follows from it is an offer, and one for a complete problem costs more than none for a question. The patterns are in
`follow_up.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("follow_up.toml")
_MOST_WORDS = 14
_MOST_CHINESE = 24  # characters
_CJK = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W_]+|[^\s\w]")
_SENTENCES = re.compile(r"[.!?;:。！？；：]\s*(?=\S)(?<!\d\.)|\n")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")  # whyyy
_SHORT_FORMS = (
    *(("can't", "can not"), ("won't", "will not"), ("n't", " not")),
    *(("'s", " is"), ("'re", " are"), ("'m", " am"), ("'d", " did")),
)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The patterns of one language; `thing` is a pronoun."""

    whole: tuple[re.Pattern[str], ...]
    variation: tuple[re.Pattern[str], ...]
    own: re.Pattern[str]
    empty: re.Pattern[str] | None = None
    thing: re.Pattern[str] | None = None


def refers_back(text: str) -> bool:
    """Whether a message reads as a question about what was solved before it.

    Args:
        text: The message as it was typed.
    """
    body = " ".join(text.split()).strip(" ?？!！.。…,，~")
    if not body:
        return bool(text.strip())  # nothing but signs: `??`
    if _SENTENCES.search(body):
        return False
    return _chinese(body) if _CJK.search(body) else _english(body.lower().replace("’", "'"))


def _english(body: str) -> bool:
    if len(_WORD.findall(body)) > _MOST_WORDS:
        return False
    for short, whole in _SHORT_FORMS:
        body = body.replace(short, whole)
    body = _DRAWN_OUT.sub(r"\1", " ".join(body.replace(",", " ").split()))
    patterns, _ = _read()
    if patterns.empty is not None and patterns.empty.search(body):
        return False
    pronoun = patterns.thing.search(body) if patterns.thing is not None else None
    own = patterns.own.search(body[: pronoun.start()] if pronoun else body)
    return _is_one_of(patterns.variation, body) or (own is None and _is_one_of(patterns.whole, body))


def _chinese(body: str) -> bool:
    _, patterns = _read()
    if len(body) > _MOST_CHINESE or not _is_one_of(patterns.whole, body):
        return False
    return patterns.own.search(body) is None or any(one.match(body) for one in patterns.variation)


def _is_one_of(patterns: Iterable[re.Pattern[str]], body: str) -> bool:
    return any(one.fullmatch(body) for one in patterns)


@cache
def _read() -> tuple[_Patterns, _Patterns]:
    """The English and the Chinese patterns, read when they are first needed."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    parts, english, chinese = table["parts"], table["english"], table["chinese"]
    name = re.compile("|".join(sorted(parts, key=len, reverse=True)))

    def made(text: str) -> re.Pattern[str]:
        return re.compile(name.sub(lambda found: str(parts[found[0]]), text))

    return (
        _Patterns(
            tuple(map(made, english["whole"])),
            tuple(map(made, english["variation"])),
            made(english["own"]),
            made(english["empty"]),
            made(r"\bTHING\b"),
        ),
        _Patterns(tuple(map(made, chinese["whole"])), (made(chinese["variation"]),), made(chinese["own"])),
    )
