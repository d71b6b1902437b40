"""One turn after the other: a problem is solved, what happens is shown, and the session records how it ended.

`prompting.select` decides how the model is asked: for a new problem, a repeated one, a follow-up and a continued
solution alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qmath_cli.errors import UsageError
from qmath_cli.history.entry import Solved
from qmath_cli.history.keeper import Keeper
from qmath_cli.paths import Paths
from qmath_cli.prompting import chat
from qmath_cli.prompting.prompt_format import PromptFormat, Turn
from qmath_cli.prompting.select import select
from qmath_cli.records import Finish, Language, Mode, Problem, Sample, Solution, TextDelta
from qmath_cli.runtime.plans import plan_for
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import SolvePlan
from qmath_cli.solving.solve import SEVERAL_TEMPERATURE, follow, solve
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.render import DEMO_NOTE, Renderer, RenderOptions
from qmath_cli.terminal.repl import advice, reveal
from qmath_cli.terminal.repl.background import BackgroundModel
from qmath_cli.terminal.repl.session import Session, extended
from qmath_cli.terminal.style import Style


class Conversation:
    """The user's side of a session: what was asked, and the model that solves it."""

    def __init__(
        self, terminal: Terminal, style: Style, session: Session, model: BackgroundModel, paths: Paths
    ) -> None:
        self.terminal = terminal
        self._style = style
        self.session = session
        self.model = model
        self.paths = paths
        self._keeper = Keeper(paths, terminal.note)
        self._demo_noted = False
        self._follow_noted = False
        self._noted: tuple[str, ...] = ()

    @property
    def style(self) -> Style:
        """How mathematics is drawn, by the session's setting `render`."""
        if self._style.render is not self.session.settings.render:
            self._style = self._style.rendered(self.session.settings.render)
        return self._style

    def open_model(self) -> OpenTools:
        """The loaded model, after waiting for it; a note says that it waits, and another that it is the demo."""
        if self.model.waiting(self.session.settings):
            self.terminal.note(f"loading {self.session.settings.model or 'the model'} ...")
        found = self.model.ready(self.session.settings)
        if found.info.embedded and not self._demo_noted:
            self.terminal.note(DEMO_NOTE)
        self._demo_noted = found.info.embedded
        if found.notes != self._noted:
            for note in found.notes:
                self.terminal.note(f"warning: {note}")
            self._noted = found.notes
        return found

    def ask(self, text: str, *, hide: bool = False) -> None:
        """Solve a problem that was typed; with `hide`, or where `/reveal` is on, without showing the solution."""
        self._solve(Problem(text, chat.language_of(text)), hide=hide)

    def next_step(self) -> None:
        """Show the next step of a hidden solution; nothing if none is hidden."""
        hidden = self.session.hidden
        if hidden is not None:
            reveal.show_next(hidden, self.terminal, self.style)
            self.session.hidden = None if hidden.done else hidden

    def retry(self, seed: int | None) -> None:
        """Solve the latest problem again, with this seed or the next one.

        A greedy text would only be written again, so the other try has a temperature. A solution that was interrupted
        is tried again as it was.
        """
        last = self.session.latest
        kept = self.session.settings
        self.session.settings = self._another(last.solution, seed)
        self.session.solved.pop()
        before = len(self.session.solved)
        try:
            self._solve(last.solution.problem)
        finally:
            self.session.settings = kept
            if len(self.session.solved) == before:
                self.session.solved.append(last)  # nothing came of it: the old solution stays

    def _another(self, solution: Solution, seed: int | None) -> Settings:
        """The settings of another try, and a note where they differ from the user's."""
        settings, used = self.session.settings, solution.sampling
        if solution.finish in {Finish.INTERRUPTED, Finish.TIMEOUT}:
            return settings if seed is None else replace(settings, seed=seed)
        chosen = seed if seed is not None else used.seed + max(solution.votes.k, 1)
        if settings.temperature == 0:
            self.terminal.note("at temperature 0 the same text is written again; /set temperature 0.7 gives another")
        elif settings.temperature is None and settings.k == 1:
            settings = replace(settings, temperature=SEVERAL_TEMPERATURE)
            self.terminal.note(f"another try, at temperature {SEVERAL_TEMPERATURE} with seed {chosen}")
        return replace(settings, seed=chosen)

    def resume(self) -> None:
        """Continue the latest solution where it stopped, in the same turn."""
        last, partial = self.session.last, self.session.picked()
        if last.mode is Mode.TIR:
            partial = _before_open_program(partial)
        if not partial.text.strip():
            raise UsageError("there is nothing to continue", "/retry starts again")
        text = partial.text + advice.lead(partial.text, partial.finish, last.problem.language)
        written, partial = partial.text, replace(partial, text=text)
        prompt_format = self._format(last.problem.language, last.mode)
        prompt = prompt_format.resume(last.problem.text, partial.text, self._earlier()[:-1])
        settings = replace(self.session.settings, k=1)
        plan = plan_for(settings, prompt_format, prompt, earlier=tuple(run.code for run in partial.runs))
        hide = self.session.reveal
        more = self._run(last.problem, plan, keep_cache=True, hide=hide, before=self._unfinished(written, text))
        if more.samples:  # none where an interrupt came before the first step
            whole = replace(self.session.latest, solution=extended(last, partial, more), model=self.open_model().info)
            self.session.solved[-1] = self._kept(whole)
            shown, self.session.hidden = self.session.hidden, None
            if hide:
                self._hide(shown.shown if shown is not None else 0)

    def _solve(self, problem: Problem, *, hide: bool = False) -> None:
        hide = hide or self.session.reveal
        if len(self.session.solved) == 1 and not self.session.follow and not self._follow_noted:
            self.terminal.note(advice.AFRESH)
            self._follow_noted = True
        settings, follows = self.session.settings, self.session.follow
        prompt_format = self._format(problem.language, settings.mode)
        plan = plan_for(settings, prompt_format, prompt_format.build(problem.text, self._earlier()))
        solution = self._run(problem, plan, keep_cache=follows, hide=hide)
        earlier = self.session.numbers() if follows else ()
        solved = Solved(solution, self.open_model().info, settings.pick, earlier)
        self.session.solved.append(solved)
        self.session.solved[-1] = self._kept(solved)
        self.session.hidden = None
        if hide:
            self._hide()

    def _format(self, language: Language, mode: Mode | None) -> PromptFormat:
        """How the loaded model is asked. Raises `UsageError` for a model that solves nothing, or lacks the mode."""
        return select(self.open_model().info, language, mode)

    def _hide(self, shown: int = 0) -> None:
        """Hide the latest solution but for the steps that were shown of it before."""
        latest = self.session.latest
        hidden = reveal.hidden(latest.solution, latest.pick, self.open_model().protection)
        hidden.shown = min(shown, len(hidden.steps) - 1)
        self.session.hidden = hidden
        reveal.announce(hidden, self.terminal)

    def _run(self, problem: Problem, plan: SolvePlan, *, keep_cache: bool, hide: bool, before: str = "") -> Solution:
        """Solve and show, or hide; with `keep_cache`, on the KV cache of the conversation so far, else on none.

        `before` is shown first: the text that the solution goes on from.
        """
        model = self.open_model()
        if not keep_cache:
            model.tools.engine.clear_prefix_cache()
        if hide:
            self.terminal.note("solving ...")
            return follow(solve(problem, plan, model.tools), lambda _event: None)
        options = RenderOptions(k=plan.k, pick=plan.pick)
        renderer = Renderer(self.terminal, self.style, options, model.protection)
        if before:
            renderer.event(TextDelta(0, before))
        try:
            solution = follow(solve(problem, plan, model.tools), renderer.event)
        finally:
            renderer.close()
        hint = advice.without_answer(solution, self.session.settings) if self.terminal.interactive else ""
        if hint:
            self.terminal.note(hint)
        return solution

    def _unfinished(self, written: str, text: str) -> str:
        """What of a text is drawn again where it goes on: its last paragraph, which may end inside a formula."""
        if not self.style.drawn:
            return text[len(written) :]
        return text[written.rstrip().rfind("\n\n") + 1 :].lstrip("\n")

    def scored(self, solved: Solved) -> None:
        """Put the scored latest solution in the place of the one without scores, in the history too."""
        self.session.solved[-1] = self._kept(solved) if solved.number is not None else solved

    def _kept(self, solved: Solved) -> Solved:
        """The same, after it was written into the history."""
        return self._keeper.keep(solved, self.session.settings)

    def _earlier(self) -> Sequence[Turn]:
        """The turns that the next prompt holds."""
        return self.session.turns() if self.session.follow else ()


def _before_open_program(partial: Sample) -> Sample:
    """The sample up to a program that has no output yet: the model writes it again, and it is whole when it runs."""
    opening = partial.text.rfind("```python")
    if opening < 0 or chat.OUTPUT_FENCE in partial.text[opening:]:
        return partial
    return replace(partial, text=partial.text[:opening], unrun_programs=max(partial.unrun_programs - 1, 0))
