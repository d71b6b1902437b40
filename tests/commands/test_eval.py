"""`qmath eval` as a person uses it: a file of one's own, an interrupt, the records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmath_cli.app import run
from qmath_cli.errors import ExitCode
from qmath_cli.runtime.evaluation import Evaluation
from tests.e2e.run import answer_record, qmath
from tests.terminal.schemas import validate

ROWS = "Problem,Answer,Nr.\nCompute 3/4 + 5/6.,19/12,a\nWhat is 12% of 450?,55,b\n"


def test_a_table_of_ones_own_is_measured_and_its_run_is_read_again(tmp_path: Path) -> None:
    """The report names what failed and the file of the records; `--from` that file gives the same figures."""
    own = tmp_path / "own.csv"
    own.write_text(ROWS, encoding="utf-8")
    done = qmath(tmp_path, "eval", str(own), "--json")
    record = answer_record(done)
    validate(record)
    assert (record["data"], record["accuracy"], record["failed"]) == ("own", 0.5, ["b"])
    assert f"records: {record['records']}" in done.stderr
    again = qmath(tmp_path, "eval", "--from", record["records"])
    assert again.returncode == 0
    heads, row = again.stdout.splitlines()[-2:]
    assert (heads.split()[1], row.split()[2]) == ("accuracy", "50.0")
    with Path(record["records"]).open(encoding="utf-8") as lines:
        validate_run = json.loads(next(lines))
    validate(validate_run)
    assert validate_run["source"] == str(own)


def test_an_interrupt_before_the_first_sample_claims_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No accuracy on stdout; stderr says that the same command goes on, and where the records are."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    monkeypatch.setattr(Evaluation, "run", interrupted)
    assert run(["eval", "demo", "--limit", "3", "-m", "demo"]) == ExitCode.INTERRUPTED
    out, err = capsys.readouterr()
    assert "no problem is finished yet" in out
    assert "%" not in out
    assert "the same command goes on" in err
    assert "records: " in err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"problem": "1+1?"}\n', ["line 1: it has no field 'answer' or 'expected'", '{"problem": ']),
        ('{"problem": "1+1?", "answer": 2}\n{"answer": 2}\n', ["line 2: it has no field 'problem'", "--skip-bad"]),
        ("", ["has no problems"]),
    ],
)
def test_a_file_that_will_not_do_says_what_a_line_holds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    says: list[str],
) -> None:
    """Before a model is looked for."""
    monkeypatch.setenv("QMATH_HOME", str(tmp_path))
    own = tmp_path / "own.jsonl"
    own.write_text(content, encoding="utf-8")
    assert run(["eval", str(own), "-m", "no-such-model"]) == ExitCode.USAGE
    err = capsys.readouterr().err
    assert all(one in err for one in says), err
    assert "layout" not in err
