"""Solved problems as a list, one per line: number, date, problem, answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qmath_cli.history.entry import Listed, Solved
from qmath_cli.records import Finish
from qmath_cli.terminal import tables
from qmath_cli.terminal.maths import Alphabet
from qmath_cli.terminal.one_line import formula, one_line
from qmath_cli.terminal.style import Style
from qmath_cli.terminal.text_width import columns

_ANSWER_SHARE = 0.3  # of the width, at most
_GAPS = 6  # columns between the cells
_WIDEST = 120
_NO_ANSWER = {Finish.INTERRUPTED: "(interrupted)", Finish.TIMEOUT: "(time limit)"}


def listed(problems: Sequence[Listed], style: Style) -> list[str]:
    """The lines, none wider than the terminal."""
    numbers = [str(one.number) for one in problems]
    dates = [_local(one.at).strftime("%Y-%m-%d %H:%M") for one in problems]
    answers = [(one.answer, one.finish) for one in problems]
    return _lines(numbers, dates, [one.problem for one in problems], answers, style)


def of_session(problems: Sequence[Solved], style: Style) -> list[str]:
    """The problems of a session, numbered from 1."""
    solutions = [one.solution for one in problems]
    numbers = [str(number) for number in range(1, len(solutions) + 1)]
    answers = [(one.answer, one.finish) for one in solutions]
    return _lines(numbers, [], [one.problem.text for one in solutions], answers, style)


def cells(problem: Listed) -> str:
    """One problem as cells between tabs, for a pipe: number, time, problem, answer, how it ended, model."""
    answer = problem.answer if problem.answer is not None else ""
    texts = (str(problem.number), problem.at.isoformat(), problem.problem, answer, problem.finish, problem.model)
    return "\t".join(" ".join(text.split()) for text in texts)


def _lines(
    numbers: Sequence[str],
    dates: Sequence[str],
    problems: Sequence[str],
    answers: Sequence[tuple[str | None, Finish]],
    style: Style,
) -> list[str]:
    alphabet = style.alphabet if style.drawn else None
    width = min(style.width(), _WIDEST)
    shown = [_answer(answer, finish, int(width * _ANSWER_SHARE), alphabet) for answer, finish in answers]
    taken = max((len(one) for one in numbers), default=0) + max((len(one) for one in dates), default=0) + _GAPS
    room = max(width - taken - max((columns(one) for one in shown), default=0), 1)
    rows = zip(
        numbers, *([dates] if dates else []), [one_line(one, room, alphabet) for one in problems], shown, strict=True
    )
    return tables.columns([list(row) for row in rows], right=frozenset({0}))


def _answer(answer: str | None, finish: Finish, width: int, alphabet: Alphabet | None) -> str:
    return formula(answer, width, alphabet) if answer is not None else _NO_ANSWER.get(finish, "(no answer)")


def _local(at: datetime) -> datetime:
    return at.astimezone()
