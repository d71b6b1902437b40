"""What a session holds, how a solution is continued, and the model that loads behind it: without a terminal."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.errors import ModelMissing, PromptTooLong, UsageError
from qmath_cli.records import Finish, Mode, Output, Problem, RunStatus, Sample, Sampling, Solution, Stop, Votes
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Render, Settings
from qmath_cli.solving.progress import Tools
from qmath_cli.terminal.repl.advice import without_answer
from qmath_cli.terminal.repl.background import BackgroundModel
from qmath_cli.terminal.repl.reader import unfinished, unwrapped
from qmath_cli.terminal.repl.slash import ALIASES, COMMANDS, Quit, candidates, dispatch
from qmath_cli.terminal.style import Style
from tests.scripted import ScriptedEngine
from tests.terminal.repl.conversations import MODEL, scripted

PROGRAM = ("```python\nx = 1\n```\n", Stop.STRING)
TIMEOUT_S = 60.0


# ---------------------------------------------------------------- problems and solutions


def test_a_continued_solution_is_one_solution(tmp_path: Path) -> None:
    """The partial text goes into the prompt's assistant turn; what follows is appended; the answer is the new one."""
    found = scripted(tmp_path, [("First half, ", Stop.MAX_TOKENS)], r"second half: \boxed{7}")
    found.conversation.ask("p")
    assert found.session.last.finish is Finish.OUT_OF_TOKENS
    found.conversation.resume()
    assert found.engine.prompts[-1].text.endswith("assistant\nFirst half, ")
    assert found.session.picked().text == r"First half, second half: \boxed{7}"
    assert (found.session.last.answer, found.session.last.finish) == ("7", Finish.ANSWERED)
    assert len(found.session.solutions) == 1


def test_a_continued_solution_finds_the_names_of_its_programs(tmp_path: Path) -> None:
    """The programs that ran before run again, and stand once in the list of programs."""
    more = ("```python\ny = x\n```\n", Stop.STRING)
    found = scripted(tmp_path, [PROGRAM, ("So", Stop.END)], [more, (r"\boxed{1}", Stop.END)], mode=Mode.TIR)
    found.conversation.ask("p")
    found.conversation.resume()
    assert found.executor.ran == ["x = 1", "x = 1", "y = x"]
    assert [run.code for run in found.session.picked().runs] == ["x = 1", "y = x"]


def test_a_program_that_was_cut_off_is_written_again(tmp_path: Path) -> None:
    """The prompt ends before the open program, so that the whole program is in the new text when it is closed."""
    cut_off = [("We compute\n```python\nx = ", Stop.MAX_TOKENS)]
    found = scripted(tmp_path, cut_off, [PROGRAM, (r"\boxed{7}", Stop.END)], mode=Mode.TIR)
    found.conversation.ask("p")
    assert found.session.picked().unrun_programs == 1
    found.conversation.resume()
    assert found.engine.prompts[-1].text.endswith("We compute\n")
    assert found.executor.ran == ["x = 1"]
    assert found.session.picked().unrun_programs == 0


def test_in_cot_a_continued_solution_keeps_its_programs(tmp_path: Path) -> None:
    """Nothing runs, so nothing is written again; the programs of both parts are counted as not run."""
    written = "```python\nx = 1\n```\nThe output is"
    found = scripted(tmp_path, [(written, Stop.MAX_TOKENS)], " 1.\n```python\ny = 2\n```\n\\boxed{1}")
    found.conversation.ask("p")
    found.conversation.resume()
    assert found.engine.prompts[-1].text.endswith(written)
    assert found.session.picked().unrun_programs == 2
    assert found.err.getvalue().count("not run") == 2


def test_nothing_is_continued_where_nothing_was_written(tmp_path: Path) -> None:
    """The solution stays as it was."""
    found = scripted(tmp_path, "")
    found.conversation.ask("p")
    before = found.session.last
    with pytest.raises(UsageError, match="nothing to continue"):
        found.conversation.resume()
    assert found.session.solutions == [before]


def test_following_puts_the_conversation_into_the_prompt(tmp_path: Path) -> None:
    """Off: each problem starts with an empty context. On: the earlier turns come first."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}", r"\boxed{3}")
    found.conversation.ask("one")
    found.conversation.ask("two")
    assert "one" not in found.engine.prompts[1].text
    dispatch(found.conversation, "/follow on")
    found.conversation.ask("three")
    assert found.engine.prompts[2].text.index("one") < found.engine.prompts[2].text.index(r"\boxed{2}")


def test_a_retry_replaces_the_solution(tmp_path: Path) -> None:
    """With the given seed, which the next problem does not keep."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}", r"\boxed{3}")
    found.conversation.ask("one")
    found.conversation.retry(7)
    assert [(one.answer, one.sampling.seed) for one in found.session.solutions] == [("2", 7)]
    found.conversation.ask("two")
    assert found.session.last.sampling.seed == 0


def test_a_retry_that_fails_keeps_the_old_solution(tmp_path: Path) -> None:
    """A model that is no longer there costs no solution."""
    found = scripted(tmp_path, r"\boxed{1}")
    found.conversation.ask("one")

    def gone(_settings: Settings) -> AbstractContextManager[OpenTools]:
        raise ModelMissing("gone")

    found.conversation.model = BackgroundModel(gone)
    with pytest.raises(ModelMissing):
        found.conversation.retry(None)
    assert found.session.last.answer == "1"


def test_a_retry_of_a_greedy_solution_is_another_try(tmp_path: Path) -> None:
    """Greedily the same text would come again; every further try has a seed of its own, and it is said."""
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{2}", r"\boxed{3}", r"\boxed{4}")
    found.conversation.ask("one")
    found.conversation.retry(None)
    found.conversation.retry(None)
    used = found.session.last.sampling
    assert (used.seed, used.temperature) == (2, 0.7)
    assert "another try, at temperature 0.7 with seed 2" in found.err.getvalue()
    found.conversation.ask("two")
    assert (found.session.last.sampling.seed, found.session.last.sampling.temperature) == (0, 0.0)


def test_temperature_0_is_kept_in_a_retry_and_what_comes_of_it_is_said(tmp_path: Path) -> None:
    found = scripted(tmp_path, r"\boxed{1}", r"\boxed{1}", temperature=0.0)
    found.conversation.ask("one")
    found.conversation.retry(None)
    assert found.session.last.sampling.temperature == 0
    assert "/set temperature 0.7" in found.err.getvalue()


@pytest.mark.parametrize(("problem", "words"), [("p", "the final answer is"), ("求 x 的值。", "最终答案是")])
def test_a_solution_that_ended_without_an_answer_goes_on_with_words_that_lead_to_one(
    tmp_path: Path, problem: str, words: str
) -> None:
    found = scripted(tmp_path, "So x is 7.", "7}$.")
    found.conversation.ask(problem)
    found.conversation.resume()
    assert found.engine.prompts[-1].text.endswith("$\\boxed{")
    assert words in found.engine.prompts[-1].text
    assert (found.session.last.answer, found.session.last.finish) == ("7", Finish.ANSWERED)
    assert found.session.picked().text.startswith("So x is 7.\n\n")
    assert "\\boxed{7}" in found.out.getvalue()


def test_a_solution_that_was_cut_inside_a_formula_goes_on_with_the_formula(tmp_path: Path) -> None:
    r"""The paragraph is drawn again from its start, so that the end of `\(...\)` finds its opening."""
    found = scripted(tmp_path, [("First.\n\nWe use \\( \\frac{a}{", Stop.MAX_TOKENS)], "2} \\) and get \\boxed{1}")
    drawn = Style(tty=True).rendered(Render.AUTO)
    found.conversation._style = drawn  # a conversation is made with the style of its terminal
    found.conversation.ask("p")
    before = len(found.out.getvalue())
    found.conversation.resume()
    shown = found.out.getvalue()[before:]
    assert "We use a/2 and get" in shown
    assert "First" not in shown
    assert "\\" not in shown.splitlines()[0]


def test_an_answer_that_was_cut_inside_its_box_is_read_whole(tmp_path: Path) -> None:
    found = scripted(tmp_path, [("So \\boxed{1", Stop.MAX_TOKENS)], "2} it is.")
    found.conversation.ask("p")
    found.conversation.resume()
    assert (found.session.last.answer, found.session.last.finish) == ("12", Finish.ANSWERED)


def test_the_second_problem_says_once_that_every_problem_starts_afresh(tmp_path: Path) -> None:
    found = scripted(tmp_path, *[r"\boxed{1}"] * 4)
    for problem in ["one", "two", "three"]:
        found.conversation.ask(problem)
    assert found.err.getvalue().count("/follow on") == 1


def test_a_conversation_that_is_followed_says_nothing_of_it(tmp_path: Path) -> None:
    found = scripted(tmp_path, *[r"\boxed{1}"] * 4)
    dispatch(found.conversation, "/follow on")
    for problem in ["one", "two"]:
        found.conversation.ask(problem)
    assert "/follow" not in found.err.getvalue()


@pytest.mark.parametrize(
    ("finish", "mode", "unrun", "words"),
    [
        (Finish.OUT_OF_TOKENS, Mode.COT, 0, "/set max_tokens N raises the limit, now 2048"),
        (Finish.OUT_OF_CONTEXT, Mode.COT, 0, "/set ctx N"),
        (Finish.OUT_OF_PROGRAMS, Mode.TIR, 0, "/set max_programs N"),
        (Finish.NO_ANSWER, Mode.COT, 0, "/continue asks for the answer"),
        (Finish.NO_ANSWER, Mode.COT, 1, "/mode tir"),
        (Finish.DEGENERATE, Mode.COT, 0, "/retry"),
    ],
)
def test_where_there_is_no_answer_the_hint_names_what_may_give_one(
    finish: Finish, mode: Mode, unrun: int, words: str
) -> None:
    sample = Sample("text", None, finish, unrun_programs=unrun)
    solution = Solution(Problem("p"), mode, None, finish, (sample,), Sampling(), Votes(1, 1, ()))
    assert words in without_answer(solution, Settings())
    assert not without_answer(replace(solution, answer="1", finish=Finish.ANSWERED), Settings())
    assert not without_answer(replace(solution, finish=Finish.INTERRUPTED, mode=Mode.TIR), Settings())


def test_a_problem_that_is_too_long_leaves_the_session_as_it_was(tmp_path: Path) -> None:
    """There is never a problem without a solution."""
    found = scripted(tmp_path, r"\boxed{1}")
    with pytest.raises(PromptTooLong):
        found.conversation.ask("long " * 1000)
    assert found.session.solutions == []
    found.conversation.ask("short")
    assert found.session.last.answer == "1"


# ---------------------------------------------------------------- slash commands


@pytest.mark.parametrize("name", [*COMMANDS, *ALIASES])
def test_a_command_without_an_argument_acts_or_says_what_is_missing(tmp_path: Path, name: str) -> None:
    """In an empty session: output, an error with a message, or the end; an error never changes the session."""
    found = scripted(tmp_path)
    before = replace(found.session, solved=[])
    ended, refused = False, ""
    try:
        dispatch(found.conversation, f"/{name}")
    except UsageError as exc:
        refused = exc.message
    except Quit:
        ended = True
    assert ended == (ALIASES.get(name, name) == "quit")
    assert [bool(refused), ended, bool(found.out.getvalue())].count(True) == 1
    assert found.session == before


def test_an_unknown_command_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such command: /folow") as refusal:
        dispatch(scripted(tmp_path).conversation, "/folow on")
    assert refusal.value.hint == "did you mean /follow?"


@pytest.mark.parametrize("render", [Render.OFF, Render.LINE, Render.ASCII])
def test_set_render_changes_how_the_next_lines_are_drawn(tmp_path: Path, render: Render) -> None:
    found = scripted(tmp_path).conversation
    dispatch(found, f"/set render {render.value}")
    assert found.style.render is render
    assert found.style.unicode is (render is not Render.ASCII)
    dispatch(found, "/set render auto")
    assert found.style.unicode


def test_formulas_in_what_commands_print_are_drawn(tmp_path: Path) -> None:
    r"""The votes, the answers that /check compares, and what a program printed: no `\frac` on a terminal."""
    program = "```python\n\\frac{19}{12}\n```\n"
    found = scripted(tmp_path, [(program, Stop.STRING), (r"\boxed{\frac{19}{12}}", Stop.END)], mode=Mode.TIR)
    found.executor.run = lambda _code: Output(r"\frac{19}{12}", RunStatus.OK, 0.0)  # type: ignore[method-assign]
    found.conversation._style = Style(drawn=True)
    found.conversation.ask("p")
    for command, shown in (
        ("/votes", "1/1  19/12\n"),
        (r"/check \frac{1}{2}", "different: 19/12 and 1/2\n"),
        ("/run", "→ 19/12\n"),
        ("/code", "→ 19/12\n"),
    ):
        dispatch(found.conversation, command)
        assert found.out.getvalue().endswith(shown)


@pytest.mark.parametrize(("name", "value"), [("temperature", "warm"), ("render", "loud"), ("max_tokens", "-3")])
def test_an_impossible_value_is_refused_in_the_words_of_the_session(tmp_path: Path, name: str, value: str) -> None:
    """Nobody who types /set has set an environment variable."""
    with pytest.raises(UsageError) as caught:
        dispatch(scripted(tmp_path).conversation, f"/set {name} {value}")
    assert "QMATH_" not in f"{caught.value.message} {caught.value.hint}"


def test_completion_offers_what_fits(tmp_path: Path) -> None:
    """Commands, then what a command takes; nothing for a problem."""
    found = scripted(tmp_path).conversation
    models = ("demo", "7b")
    assert candidates(found, models, "/fo") == [f"/{name}" for name in COMMANDS]
    assert candidates(found, models, "/model 7") == ["demo", "7b"]
    assert "temperature" in candidates(found, models, "/set te")
    for problem in ("What is", "Solve", "Reset te"):
        assert candidates(found, models, problem) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_completion_offers_what_a_command_s_help_names(tmp_path: Path, name: str) -> None:
    """`/mode [tir|cot]`: exactly these two. A command that takes nothing is offered nothing."""
    offered = candidates(scripted(tmp_path).conversation, (), f"/{name} ")
    usage = COMMANDS[name].usage
    assert usage.split()[0] == f"/{name}"
    if "|" in usage:
        choices = re.findall(r"[a-z]+", usage.partition(" ")[2])
        assert sorted(offered) == sorted(choices)
    if usage == f"/{name}":
        assert offered == []


@pytest.mark.parametrize("name", ["mode", "follow", "show", "help"])
def test_a_command_takes_everything_that_it_is_offered(tmp_path: Path, name: str) -> None:
    """And nothing else."""
    found = scripted(tmp_path).conversation
    offered = candidates(found, (), f"/{name} ")
    assert offered
    for word in offered:
        dispatch(found, f"/{name} {word}")
    with pytest.raises(UsageError):
        dispatch(found, f"/{name} nonsense")


def test_load_is_offered_the_saved_sessions(tmp_path: Path) -> None:
    found = scripted(tmp_path).conversation
    dispatch(found, "/save tuesday")
    dispatch(found, "/save monday")
    assert candidates(found, (), "/load ") == ["monday", "tuesday"]


# ---------------------------------------------------------------- the model in the background


def test_a_model_loads_in_the_background_and_its_error_is_raised_where_it_is_needed() -> None:
    """`prepare` returns before it is loaded; `ready` waits and raises, and the next call loads again."""
    go = threading.Event()
    attempts = []

    @contextmanager
    def open_(settings: Settings) -> Iterator[OpenTools]:
        attempts.append(settings.model)
        assert go.wait(TIMEOUT_S)
        if len(attempts) == 1:
            raise ModelMissing("not here")
        yield OpenTools(MODEL, Tools(ScriptedEngine([])))

    model = BackgroundModel(open_)
    model.prepare(Settings())
    assert model.waiting(Settings())
    go.set()
    with pytest.raises(ModelMissing):
        model.ready(Settings())
    assert model.ready(Settings()).info is MODEL
    assert not model.waiting(Settings())
    assert len(attempts) == 2
    model.close()


@pytest.mark.parametrize(
    ("change", "loads"),
    [
        ({"seed": 5, "temperature": 1.0, "max_tokens": 7, "stop_at": 0}, 1),
        ({"mode": Mode.COT}, 1),  # an executor that is open and not needed does no harm
        ({"k": 4}, 2),
        ({"ctx": 1024}, 2),
        ({"model": "7b"}, 2),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_only_settings_that_the_model_depends_on_load_it_again(change: dict[str, object], loads: int) -> None:
    """One model is open at a time: the old one is closed before the new one is there."""
    opened: list[Settings] = []
    open_now: list[Settings] = []

    @contextmanager
    def open_(settings: Settings) -> Iterator[OpenTools]:
        opened.append(settings)
        open_now.append(settings)
        yield OpenTools(MODEL, Tools(ScriptedEngine([])))
        open_now.remove(settings)

    model = BackgroundModel(open_)
    model.ready(Settings())
    model.ready(replace(Settings(), **change))  # type: ignore[arg-type]
    assert len(opened) == loads
    assert open_now == opened[-1:]
    model.close()
    assert open_now == []


def test_where_a_vote_ends_decides_how_many_samples_run_at_once_and_loads_the_model_again() -> None:
    """With several samples only; the model gets the number with which it decides."""
    opened: list[Settings] = []

    @contextmanager
    def open_(settings: Settings) -> Iterator[OpenTools]:
        opened.append(settings)
        yield OpenTools(MODEL, Tools(ScriptedEngine([])))

    with closing(BackgroundModel(open_)) as model:
        for settings in (Settings(k=8, stop_at=0), Settings(k=8, stop_at=0, seed=4), Settings(k=8, stop_at=3)):
            model.ready(settings)
    assert [one.stop_at for one in opened] == [0, 3]


def test_a_model_that_is_not_needed_any_more_is_closed_once_it_is_loaded() -> None:
    """`close` does not wait for it."""
    go, closed = threading.Event(), threading.Event()

    @contextmanager
    def open_(_settings: Settings) -> Iterator[OpenTools]:
        assert go.wait(TIMEOUT_S)
        yield OpenTools(MODEL, Tools(ScriptedEngine([])))
        closed.set()  # reached by an exit of the block only, not where the generator is deleted

    model = BackgroundModel(open_)
    model.prepare(Settings())
    model.close()
    assert not closed.is_set()
    go.set()
    assert closed.wait(TIMEOUT_S)


# ---------------------------------------------------------------- typing


@given(st.text(max_size=30))
def test_every_message_can_be_ended(text: str) -> None:
    """Whatever is typed: closing the block, or a line that does not end in a backslash, ends the message."""
    closed = f'"""{text.replace(chr(34), "")}"""'
    assert not unfinished(closed)
    assert not unfinished(f"x{text}y")
    assert unwrapped(closed) == text.replace(chr(34), "").strip()


def test_a_double_backslash_is_no_continuation() -> None:
    """It ends a row of a matrix."""
    assert unfinished("a \\")
    assert not unfinished("a \\\\")
