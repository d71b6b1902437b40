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
from qmath_cli.records import Finish, Mode, Problem, Sample, Solution, TextDelta
from qmath_cli.runtime.plans import plan_for
from qmath_cli.runtime.question import question
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import SolvePlan
from qmath_cli.solving.solve import SEVERAL_TEMPERATURE, follow, solve
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.render import DEMO_NOTE, UNKNOWN_KIND, Renderer, RenderOptions
from qmath_cli.terminal.repl import advice, reveal
from qmath_cli.terminal.repl.background import BackgroundModel
from qmath_cli.terminal.repl.follow_up import refers_back
from qmath_cli.terminal.repl.session import Session, extended
from qmath_cli.terminal.solving_status import SolvingStatus
from qmath_cli.terminal.style import Style


class Conversation:
    """The user's side of a session: what was asked, and the model that solves it."""

    def __init__(
        self,
        terminal: Terminal,
        style: Style,
        session: Session,
        model: BackgroundModel,
        paths: Paths,
        status: SolvingStatus | None = None,
        *,
        force: bool = False,
    ) -> None:
        self.terminal = terminal
        self._style = style
        self.session = session
        self.model = model
        self.paths = paths
        self.force = force  # load models even if they do not seem to fit
        self._status = status or SolvingStatus()
        self._keeper = Keeper(paths, terminal.note)
        self._demo_noted = False
        self._follow_noted = False
        self._follow_declined = False
        self._noted: tuple[str, ...] = ()

    @property
    def style(self) -> Style:
        """How mathematics is drawn, by the session's setting `render`."""
        if self._style.render is not self.session.settings.render:
            self._style = self._style.rendered(self.session.settings.render)
        return self._style

    def open_model(self) -> OpenTools:
        """The loaded model, after waiting for it, which the status line shows; a note says that it is the demo."""
        waiting = self.model.waiting(self.session.settings)
        if waiting and not self.terminal.status.shown:
            self.terminal.note(f"loading {self.session.settings.model or 'the model'} ...")
        with self.terminal.status.during(self._status.text):
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
        answer = self.session.settings.language.chosen
        self._solve(Problem(text, chat.language_of(text), answer_language=answer), hide=hide)

    def may_mean_the_last(self, text: str) -> bool:
        """Whether a message reads as a question about the last solution, which its prompt would not contain."""
        session = self.session
        return bool(session.solved) and not session.follow and not self._follow_declined and refers_back(text)

    def follow(self, *, on: bool) -> None:
        """Let the next prompts contain the earlier problems, or take a no to that, so that it is not asked again."""
        self.session.follow, self._follow_declined, self._follow_noted = on, not on, True

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
        text = partial.text + advice.lead(
            partial.text, partial.finish, last.problem.answer_language or last.problem.language
        )
        written, partial = partial.text, replace(partial, text=text)
        prompt_format = self._format(last.problem, last.mode)
        asked = question(self.open_model().info, last.problem.text, self.session.settings)
        prompt = prompt_format.resume(asked.text, partial.text, self._earlier()[:-1])
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
        prompt_format = self._format(problem, settings.mode)
        asked = question(self.open_model().info, problem.text, settings)
        if not asked.known:
            self.terminal.note(UNKNOWN_KIND.format("/set try_unknown on"))
            return
        plan = plan_for(settings, prompt_format, prompt_format.typed(asked.text, self._earlier()))
        solution = self._run(problem, plan, keep_cache=follows, hide=hide)
        earlier = self.session.numbers() if follows else ()
        solved = Solved(solution, self.open_model().info, settings.pick, earlier)
        self.session.solved.append(solved)
        self.session.solved[-1] = self._kept(solved)
        self.session.hidden = None
        if hide:
            self._hide()

    def _format(self, problem: Problem, mode: Mode | None) -> PromptFormat:
        """How the loaded model is asked. Raises `UsageError` for a model that solves nothing, or lacks the mode."""
        return select(self.open_model().info, problem.language, mode, answer=problem.answer_language)

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
        self._status.begin(plan.k)
        if hide:
            self.terminal.note("solving ...")
            with self.terminal.status.during(self._status.text):
                return follow(solve(problem, plan, model.tools), self._status.event)
        options = RenderOptions(k=plan.k, pick=plan.pick)
        renderer = Renderer(self.terminal, self.style, options, model.protection)
        if before:
            renderer.event(TextDelta(0, before))
        self._status.begin(plan.k, written=renderer.streams, held=renderer.held)
        with self.terminal.status.during(self._status.text):
            try:
                solution = follow(solve(problem, plan, model.tools), self._status.before(renderer.event))
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
