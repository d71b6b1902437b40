"""A warning where a shell has changed a problem, and none where a problem only looks unusual."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from qmath_cli.commands.problem.shell import Surroundings, trace

HERE = Surroundings(process=31337, home="/home/ada", names=frozenset({"notes.txt", "plot.py"}))


def double_quoted(text: str, tmp_path: Path) -> str:
    """What bash passes on when `text` stands between double quotes."""
    command = f'printf %s "{text}"'
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "text",
    [
        "The price is $5 and $10",
        "A pen costs $5.",
        "A pen costs $5, a book costs $20.",
        "He paid $1,500 for a car and $200 for a bicycle.",
        "The hats cost $4 each and the shirts cost $9 each.",
        "Solve $x^2 - 5x + 6 = 0$.",
        "Let $x$ be a number.",
        "Find $x$ and $y$ if $x+y=3$ and $x-y=1$.",
        "If $f(x)=x+1$, what is $f(2)$?",
        "已知函数 $f(x)=x^2$，求 $f(3)$。",
        r"Find \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}^2.",
        "A book costs $0.50 and a pen costs $0.25.",
    ],
)
def test_what_double_quotes_do_is_noticed(text: str, tmp_path: Path) -> None:
    """Each of these problems is changed by a real shell, and whole in single quotes."""
    assert trace([double_quoted(text, tmp_path)], HERE)
    assert trace([text], HERE) is None


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["Compute", "frac{1}{2}", "+", "3"], "frac{1}{2}"),
        (["Find", "sqrt{2}"], "sqrt{2}"),
        (["2", "notes.txt", "plot.py", "3"], "notes.txt plot.py"),
        (["a", "/home/ada", "b"], "/home/ada"),
        (["Solve 31337x^2 = 431337"], "31337"),
    ],
)
def test_what_a_shell_does_outside_quotes_is_noticed(words: list[str], shown: str) -> None:
    """Backslashes go; `*` and `~` become names, `$$` the number of the shell's process."""
    found = trace(words, HERE)
    assert found is not None
    assert shown in found


@pytest.mark.parametrize(
    "text",
    [
        "A pen costs $5.",
        "It costs $5 and I have $10.",
        "A pen costs $.50 and a book costs 5$.",
        r"It costs \$5.",
        r"\log _{2} 3",
        r"What is \sin ^{2} x + cos ^2 x?",
        "An odd number is called ________.",
        "Solve $ x^2 + 1 = 0 $ and $y = 2$.",
        "Two sets are dealt.  Find x_1^2.",
        "It opens at 10:00 and the house costs $400 000.",
        "What is 2 ^ 3?",
        "Let $a +\nb = 3$ and $b = 1$. Find $a$.",
        r"Find \frac{1}{2} of \[\begin{cases} x = 1 \\ y = 2 \end{cases}\]",
        "Convert US$ 5 to yuan.",
        r"Find \( x \) and \(\).",
        "x",
    ],
)
def test_an_unusual_problem_is_no_trace(text: str) -> None:
    """Prices, blanks around scripts, gaps to fill in and empty formulas are written by people."""
    assert trace([text], HERE) is None


def test_benchmark_problems_look_whole(shared: Path) -> None:
    """Of some 5,900 problems, no more than the two with a damaged formula."""
    alarms = []
    for file in sorted((shared / "benchmarks").glob("*.jsonl")):
        rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        alarms += [text for row in rows if trace([text := row.get("question") or row["problem"]], HERE)]
    assert len(alarms) <= 2, alarms
