"""`qmath check` as a shell sees it: the word on stdout, the exit code, the JSON object."""

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from qmath_cli.commands import check
from qmath_cli.errors import UsageError
from tests.e2e.run import qmath

app = typer.Typer()
app.command("check", context_settings={"ignore_unknown_options": True})(check.command)


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and stdout of one call."""
    result = CliRunner().invoke(app, arguments, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    assert isinstance(result.return_value, int), result.output
    return result.return_value, result.stdout


@pytest.mark.parametrize(
    ("answer", "expected", "code", "word"),
    [(r"\frac{1}{2}", "0.5", 0, "equal"), ("-3", "3", 4, "different"), ("3 4", "12", 3, "undecided")],
)
def test_the_exit_code_says_what_the_word_says(answer: str, expected: str, code: int, word: str) -> None:
    """0, 4 and 3 for equal, different and undecided."""
    found, output = run(answer, expected)
    assert (found, output.splitlines()[0]) == (code, word)


def test_json_is_one_object_with_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """Machines get the verdict, the grader and the rule that decided."""
    _, output = run("2, 3", "3, 2", "--json")
    record = json.loads(output)
    assert record["schema"] == "qmath.check/1"
    assert (record["verdict"], record["grade"]) == ("equal", "strict")


def test_the_official_rules_can_be_asked() -> None:
    """`[1,2)` and `[1,2]` are one to Qwen's rules and two to a person."""
    assert run("[1,2)", "[1,2]", "--grade", "official")[0] == 0
    assert run("[1,2)", "[1,2]")[0] == 4


def test_the_rule_that_decided_is_shown(tmp_path: Path) -> None:
    """On stderr, so that stdout stays one word; where none decided, the reason alone."""
    done = qmath(tmp_path, "check", "0.5", "1/2")
    assert done.stdout == "equal\n"
    assert re.match(r"rule: \w+", done.stderr)
    assert qmath(tmp_path, "check", "9" * 5000, "1/2").stderr == "an answer is longer than 4000 characters\n"


def test_exact_refuses_a_rounded_value() -> None:
    """And says in the record that it was asked to; Qwen's rules cannot."""
    assert run("1/3", "0.333")[0] == 0
    code, output = run("1/3", "0.333", "--exact", "--json")
    assert (code, json.loads(output)["exact"]) == (4, True)
    with pytest.raises(UsageError, match="official rules accept rounded values"):
        run("1/3", "0.333", "--exact", "--grade", "official")


@pytest.mark.parametrize("arguments", [(), ("1",), ("1", "--pairs", "f.tsv"), ("1", "1", "--format", "tsv")])
def test_one_pair_or_a_file_of_pairs(arguments: tuple[str, ...]) -> None:
    """Anything else is a usage error with a hint."""
    with pytest.raises(UsageError) as caught:
        run(*arguments)
    assert caught.value.hint
