"""The house holds: imports go down only, heavy libraries stay in their rooms, files stay small, nobody prints."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Floor of each room; a room may import its own floor's room and anything below, never sideways into another adapter.
FLOORS = {
    "__init__": 0,
    "records": 0,
    "errors": 0,
    "places": 1,
    "prompts": 1,
    "shots": 1,
    "settings": 1,
    "trajectory": 3,
    "engine": 2,
    "sandbox": 2,
    "grading": 2,
    "models": 2,
    "demo": 2,
    "choose": 4,
    "attempts": 4,
    "datasets": 4,
    "bench": 4,
    "doctor": 4,
    "solve": 5,
    "evaluate": 6,
    "terminal": 7,
    "commands": 8,
    "app": 9,
    "__main__": 10,
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


def _floor(room: str) -> int:
    """A room whose name extends another's (`evaluate_run`) stands on the same floor."""
    return FLOORS[room] if room in FLOORS else FLOORS[room.split("_", maxsplit=1)[0]]


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
        same_family = other.split("_")[0] == room.split("_")[0]
        assert _floor(other) < _floor(room) or same_family, f"{path.name} imports {name}, which is not below it"


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
