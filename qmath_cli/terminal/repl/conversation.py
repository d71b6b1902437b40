"""One turn: a problem goes to the model, what happens is shown, and the session remembers it, however it ended."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

from qmath_cli.errors import UsageError
from qmath_cli.prompting import chat
from qmath_cli.records import Event, Problem, Prompt, Segment, Solution
from qmath_cli.settings import Settings
from qmath_cli.solving import solve
from qmath_cli.solving.solve import SolvePlan
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.render import Renderer, RenderOptions
from qmath_cli.terminal.repl.background import BackgroundModel, Open, Ready
from qmath_cli.terminal.repl.session import Session, extended
from qmath_cli.terminal.style import Style

Follow = Callable[[Generator[Event, None, None], Callable[[Event], None]], Solution]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the REPL is given from above: how a model is opened, a plan made, a run followed; where things are kept."""

    open: Open
    plan_for: Callable[[Settings], SolvePlan]
    follow: Follow
    models: Callable[[], tuple[str, ...]]
    sessions: Path
    history: Path
    note_for: Callable[[Ready], str]  # what has to be said about a model once, or nothing


class Conversation:
    """The session's side of a conversation with the model."""

    def __init__(self, terminal: Terminal, style: Style, session: Session, hooks: Hooks) -> None:
        self.terminal = terminal
        self.style = style
        self.session = session
        self.hooks = hooks
        self.machine = BackgroundModel(hooks.open)
        self._noted = ""

    def ready(self) -> Ready:
        """The loaded model, after waiting for it; says that it waits, and what has to be said about the model."""
        if self.machine.waiting(self.session.settings):
            self.terminal.note(f"loading {self.session.settings.model or 'the model'} ...")
        found = self.machine.ready(self.session.settings)
        note = self.hooks.note_for(found)
        if note and note != self._noted:
            self.terminal.note(note)
            self._noted = note
        return found

    def ask(self, text: str) -> None:
        """Solve a problem that was typed."""
        self._solve(Problem(text, chat.language_of(text)))

    def again(self, seed: int | None) -> None:
        """Solve the latest problem anew: with another seed, or where nothing is drawn, as it was."""
        last = self.session.last
        self.session.solutions.pop()
        kept = self.session.settings
        if seed is not None:
            self.session.settings = replace(kept, seed=seed)
        before = len(self.session.solutions)
        try:
            self._solve(last.problem)
        finally:
            self.session.settings = kept
            if len(self.session.solutions) == before:
                self.session.solutions.append(last)  # nothing came of it: the old solution stands

    def go_on(self) -> None:
        """Let the latest solution go on where it stopped, in the same turn."""
        last, partial = self.session.last, self.session.picked()
        partial = replace(partial, text=_before_open_program(partial.text))
        opening = chat.chat(last.problem.text, last.mode, self._earlier(but_last=True))
        if not partial.text.strip():
            raise UsageError("there is nothing to continue", "/retry starts again")
        prompt = Prompt((*opening.segments, Segment(partial.text)), opening.stops)
        settings = replace(self.session.settings, k=1, mode=last.mode)
        ran = tuple(run.code for run in partial.runs)
        plan = replace(self.hooks.plan_for(settings), prompt=prompt, earlier=ran)
        more = self._run(last.problem, plan, settings, keep=True)
        self.session.solutions[-1] = extended(last, partial, more)

    def _solve(self, problem: Problem) -> None:
        settings = self.session.settings
        plan = self.hooks.plan_for(settings)
        if self.session.follow and self.session.solutions:
            plan = replace(plan, prompt=chat.chat(problem.text, settings.mode, self._earlier()))
        self.session.solutions.append(self._run(problem, plan, settings, keep=self.session.follow))

    def _run(self, problem: Problem, plan: SolvePlan, settings: Settings, *, keep: bool) -> Solution:
        """Solve; with `keep`, on top of what the KV cache holds of the conversation, else as in a fresh process."""
        ready = self.ready()
        if not keep:
            ready.tools.engine.forget()
        wishes = RenderOptions(k=plan.k, pick=settings.pick)
        renderer = Renderer(self.terminal, self.style, wishes, ready.protection)
        try:
            return self.hooks.follow(solve.solve(problem, plan, ready.tools), renderer.event)
        finally:
            renderer.close()

    def _earlier(self, *, but_last: bool = False) -> tuple[tuple[str, str], ...]:
        if not self.session.follow:
            return ()
        earlier = self.session.earlier()
        return earlier[:-1] if but_last else earlier


def _before_open_program(text: str) -> str:
    """`text` up to a program that has no output yet: the model writes it anew, and so it is whole when it runs."""
    opening = text.rfind("```python")
    return text[:opening] if opening >= 0 and chat.OUTPUT_FENCE not in text[opening:] else text
