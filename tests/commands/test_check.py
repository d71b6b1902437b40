"""`qmath check` as a shell sees it: the word on stdout, the exit code, the JSON object."""

import json

import pytest
import typer
from typer.testing import CliRunner

from qmath_cli.commands import check

app = typer.Typer()
app.command("check", context_settings={"ignore_unknown_options": True})(check.command)


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and stdout of one call."""
    result = CliRunner().invoke(app, arguments, standalone_mode=False)
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
