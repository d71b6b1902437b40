"""What the status line says while an evaluation runs: tokens count before the first sample is finished."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.evaluation import schedule
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.evaluation.run_file import RunFile
from qmath_cli.evaluation.schedule import EvaluationPlan
from qmath_cli.records import Event, Language, Mode, Sampling, Stop, TextDelta
from qmath_cli.records.activity import Idle, Loading
from qmath_cli.settings import Grade
from qmath_cli.solving.vote import same_text
from qmath_cli.terminal.reports.progress import EvaluationProgress
from tests.evaluation.test_schedule import SETUP, stored
from tests.prompts import chat
from tests.scripted import ScriptedEngine


def test_before_the_first_token_it_says_what_the_wait_is_for() -> None:
    """Loading, for example."""
    progress = EvaluationProgress("models/x.gguf", Grade.OFFICIAL)
    progress.activity(Loading("models/x.gguf", 0.5))
    assert progress.text() == "loading 50% · x.gguf"


def test_every_token_counts(tmp_path: Path) -> None:
    """Of all sequences of a run, while no sample has ended; no share is right before one has."""
    items = tuple(Item(str(i), f"{i} + 1?", str(i + 1), str(i + 1), Language.EN) for i in range(2))
    data = Dataset("mine", items, "a" * 64)
    plan = EvaluationPlan(data, Mode.COT, Sampling(), lambda item: chat(item.problem, Mode.COT), parallel=2)
    progress = EvaluationProgress("x", Grade.OFFICIAL)
    progress.begin(0, 2)
    progress.activity(Idle())
    lines: list[str] = []
    engine = ScriptedEngine([[("\\boxed{1}", Stop.END)], [("a longer \\boxed{2}", Stop.END)]])
    grader = SampleGrader("math", {Grade.OFFICIAL: same_text, Grade.STRICT: same_text}.__getitem__)

    def on_event(event: Event) -> None:
        progress.event(event)
        lines.append(progress.text())

    with RunFile(tmp_path, SETUP) as file:
        for done, one in enumerate(schedule.run(plan, engine, None, file, grader, on_event), 1):
            progress.stored(one, done, 2)
            lines.append(progress.text())
    assert lines[0] == "0/2 · 1 token · x"
    assert lines[1].startswith("0/2 · 2 tokens")
    assert lines[-1].startswith("2/2 · 100.0 % right so far")
    assert not any("right" in line for line in lines if line.startswith("0/2"))


def test_a_share_of_right_answers_stands_once_there_is_one() -> None:
    """By the grade that counts."""
    for grade, share in ((Grade.OFFICIAL, "100.0 %"), (Grade.STRICT, "0.0 %")):
        progress = EvaluationProgress("x", grade)
        progress.activity(Idle())
        progress.event(TextDelta(0, "a"))
        progress.begin(0, 4)
        assert "right" not in progress.text()
        progress.stored(stored("0"), 1, 4)
        assert f"1/4 · {share} right so far" in progress.text()
