"""One answer to "how is this model asked": `solve`, `batch`, `eval`, the REPL and the Python API agree.

That holds for every kind of model. The models are copies of the demo under the names, or with the metadata, of what
they stand for; all of it is real but the decoding, which is replaced by a recorder of the plan that reaches it.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from qmath_cli import api
from qmath_cli.app import run
from qmath_cli.commands import solve as solve_command
from qmath_cli.errors import UsageError
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.grade import SampleGrader
from qmath_cli.models import lockfile, manifest
from qmath_cli.models.describe import describe
from qmath_cli.models.hashes import sha256_file
from qmath_cli.models.manifest import Manifest, RecordedFile
from qmath_cli.models.store import gguf_path, head_path
from qmath_cli.paths import Paths, find
from qmath_cli.records import Event, Finish, Mode, Problem, Prompt, Sample, Solution, VoteGroup, Votes
from qmath_cli.runtime.evaluation import Evaluation
from qmath_cli.runtime.evaluation_request import EvaluationRequest
from qmath_cli.runtime.problem_set import Solver
from qmath_cli.settings import Grade, Settings
from qmath_cli.solving.progress import SolvePlan, Tools
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.repl import conversation as conversation_module
from qmath_cli.terminal.repl.background import BackgroundModel
from qmath_cli.terminal.repl.conversation import Conversation
from qmath_cli.terminal.repl.loop import open_for
from qmath_cli.terminal.repl.session import Session
from qmath_cli.terminal.style import Style
from tests.models.small_models import with_metadata

PROBLEM = "What is 12 + 30?"
PACKAGE = Path(api.__file__).parent / "demo"
REFUSED = ""

#: How each model is asked: the beginning of its prompt, and its mode.
CHAT = ("<|im_start|>system\nPlease integrate natural language reasoning with programs", Mode.TIR)
QWEN2 = ("<|im_start|>system\nYou are a helpful assistant.", Mode.COT)
EXAMPLES = ("Problem:\n", Mode.COT)
NOT_ASKED = (REFUSED, None)

NAMED = {"7b-instruct": CHAT, "7b": EXAMPLES, "qwen2-7b-instruct": QWEN2, "rm-72b": NOT_ASKED}
FILES: dict[str, tuple[dict[str, str | None], tuple[str, Mode | None]]] = {
    "instruct.gguf": ({"qmath__kind": "instruct"}, CHAT),
    "base.gguf": ({"qmath__kind": "base"}, EXAMPLES),
    "qwen2.gguf": ({"qmath__kind": "instruct", "general__name": "Qwen2 Math 7B Instruct"}, QWEN2),
    "reward.gguf": ({"qmath__kind": "reward"}, NOT_ASKED),
    "foreign.gguf": (
        {"qmath__kind": None, "general__name": "Qwen2.5 Coder 1.5B Instruct", "general__basename": "Qwen2.5-Coder"},
        CHAT,
    ),
}
MODELS = {**NAMED, **{name: expected for name, (_changes, expected) in FILES.items()}}


@dataclass
class Recorder:
    """Stands where problems are decoded: keeps the plans, and answers with a solution that can be continued."""

    plans: list[SolvePlan] = field(default_factory=list)

    def solve(self, problem: Problem, plan: SolvePlan, _tools: Tools) -> Generator[Event, None, None]:
        self.plans.append(plan)
        sample = Sample("We add. So far, so good", "42", Finish.ANSWERED)
        votes = Votes(1, 1, (VoteGroup("42", 1, None, (0,)),))
        yield Solution(problem, plan.mode, "42", Finish.ANSWERED, (sample,), plan.sampling, votes)


@dataclass
class Asked:
    """What a front end did: the prompts and modes of its problems in order, or the error it refused with."""

    prompts: list[Prompt] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=list)
    refusal: tuple[str, str] | None = None


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every named model is installed, and every file lies."""
    home = tmp_path_factory.mktemp("home")
    paths, lock = find({"QMATH_HOME": str(home)}), lockfile.load()
    paths.models.mkdir(parents=True)
    for name in NAMED:
        body = gguf_path(lock.get(name), "q8_0", paths)
        shutil.copy(PACKAGE / "demo-q8_0.gguf", body)
        files = [body]
        if name == "rm-72b":
            files.append(Path(shutil.copy(PACKAGE / "demo-rm-q8_0.head.gguf", head_path(body))))
        parts = [RecordedFile(one.name, one.stat().st_size, sha256_file(one)) for one in files]
        manifest.write(paths.models, Manifest(name, "q8_0", parts[0], parts[1] if parts[1:] else None))
    for name, (changes, _expected) in FILES.items():
        with_metadata(PACKAGE / "demo-q8_0.gguf", home / name, **changes)
    (home / "one.jsonl").write_text(json.dumps({"problem": PROBLEM, "answer": "42"}) + "\n", encoding="utf-8")
    return home


@pytest.fixture
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QMATH_HOME", str(home))
    return home


def named(home: Path, model: str) -> str:
    """What a user types for a model of the tables."""
    return str(home / model) if model in FILES else model


# ---------------------------------------------------------------- the front ends


def by_solve(
    home: Path, model: str, mode: Mode | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Asked:
    """`qmath solve --json`, in this process."""
    recorder = Recorder()
    monkeypatch.setattr(solve_command, "solve", recorder.solve)
    code = run(["solve", PROBLEM, "-m", named(home, model), "--json", *(["--mode", str(mode)] if mode else [])])
    record = json.loads(capsys.readouterr().out)
    if code != 0:
        assert code == 2
        return Asked(refusal=(record["error"]["message"], record["error"]["hint"]))
    assert record["mode"] == recorder.plans[0].mode
    return asked_of(recorder)


def by_batch(home: Path, model: str, mode: Mode | None) -> Asked:
    """What `qmath batch` would run on one problem."""
    paths, lock = find({"QMATH_HOME": str(home)}), lockfile.load()
    settings = Settings(model=named(home, model), mode=mode)
    try:
        solver = Solver(describe(settings.model, paths, lock), settings, paths, lock)
    except UsageError as exc:
        return Asked(refusal=(exc.message, exc.hint))
    ((_, plan),) = solver.tasks([Problem(PROBLEM)])
    return Asked([plan.prompt], [plan.mode])


def by_eval(home: Path, model: str, mode: Mode | None) -> Asked:
    """What `qmath eval` would run on one problem, and what it would store."""
    data = datasets.load("one", home / "one.jsonl")
    request = EvaluationRequest(data, Settings(mode=mode), Grade.STRICT, 0, home / "runs")
    graders = SampleGrader("", lambda _grade: pytest.fail("nothing is graded here"))
    try:
        evaluation = Evaluation(request, named(home, model), find({"QMATH_HOME": str(home)}), lockfile.load(), graders)
    except UsageError as exc:
        return Asked(refusal=(exc.message, exc.hint))
    assert evaluation.setup.mode is evaluation.plan.mode
    return Asked([evaluation.plan.prompt(data.items[0])], [evaluation.plan.mode])


def by_repl(
    home: Path,
    model: str,
    mode: Mode | None,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Conversation], None] = lambda conversation: conversation.ask(PROBLEM),
) -> Asked:
    """A session with a real model behind it."""
    recorder = Recorder()
    monkeypatch.setattr(conversation_module, "solve", recorder.solve)
    paths: Paths = find({"QMATH_HOME": str(home)})
    background = BackgroundModel(open_for(paths, lockfile.load(), force=False))
    session = Session(Settings(model=named(home, model), mode=mode))
    conversation = Conversation(Terminal(io.StringIO(), io.StringIO()), Style(), session, background, paths)
    try:
        act(conversation)
    except UsageError as exc:
        return Asked(refusal=(exc.message, exc.hint))
    finally:
        background.close()
    return asked_of(recorder)


def by_api(home: Path, model: str, mode: Mode | None, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """`qmath.open_model(...).solve(...)`."""
    recorder = Recorder()
    monkeypatch.setattr(api, "solve", recorder.solve)
    try:
        with api.open_model(named(home, model)) as opened:
            opened.solve(PROBLEM, mode=mode)
    except UsageError as exc:
        return Asked(refusal=(exc.message, exc.hint))
    return asked_of(recorder)


def asked_of(recorder: Recorder) -> Asked:
    return Asked([plan.prompt for plan in recorder.plans], [plan.mode for plan in recorder.plans])


# ---------------------------------------------------------------- the table


@pytest.mark.parametrize("mode", [None, Mode.TIR, Mode.COT], ids=["unsaid", "tir", "cot"])
@pytest.mark.parametrize("model", list(MODELS))
def test_all_front_ends_ask_a_model_alike(
    at_home: Path,
    model: str,
    mode: Mode | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same prompt, stop strings and mode, or the same refusal with the same hint."""
    found = [
        by_solve(at_home, model, mode, monkeypatch, capsys),
        by_batch(at_home, model, mode),
        by_eval(at_home, model, mode),
        by_repl(at_home, model, mode, monkeypatch),
        by_api(at_home, model, mode, monkeypatch),
    ]
    assert all(one == found[0] for one in found[1:])
    opening, own_mode = MODELS[model]
    if own_mode is None or (mode is Mode.TIR and own_mode is Mode.COT):
        assert found[0].refusal is not None
        assert found[0].refusal[1], "a refusal has a hint"
        return
    assert found[0].refusal is None
    assert found[0].modes == [mode or own_mode]
    if mode is None:
        assert found[0].prompts[0].text.startswith(opening)
    assert found[0].prompts[0].text.count(PROBLEM) == 1


@pytest.mark.parametrize("model", [model for model, (_opening, mode) in MODELS.items() if mode is not None])
def test_retry_follow_and_continue_ask_as_the_first_time(
    at_home: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model's own format holds for a repeated problem, a follow-up and a continued solution."""

    def act(conversation: Conversation) -> None:
        conversation.ask(PROBLEM)
        conversation.retry(7)
        conversation.session.follow = True
        conversation.ask("And twice that?")
        conversation.resume()

    asked = by_repl(at_home, model, None, monkeypatch, act)
    first, retried, followed, resumed = asked.prompts
    opening, mode = MODELS[model]
    assert asked.modes == [mode] * 4
    assert retried == first
    assert {prompt.stops for prompt in asked.prompts} == {first.stops}
    assert all(prompt.text.startswith(opening) for prompt in asked.prompts)
    assert followed.text.startswith(first.text + "We add. So far, so good")
    assert followed.text.count("And twice that?") == 1
    assert resumed.text == followed.text + "We add. So far, so good"


def test_the_published_figure_is_that_of_the_mode_that_ran(at_home: Path) -> None:
    """A run of a model without TIR is stored as CoT, though TIR is the usual mode."""
    for model in ("7b", "qwen2-7b-instruct", "base.gguf"):
        assert by_eval(at_home, model, None).modes == [Mode.COT]


@pytest.mark.parametrize("model", ["7b-instruct", "instruct.gguf"])
def test_a_model_that_solves_is_refused_as_a_reward_model(
    at_home: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is sampled, in `solve`, `batch` and `eval`."""
    for command in (["solve", PROBLEM], ["batch", str(at_home / "one.jsonl")], ["eval", "demo", "--limit", "1"]):
        options = ["-m", "demo", "-k", "2", "--pick", "rm", "--reward-model", named(at_home, model)]
        assert run([*command, *options]) == 2
        assert "no reward model" in capsys.readouterr().err
