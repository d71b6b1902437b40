"""Times of day: `12:30`, `2:30 p.m.`, `20:34:00`, `8时30分`, `下午2:30`.

Two texts that both look like times are compared as times, and never as ratios. A time that does not say which half of
the day it is in equals the one of either half.
"""

from __future__ import annotations

import re

_LATIN = re.compile(
    r"(?P<hour>\d{1,2})\s*:\s*(?P<minute>\d\d)(?:\s*:\s*(?P<second>\d\d))?\s*(?:\\text\s*\{|\\mathrm\s*\{)?[\s~]*"
    r"(?P<half>[ap]\.?\s?m\.?|noon|midnight)?[\s.}]*(?:o'?clock)?[\s.}]*",
    re.IGNORECASE,
)
_HOUR_ONLY = re.compile(
    r"(?P<hour>\d{1,2})\s*(?:o'?clock)?\s*(?:\\text\s*\{|\\mathrm\s*\{)?[\s~]*(?P<half>[ap]\.?\s?m\.?)[\s.}]*",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?P<hour>\d{1,2})\s*[时点]\s*(?:钟|整)?(?:(?P<minute>\d{1,2})\s*分?|(?P<part>半|一刻|三刻))?\s*"
)
_HALVES = re.compile(r"^\s*(?P<half>上午|早上|早晨|凌晨|下午|晚上|中午|傍晚)\s*")
_AFTERNOON = frozenset({"下午", "晚上", "中午", "傍晚"})
_PARTS = {"半": 30, "一刻": 15, "三刻": 45, None: 0}

#: Hour 0 to 23, minute, second, and whether the half of the day is known.
Time = tuple[int, int, int, bool]


def compared(answer: str, expected: str) -> bool | None:
    """Whether two times of day are the same; None if not both texts are times, or neither is surely one."""
    left, right = time_of(answer), time_of(expected)
    if left is None and right is None:
        return None
    if left is None or right is None:
        surely, other = (answer, expected) if left is not None else (expected, answer)
        return False if _is_surely_time(surely) and re.fullmatch(r"\d+\s*:\s*\d+", other) else None
    if left[1:3] != right[1:3]:
        return False
    if left[3] and right[3]:
        return left[0] == right[0]
    return left[0] % 12 == right[0] % 12 if left[3] != right[3] else left[0] == right[0]


def time_of(text: str) -> Time | None:
    """The time of day that a cleaned text states."""
    half = _HALVES.match(text)
    name = half["half"] if half else None
    found = _LATIN.fullmatch(rest := text[half.end() :] if half else text) or _CHINESE.fullmatch(rest)
    found = found or _HOUR_ONLY.fullmatch(rest)
    if found is None:
        return None
    parts = found.groupdict()
    minute = int(parts.get("minute") or _PARTS[parts.get("part")])
    hour, second = int(found["hour"]), int(parts.get("second") or 0)
    if hour > 24 or minute > 59 or second > 59:
        return None
    return _in_day(hour, minute, second, _half(parts.get("half"), name))


def _half(latin: str | None, chinese: str | None) -> str:
    if chinese is not None:
        return "p" if chinese in _AFTERNOON else "a"
    word = (latin or "").lower()
    return {"n": "p", "m": "a"}.get(word[:1], word[:1])


def _in_day(hour: int, minute: int, second: int, half: str) -> Time | None:
    if half and hour > 12:
        return (hour, minute, second, True) if half == "p" else None
    if half:
        return hour % 12 + (12 if half == "p" else 0), minute, second, True
    return hour % 24, minute, second, hour > 12 or hour == 0


def _is_surely_time(text: str) -> bool:
    """Whether a time cannot be a ratio: it has a half of the day, seconds, or a leading zero in its minutes."""
    return not re.fullmatch(r"\d{1,2}\s*:\s*[1-9]\d", text.strip())
