"""A problem in, events out, the `Solution` last; and many problems over one engine.

`solve` starts attempts on one prompt, as many at a time as can still decide the vote. It passes on what happens, ends
the remaining attempts once the vote is decided, scores the samples with a reward model where that was asked for, and
closes with exactly one `Solution`. One sample and eight take the same path, and so do twenty problems. An interrupt (a
`KeyboardInterrupt` raised here or thrown in) and the time limit end the attempts, and still give a `Solution` with the
text so far.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice

from qmath_cli.errors import PromptTooLong
from qmath_cli.records import Event, Expected, Finish, Problem, SampleFinished, Sampling, Solution, Votes
from qmath_cli.solving.attempts import Attempts
from qmath_cli.solving.progress import Progress, SolvePlan, Tools

#: Sampling as in the Qwen2.5-Math report: greedy for one sample, T 0.7 and top-p 0.8 for several (its README's note).
SEVERAL_TEMPERATURE = 0.7
SEVERAL_TOP_P = 0.8

Task = tuple[Problem, SolvePlan]


def sampling_for(
    k: int, seed: int, max_tokens: int, temperature: float | None, top_p: float | None, top_k: int, min_p: float
) -> Sampling:
    """The sampling of a run; where temperature or top-p is None, the report's value for `k` samples."""
    if temperature is None:
        temperature = SEVERAL_TEMPERATURE if k > 1 else 0.0
    if top_p is None:
        top_p = SEVERAL_TOP_P if temperature > 0 else 1.0
    return Sampling(temperature, top_p, top_k, min_p, seed, max_tokens)


def solve(problem: Problem, plan: SolvePlan, tools: Tools) -> Generator[Event, None, None]:
    """Solve one problem.

    Args:
        problem: the problem; its `reference`, where there is one, is compared with the answer.
        plan: prompt, mode, number of samples and limits.
        tools: the engine, with a slot for each sample that runs at once, and what else the plan needs.

    Yields:
        Events in the order in which they happen; the last one, exactly once, is the `Solution`. For a problem that the
        model was not trained for it is the only one.

    Raises:
        PromptTooLong: the prompt does not fit into the context. What happens after the first token is data.
    """
    if not plan.known:
        yield refused(problem, plan)
        return
    progress = Progress(problem, plan, tools)
    attempts = Attempts(tools.engine, tools.executor, tools.approve)
    try:
        width = min(tools.width or plan.k, plan.k)
        progress.launch(attempts, width)
        while attempts.busy:
            yield from _recorded(progress, attempts.step())
            yield from _recorded(progress, progress.limits(attempts))
            progress.launch(attempts, width - attempts.running)
    except KeyboardInterrupt:
        progress.interrupt(attempts)
    finally:
        attempts.close()
    try:
        solution = progress.solution()
    except KeyboardInterrupt:  # while samples were scored, or the answer compared with the expected one
        progress.interrupted = True
        solution = progress.solution()
    yield solution


def refused(problem: Problem, plan: SolvePlan) -> Solution:
    """The solution of a problem that the model was not trained for: no sample, and no answer."""
    expected = None if problem.reference is None else Expected(problem.reference, equal=False)
    votes = Votes(plan.k, 0)
    return Solution(problem, plan.mode, None, Finish.UNKNOWN_KIND, (), plan.sampling, votes, expected=expected)


def solve_many(tasks: Iterable[Task], tools: Tools, width: int) -> Generator[tuple[int, Event], None, None]:
    """Solve many problems over one engine, at most `width` sequences at a time.

    As soon as a sequence ends, the next attempt takes its place. A prompt that does not fit into the context gives a
    solution that says so.

    Args:
        tasks: problems with their plans; started in this order, and taken only when one can start.
        tools: the engine, with `width` slots, and what else the plans need.
        width: sequences that decode at once.

    Yields:
        (position in `tasks`, event); the last event of each problem is its `Solution`.
    """
    rest = enumerate(tasks)
    waiting: deque[tuple[int, Task]] = deque()  # the next one, at most
    running: dict[int, Progress] = {}
    attempts = Attempts(tools.engine, tools.executor, tools.approve)
    try:
        while _take(waiting, rest) or running:
            for progress in running.values():
                progress.launch(attempts, width - attempts.running)
            yield from _start(waiting, rest, running, tools, attempts, width)
            yield from _step(running, attempts)
    except KeyboardInterrupt:
        for position, (problem, plan) in chain(waiting, rest):
            running.setdefault(position, Progress(problem, plan, tools))
        for progress in running.values():
            progress.interrupt(attempts)
    finally:
        attempts.close()
    for position, progress in sorted(running.items()):
        yield position, progress.solution(Finish.INTERRUPTED)


def _take(waiting: deque[tuple[int, Task]], rest: Iterator[tuple[int, Task]]) -> bool:
    """Have the next problem wait, if there is one."""
    if not waiting:
        waiting.extend(islice(rest, 1))
    return bool(waiting)


def _start(
    waiting: deque[tuple[int, Task]],
    rest: Iterator[tuple[int, Task]],
    running: dict[int, Progress],
    tools: Tools,
    attempts: Attempts,
    width: int,
) -> Generator[tuple[int, Event], None, None]:
    """Start waiting problems while there is room."""
    while attempts.running < width and _take(waiting, rest):
        position, (problem, plan) = waiting[0]  # it stays there until it runs, so that an interrupt does not lose it
        if not plan.known:
            waiting.popleft()
            yield position, refused(problem, plan)
            continue
        progress = Progress(problem, plan, tools)
        try:
            progress.launch(attempts, width - attempts.running)
        except PromptTooLong:
            waiting.popleft()
            yield position, progress.solution(Finish.OUT_OF_CONTEXT)
        else:
            running[position] = progress
            waiting.popleft()


def _step(running: dict[int, Progress], attempts: Attempts) -> Generator[tuple[int, Event], None, None]:
    """One decode step for all; problems that are finished close with their solution."""
    owners = {key: position for position, progress in running.items() for key in progress.keys}
    happened = attempts.step()
    for key, event in happened:
        running[owners[key]].record([(key, event)])
    for progress in running.values():
        progress.count()
    for key, event in happened:
        yield owners[key], event
    for position, progress in list(running.items()):
        for event in _recorded(progress, progress.limits(attempts)):
            yield position, event
        if progress.finished:
            solution = progress.solution()
            del running[position]
            yield position, solution


def _recorded(progress: Progress, events: Sequence[tuple[int, Event]]) -> list[Event]:
    """The events of one problem, after all of them are recorded."""
    progress.record(events)
    progress.count()
    return [_counted(event, progress) for _, event in events]


def _counted(event: Event, progress: Progress) -> Event:
    """A finished sample with the vote as it stands."""
    return replace(event, votes=progress.votes) if isinstance(event, SampleFinished) else event


def follow(events: Generator[Event, None, None], sink: Callable[[Event], None]) -> Solution:
    """Hand every event to `sink`, an interrupt into the generator, and return the solution that it closes with.

    Raises:
        KeyboardInterrupt: it arrived while the solution itself was being shown.
        RuntimeError: the generator ended without a solution.
    """
    last: Event | None = None
    try:
        for last in events:
            sink(last)
    except KeyboardInterrupt:
        if isinstance(last, Solution):
            raise
        last = events.throw(KeyboardInterrupt())  # it arrived while an event was being shown
        sink(last)
    finally:
        events.close()  # while engine and executor are still open
    match last:
        case Solution():
            return last
        case _:
            raise RuntimeError("a solve ended without a solution")


def follow_many(events: Generator[tuple[int, Event], None, None], sink: Callable[[int, Event], None]) -> None:
    """Hand every event of `solve_many` to `sink`, and an interrupt into the generator, whose last events follow.

    Raises:
        KeyboardInterrupt: it arrived when all attempts had ended, or for a second time.
    """
    try:
        for position, event in events:
            sink(position, event)
    except KeyboardInterrupt:
        with suppress(StopIteration):
            sink(*events.throw(KeyboardInterrupt()))  # it arrived while an event was being handled
        for position, event in events:
            sink(position, event)
    finally:
        events.close()  # while engine and executor are still open
