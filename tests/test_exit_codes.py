"""The exit codes in the enum, in the README and in the tree of errors."""

from __future__ import annotations

import re
from pathlib import Path

from qmath_cli import errors
from qmath_cli.errors import ExitCode, QmathError


def test_the_readme_explains_every_exit_code(root: Path) -> None:
    """The README's table has the numbers of the enum."""
    table = re.findall(r"^\| ([\d, ]+) \| (?!-)", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    explained = {int(number) for cell in table for number in cell.split(",")}
    assert explained == {int(code) for code in ExitCode}


def test_the_drawn_tree_is_the_real_one() -> None:
    """The docstring of `errors` has every error class with its exit code."""
    drawn = dict(re.findall(r"(\w+)\s+exit (\d+)", errors.__doc__ or ""))
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, QmathError)]
    assert drawn == {c.__name__: str(int(c.exit_code)) for c in classes}
