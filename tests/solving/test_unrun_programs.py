"""Programs in a solution that were not run: counted, stored, and shown, from the engine to the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qmath_cli.app import run as run_command
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.models import lockfile
from qmath_cli.models.describe import describe
from qmath_cli.paths import find
from qmath_cli.prompting.select import select
from qmath_cli.records import Finish, Language, Mode, ModelInfo, Problem, Sample, Sampling, Solution, Stop
from qmath_cli.runtime.tools import OpenTools
from qmath_cli.settings import Settings
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.solving.sample_record import record_of, sample_of
from qmath_cli.solving.solve import solve
from tests.prompts import chat
from tests.scripted import EchoExecutor, Script, ScriptedEngine

PROBLEM = "What is 1 + 1?"
PROGRAM = "```python\nprint(1 + 1)\n```\n"
MADE_UP = "```output\n2\n```\n"
ANSWER = r"So the answer is \boxed{2}."
#: What a model writes in CoT that was trained on both modes: a program, its output, and the answer.
WORKING = PROGRAM + MADE_UP + ANSWER


def sample_of_solve(mode: Mode, script: Script, max_programs: int = 4) -> Sample:
    """The one sample of a solve whose model writes a script."""
    engine = ScriptedEngine([script])
    *_, solution = solve(
        Problem(PROBLEM), SolvePlan(chat(PROBLEM, mode), mode, max_programs=max_programs), Tools(engine, EchoExecutor())
    )
    assert isinstance(solution, Solution)
    return solution.samples[0]


# ---------------------------------------------------------------- what is cut, and what is counted


def test_in_cot_nothing_is_cut_at_an_output() -> None:
    """The model's own output is part of the text, the answer after it counts, and one program was not run."""
    sample = sample_of_solve(Mode.COT, [(WORKING, Stop.END)])
    assert sample.text == WORKING
    assert (sample.answer, sample.finish) == ("2", Finish.ANSWERED)
    assert (sample.runs, sample.unrun_programs) == ((), 1)


def test_in_tir_the_same_text_is_cut_there_and_its_program_runs() -> None:
    """The model reads the executor's output instead of its own."""
    sample = sample_of_solve(Mode.TIR, [(WORKING, Stop.END), (ANSWER, Stop.END)])
    assert sample.text == f"{PROGRAM}```output\nPRINT(1 + 1)\n```\n{ANSWER}"
    assert [run.code for run in sample.runs] == ["print(1 + 1)"]
    assert sample.unrun_programs == 0


@pytest.mark.parametrize(
    ("mode", "script", "ran", "unrun"),
    [
        (Mode.COT, [("In words: " + ANSWER, Stop.END)], 0, 0),
        (Mode.COT, [(PROGRAM + PROGRAM + ANSWER, Stop.END)], 0, 2),
        (Mode.COT, [("```python\nx = 1", Stop.MAX_TOKENS)], 0, 1),
        (Mode.TIR, [(PROGRAM, Stop.END), (ANSWER, Stop.END)], 1, 0),
        (Mode.TIR, [(f"{PROGRAM}So much for that.\n{ANSWER}", Stop.END)], 0, 1),
        (Mode.TIR, [(f"{PROGRAM}First this.\n{PROGRAM}", Stop.END), (ANSWER, Stop.END)], 1, 1),
        (Mode.TIR, [(PROGRAM, Stop.END), (f"{PROGRAM}Not this one.\n{ANSWER}", Stop.END)], 1, 1),
        (Mode.TIR, [("```python\nx = 1", Stop.MAX_TOKENS)], 0, 1),
        (Mode.TIR, [(PROGRAM, Stop.END), (PROGRAM, Stop.END), (PROGRAM, Stop.END)], 2, 1),
    ],
    ids=[
        "cot: none",
        "cot: two",
        "cot: half a program",
        "tir: at the end",
        "tir: in the middle",
        "tir: in the middle and at the end",
        "tir: in the middle, later",
        "tir: half a program",
        "tir: out of programs",
    ],
)
def test_every_program_is_either_run_or_counted(mode: Mode, script: Script, ran: int, unrun: int) -> None:
    """At most two programs run here."""
    sample = sample_of_solve(mode, script, max_programs=2)
    assert (len(sample.runs), sample.unrun_programs) == (ran, unrun)


# ---------------------------------------------------------------- the real engine


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    return describe("demo", find({"QMATH_HOME": str(tmp_path_factory.mktemp("home"))}), lockfile.load())


@pytest.mark.parametrize("language", list(Language))
def test_the_demo_s_prompt_has_a_stop_string_in_tir_only(demo: ModelInfo, language: Language) -> None:
    assert select(demo, language, Mode.COT).stops == ()
    assert select(demo, language, Mode.TIR).stops == ("```output",)


def test_the_real_engine_cuts_an_output_in_tir_only(demo: ModelInfo) -> None:
    """After a program the demo model writes an output of its own, in whichever mode."""
    found = {}
    with load(demo.path, Options(), Preflight()) as model, Batch(model) as engine:
        for mode in Mode:
            prompt = select(demo, Language.EN, mode).resume("What is 17 + 25?", "```python\nprint(17 + 25)\n```\n")
            (sequence,) = engine.start(prompt, [Sampling(max_tokens=64)])
            chunks = [*engine.step()]
            while chunks[-1].stop is None:
                chunks += engine.step()
            found[mode] = ("".join(chunk.text for chunk in chunks), chunks[-1].stop)
            engine.release(sequence)
    assert found[Mode.TIR] == ("", Stop.STRING)
    text, stop = found[Mode.COT]
    assert text.startswith("```output")
    assert stop is Stop.END


# ---------------------------------------------------------------- what is stored and shown


def test_the_stored_sample_holds_the_count() -> None:
    sample = sample_of_solve(Mode.COT, [(WORKING, Stop.END)])
    record = json.loads(json.dumps(record_of(sample)))
    assert record["unrun_programs"] == 1
    assert sample_of(record) == sample


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Script]:
    """`qmath solve` with a scripted engine: the scripts of its sequences go into this list."""
    scripts: list[Script] = []

    @contextmanager
    def open_tools(info: ModelInfo, settings: Settings, *_args: object, **_options: object) -> Iterator[OpenTools]:
        yield OpenTools(info, Tools(ScriptedEngine(scripts), EchoExecutor()), settings=settings)

    monkeypatch.setattr("qmath_cli.runtime.tools.open_tools", open_tools)
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    return scripts


def test_solve_json_holds_the_count_of_each_sample(scripted: list[Script], capsys: pytest.CaptureFixture[str]) -> None:
    scripted += [[(WORKING, Stop.END)], [(ANSWER, Stop.END)], [(PROGRAM + WORKING, Stop.END)]]
    assert run_command(["solve", PROBLEM, "--mode", "cot", "-k", "3", "--stop-at", "off", "--json"]) == 0
    samples = json.loads(capsys.readouterr().out)["samples"]
    assert [sample["unrun_programs"] for sample in samples] == [1, 0, 2]
    assert [sample["programs"] for sample in samples] == [[], [], []]


@pytest.mark.parametrize(
    ("mode", "text", "note"),
    [
        ("cot", WORKING, "1 program in this solution was not run: mode cot runs none"),
        ("cot", PROGRAM + WORKING, "2 programs in this solution were not run: mode cot runs none"),
        ("tir", f"{PROGRAM}So much for that.\n{ANSWER}", "1 program in this solution was not run;"),
        ("cot", ANSWER, None),
    ],
)
@pytest.mark.parametrize("samples", [1, 2])
def test_the_terminal_has_one_line_about_it(
    scripted: list[Script], capsys: pytest.CaptureFixture[str], mode: str, text: str, note: str | None, samples: int
) -> None:
    """On stderr, for one sample and for the one that is shown of several; none where every program ran."""
    scripted += [[(text, Stop.END)]] * samples
    assert run_command(["solve", PROBLEM, "--mode", mode, "-k", str(samples)]) == 0
    shown = capsys.readouterr()
    notes = [line for line in shown.err.splitlines() if "not run" in line]
    assert len(notes) == (note is not None)
    assert all(line.startswith(note or "") for line in notes)
    assert "not run" not in shown.out
    assert shown.out.endswith("\n2\n")


@pytest.mark.parametrize("options", [["-a"], ["-q"]])
def test_a_quiet_solve_still_gives_the_answer(
    scripted: list[Script], capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    scripted += [[(WORKING, Stop.END)]]
    assert run_command(["solve", PROBLEM, "--mode", "cot", *options]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2"
