"""Kinds about the calendar: days between two dates, and days of the week."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from .base import Draft, Language, Step, pick, say

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _some_day(rng: Random) -> date:
    return date(1950, 1, 1) + timedelta(days=rng.randrange(36500))


def _written(rng: Random, language: Language, day: date) -> str:
    """A date as people write it."""
    if rng.random() < 0.3:
        return day.isoformat()
    if language is Language.ZH:
        return f"{day.year}年{day.month}月{day.day}日"
    month = MONTHS[day.month - 1]
    return rng.choice((f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"))


def _code(day: date) -> str:
    return f"date({day.year}, {day.month}, {day.day})"


def days_between(rng: Random, language: Language) -> Draft:
    """The number of days from one date to a later one."""
    start = _some_day(rng)
    end = start + timedelta(days=rng.randint(1, rng.choice((60, 800, 9000))))
    a, b = _written(rng, language, start), _written(rng, language, end)
    question = pick(
        rng,
        language,
        (
            f"How many days are there from {a} to {b}?",
            f"How many days are between {a} and {b}?",
            f"Find the number of days from {a} to {b}.",
        ),
        (
            f"从 {a} 到 {b} 有多少天？",
            f"{a} 到 {b} 相隔多少天？",
            f"求 {a} 与 {b} 之间相差的天数。",
        ),
    )
    days = (end - start).days
    code = f"from datetime import date\n\nprint(({_code(end)} - {_code(start)}).days)"
    return Draft(
        question,
        str(days),
        (Step(say(language, "We subtract the dates.", "把两个日期相减。"), code),),
        say(language, "The number of days is ${box}$.", "相差的天数是 ${box}$。"),
        f"${end.toordinal()} - {start.toordinal()} = {days}$",
    )


def weekdays(rng: Random, language: Language) -> Draft:
    """The day of the week of a date."""
    day = _some_day(rng)
    written = _written(rng, language, day)
    question = pick(
        rng,
        language,
        (
            f"What day of the week is {written}?",
            f"On which day of the week does {written} fall?",
            f"Which weekday is {written}?",
        ),
        (f"{written} 是星期几？", f"求 {written} 是星期几。", f"{written}是星期几？"),
    )
    english = f"print({_code(day)}.strftime('%A'))"
    chinese = f"print('星期' + '一二三四五六日'[{_code(day)}.weekday()])"
    answer = say(language, WEEKDAYS[day.weekday()], "星期" + "一二三四五六日"[day.weekday()])
    return Draft(
        question,
        rf"\text{{{answer}}}",
        (
            Step(
                say(language, "We ask Python's calendar.", "用 Python 的日历计算。"),
                "from datetime import date\n\n" + say(language, english, chinese),
            ),
        ),
        say(language, "It is ${box}$.", "这一天是 ${box}$。"),
        f"${day.toordinal()} = 7 \\times {day.toordinal() // 7} + {day.toordinal() % 7}$",
    )
