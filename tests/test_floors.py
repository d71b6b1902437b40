"""The house holds: imports go down only, heavy libraries stay in their rooms, files stay small, nobody prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Every room and the floor it stands on. A module imports its own room, and rooms on floors below its own.
FLOORS = {
    "__init__": 0,
    "records": 0,
    "errors": 0,
    "settings": 1,
    "paths": 1,
    "files": 1,
    "gguf_file": 1,
    "mathematics": 1,
    "prompting": 2,
    "engine": 3,
    "sandbox": 3,
    "grading": 3,
    "models": 3,
    "demo": 3,
    "solving": 4,
    "evaluation": 5,
    "benchmark": 5,
    "runtime": 6,
    "doctor": 7,
    "terminal": 8,
    "commands": 9,
    "app": 10,
    "__main__": 11,
}

#: Who may import what is heavy or has effects.
OWNERS = {
    "llama_cpp": {"engine"},
    "rich": {"terminal"},
    "prompt_toolkit": {"terminal"},
    "huggingface_hub": {"models"},
    "math_verify": {"grading"},
    "qmath_convert": {"commands"},
}

PACKAGE = sorted((ROOT / "qmath_cli").rglob("*.py"))
CONVERTER = sorted((ROOT / "convert" / "qmath_convert").rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _room(path: Path) -> str:
    first = path.relative_to(ROOT / "qmath_cli").parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    """A module imports its own room, or rooms on floors below its own."""
    room = _room(path)
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "qmath_cli" or len(parts) < 2:
            continue
        other = parts[1]
        if other.startswith("__version__") or other == room:
            continue
        assert FLOORS[other] < FLOORS[room], f"{path.name} imports {name}, which is not below it"


@pytest.mark.parametrize("path", PACKAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    """Only the rooms that own a heavy library import it."""
    for name in _imports(path):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or _room(path) in owners, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", CONVERTER, ids=lambda p: p.name)
def test_the_converter_does_not_know_the_program(path: Path) -> None:
    """`qmath_convert` never imports `qmath_cli`."""
    assert not [name for name in _imports(path) if name.split(".")[0] == "qmath_cli"]


@pytest.mark.parametrize("path", PACKAGE + CONVERTER, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_small_documented_and_silent(path: Path) -> None:
    """At most 300 lines, a docstring that says what the module is, no `print`, no name that says nothing."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300 or "house: long because" in text, f"{path.name} is too long"
    assert ast.get_docstring(ast.parse(text)), f"{path.name} does not say what it is"
    assert path.stem not in FORBIDDEN_NAMES
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


def test_help_does_not_pay_for_heavy_libraries() -> None:
    """`qmath --help` imports neither llama_cpp nor sympy nor any other heavy library."""
    code = (
        "import sys; from qmath_cli.app import run; run(['--help']); "
        "print(','.join(m for m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.strip().split(","))
    heavy = {"llama_cpp", "sympy", "numpy", "math_verify", "prompt_toolkit", "huggingface_hub", "gguf"}
    assert not heavy & loaded
    assert "solve" in done.stdout
