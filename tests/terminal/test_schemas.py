"""Every record that the program prints or stores has a JSON Schema, and real records match it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qmath_cli.benchmark.drafted import DraftReport
from qmath_cli.benchmark.measure import BenchmarkReport, Comparison, Decode, Spread
from qmath_cli.commands.bench import SCHEMA as BENCH
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.evaluation.rates import SampleRates
from qmath_cli.evaluation.score import Score, ScoredRun
from qmath_cli.settings import Grade, Settings
from qmath_cli.terminal.reports.evaluation.record import record as report_record
from tests.benchmark.tuning.scripted import AVX2, AVX2_HALF, tuning
from tests.convert import checkpoints
from tests.convert.checkpoints import Recipe
from tests.e2e.run import answer_record, qmath
from tests.models.hub.loopback import serve
from tests.models.hub.pulling import NAME, Machine, publish
from tests.terminal.schemas import FOLDER, file_of, schema, validate

READ_ONLY = {"qmath.session/1"}  # an earlier version, which is read but no longer written
EVAL_RUN = "qmath.eval-run/2"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all tests, so that the preflight runs once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random checkpoint."""
    return checkpoints.write(tmp_path_factory.mktemp("checkpoint") / "model", Recipe(layers=2, tied=True))


def names(root: Path) -> Iterator[str]:
    """Every schema name in the source text of the program."""
    for path in (root / "qmath_cli").rglob("*.py"):
        yield from re.findall(r'"(qmath\.[a-z-]+/\d+)"', path.read_text(encoding="utf-8"))


# ---------------------------------------------------------------- names and files


def test_every_schema_name_has_its_file(root: Path) -> None:
    """And every file belongs to a name that the program writes."""
    written = set(names(root)) - READ_ONLY
    assert "qmath.solve/1" in written
    assert {file_of(name) for name in written} == {file.name for file in FOLDER.iterdir()}


def test_every_schema_is_valid_and_for_its_own_name(root: Path) -> None:
    """The file names its schema as the value of `schema`."""
    for name in set(names(root)) - READ_ONLY:
        assert {"const": name} in list(_parts(schema(name)))


def test_every_object_is_closed(root: Path) -> None:
    """An object lists all its fields, or one schema for the values of a mapping."""
    for name in set(names(root)) - READ_ONLY:
        for part in _parts(schema(name)):
            if part.get("type") == "object":
                assert "additionalProperties" in part, (name, part)


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _parts(inner)


# ---------------------------------------------------------------- what commands print


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", "1/2", "0.5"), 0),
        (("check", "1/2", "0.3"), 4),
        (("check", "3 4", "12"), 3),
        (("check", "0.3333", "1/3", "--grade", "official"), 0),
        (("exec", "--layers"), 0),
        (("list",), 0),
        (("list", "--all"), 0),
        (("verify",), 0),
        (("verify", "--lock"), 0),
        (("doctor", "--config"), 0),
        (("solve", "What is 1+1?"), 0),
        (("solve", "What is 1+1?", "-k", "3", "--expect", "3"), 4),
        (("solve", "What is 1+1?", "-k", "2", "--pick", "rm", "--reward-model", "demo-rm"), 0),
        (("bench", "-m", "demo", "--prompt-tokens", "16", "--tokens", "8", "--sequences", "1,2", "--repeats", "1"), 0),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_a_command_prints_what_its_schema_describes(home: Path, arguments: tuple[str, ...], code: int) -> None:
    """One object, which names its schema."""
    done = qmath(home, *arguments, "--json")
    assert done.returncode == code, done.stderr
    validate(answer_record(done))


def test_doctor_prints_what_its_schema_describes(home: Path) -> None:
    """Its exit code depends on this machine."""
    validate(answer_record(qmath(home, "doctor", "--json")))


@pytest.mark.parametrize("program", ["print(6 * 7)", "1 / 0", "print('x' * 10**7)", "import socket; socket.socket()"])
def test_exec_prints_what_its_schema_describes(home: Path, program: str) -> None:
    """For every way in which a program can end."""
    validate(answer_record(qmath(home, "exec", "--json", stdin=program)))


@pytest.mark.parametrize(
    "arguments",
    [("solve", "1+1", "-m", "7b"), ("check", "only one"), ("list", "--no-such-option"), ("exec", "no/such/file.py")],
    ids=" ".join,
)
def test_a_failed_command_prints_an_error(home: Path, arguments: tuple[str, ...]) -> None:
    """The object holds the exit code."""
    done = qmath(home, *arguments, "--json")
    record = answer_record(done)
    validate(record)
    assert record["error"]["code"] == done.returncode


def test_events_match_their_schema(home: Path) -> None:
    """Every line of `--jsonl`."""
    lines = qmath(home, "solve", "--jsonl", "What is 12% of 450?").stdout.splitlines()
    assert {json.loads(line)["event"] for line in lines} >= {"text", "program_started", "program_finished", "solution"}
    for line in lines:
        validate(json.loads(line))


def test_batch_prints_what_its_schema_describes(home: Path) -> None:
    """With an answer, without one, with an expected one, and where it was tried although its kind is unknown."""
    rows = [{"problem": "What is 1+1?", "answer": "3"}, {"problem": "What is 2+2?"}, {"problem": "7 " * 5000}]
    done = qmath(home, "batch", "-", "-k", "2", "--force", stdin="\n".join(map(json.dumps, rows)))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["finish_reason"] for line in lines} == {"answered", "out_of_context"}, done.stderr
    lines += [json.loads(line) for line in qmath(home, "batch", "-", stdin="hello").stdout.splitlines()]
    assert lines[-1]["finish_reason"] == "unknown_kind"
    for line in lines:
        validate(line)


def test_eval_prints_and_stores_what_its_schemas_describe(home: Path) -> None:
    """One model, two models, and every line of the stored runs."""
    for models in (("demo:q8_0",), ("demo:q8_0", "demo:q4_k_m")):
        chosen = [word for model in models for word in ("-m", model)]
        record = answer_record(qmath(home, "eval", "demo", *chosen, "--limit", "2", "--json"))
        validate(record)
        assert len(record.get("runs", [record])) == len(models)
    runs = list((home / "state" / "evaluations").glob("*.jsonl"))
    assert len(runs) == 2
    for path in runs:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert lines[0]["schema"] == EVAL_RUN
        for line in lines:
            jsonschema.validate(line, schema(EVAL_RUN))


def test_convert_prints_what_its_schema_describes(home: Path, checkpoint: Path, tmp_path: Path) -> None:
    """Two quantizations of one checkpoint."""
    record = answer_record(
        qmath(home, "convert", str(checkpoint), "-q", "q8_0", "-q", "q4_k_m", "-o", str(tmp_path), "--json")
    )
    validate(record)
    assert len(record["files"]) == 2


def test_pull_prints_and_stores_what_its_schemas_describe(checkpoint: Path, tmp_path: Path) -> None:
    """A plan, a model that was pulled, one that is present, the manifest of an installed model."""
    with serve() as hub:
        publish(hub, checkpoint)
        machine = Machine(tmp_path, hub)
        for arguments, status in (("--dry-run", "planned"), ("--keep-source", "pulled"), ("--keep-source", "present")):
            record = machine.json("pull", NAME, arguments)
            validate(record)
            assert record["status"] == status
        for command in ("list", "verify"):
            validate(machine.json(command))
    (manifest,) = machine.paths.models.rglob("*.gguf.json")
    validate(json.loads(manifest.read_text(encoding="utf-8")))


def test_a_saved_session_matches_its_schema(home: Path) -> None:
    """A session with one solution."""
    done = qmath(home, "repl", stdin="What is 12% of 450?\n/save kept\n")
    assert done.returncode == 0, done.stderr
    (path,) = home.rglob("kept.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    validate(record)
    assert len(record["solutions"]) == 1


# ---------------------------------------------------------------- records that need other machines or tools


def test_a_comparison_with_a_reference_tool_matches_the_schema_of_bench() -> None:
    """As with `--against`, and with everything measured."""
    spread = Spread(2.0, 1.0, 3.0)
    comparison = Comparison("llama-bench", "decode 1", spread, spread)
    report = BenchmarkReport(spread, spread, 16, spread, (Decode(1, spread),), 1e10, 0.5, 1 << 20, (comparison,))
    head = {"schema": BENCH, "model": "demo:q8_0", "quantization": "q8_0", "device": "CPU"}
    drafted = DraftReport("lookup", 100, 40, 30, spread, spread)
    for tuned, drafts in ((None, None), (tuning(AVX2, AVX2_HALF).record(), asdict(drafted))):
        validate(json.loads(json.dumps({**head, **asdict(report), "tuning": tuned, "drafts": drafts})))


def test_a_report_on_recorded_responses_matches_the_schema_of_eval() -> None:
    """As with `--from`: no model was run, so the fields of a setup are null."""
    rates = SampleRates(no_answer=0.5, joules=1.5)
    score = Score(
        "math", 2, 1, Grade.STRICT, 0.5, (0.1, 0.9), {1: 0.5}, {1: 0.5}, {}, rates, verdicts={"a": True, "b": False}
    )
    for one in (score, replace(score, items=0, verdicts={})):
        record = json.loads(json.dumps(report_record(Dataset("math", (), ""), [ScoredRun(one, ())], partial=True)))
        validate(record)
        assert record["model"] is record["records"] is None


def test_every_setting_is_in_the_config(home: Path) -> None:
    """`doctor --config` lists all of them."""
    record = answer_record(qmath(home, "doctor", "--config", "--json"))
    assert [entry["name"] for entry in record["settings"]] == [setting.name for setting in fields(Settings)]
