"""The structure of the code: the direction of imports, who imports heavy libraries, names and sizes of files."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: The floor of every room. A module imports its own room, and rooms on lower floors.
FLOORS = {
    "__init__": 12,  # the public API; it imports a module when a name of it is first used
    "records": 0,
    "errors": 0,
    "settings": 1,
    "paths": 1,
    "files": 1,
    "completion": 1,
    "signals": 1,
    "gguf_file": 1,
    "mathematics": 1,
    "prompting": 2,
    "calibration": 3,
    "engine": 3,
    "sandbox": 3,
    "grading": 3,
    "models": 3,
    "demo": 3,
    "solving": 4,
    "history": 5,
    "problem_set": 5,
    "evaluation": 6,
    "benchmark": 5,
    "runtime": 7,
    "doctor": 8,
    "terminal": 9,
    "api": 10,
    "commands": 10,
    "app": 11,
    "__main__": 12,
}

#: The rooms that may import a library that is heavy or has side effects.
OWNERS = {
    "llama_cpp": {"engine"},
    "rich": {"terminal"},
    "prompt_toolkit": {"terminal"},
    "huggingface_hub": {"models"},
    "latex2sympy2_extended": {"grading"},
    "math_verify": set(),  # a third opinion in tests
    "filelock": {"files"},
    "httpx2": {"engine"},
    "qmath_convert": {"commands", "runtime", "models"},  # `models` asks it what a folder is
}

PACKAGE = sorted((ROOT / "qmath_cli").rglob("*.py"))
CONVERTER = sorted((ROOT / "convert" / "qmath_convert").rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}

#: The largest number of modules in a folder.
MOST_MODULES = {"": 11, "sandbox": 9, "commands": 24}

#: Class names that are defined twice, and why.
SAME_NAMES = {
    "Solution": "the public one in `api` extends the one in `records` so that a notebook shows it",
    "Model": "the public one in `api` is what `open_model` returns; the one in `engine.llama` is a loaded GGUF",
}


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _imports(path: Path) -> Iterator[str]:
    for node in _nodes(path):
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
    """A module imports its own room, or rooms on lower floors."""
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
    """A file has at most 300 lines, a docstring, no `print`, and no name without a meaning."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300 or "house: long because" in text, f"{path.name} is too long"
    assert ast.get_docstring(ast.parse(text)), f"{path.name} has no docstring"
    assert path.stem not in FORBIDDEN_NAMES
    calls = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
    assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


@pytest.mark.parametrize("path", PACKAGE + CONVERTER, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_asserts(path: Path) -> None:
    """Checks raise errors: `python -O` removes `assert` statements."""
    lines = [node.lineno for node in _nodes(path) if isinstance(node, ast.Assert)]
    assert not lines, f"{path.name} has assert statements in lines {lines}"


def test_a_class_name_has_one_meaning() -> None:
    """No class name is defined twice in the package, except those in `SAME_NAMES`."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in PACKAGE:
        for node in _nodes(path):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1 and name not in SAME_NAMES} == {}


@pytest.mark.parametrize("folder", MOST_MODULES)
def test_a_folder_has_a_limited_number_of_modules(folder: str) -> None:
    """A folder that grows beyond its limit is divided."""
    modules = [path.name for path in (ROOT / "qmath_cli" / folder).glob("*.py")]
    assert len(modules) <= MOST_MODULES[folder], sorted(modules)


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in PACKAGE + CONVERTER}), ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_family_of_files_is_a_folder(folder: Path) -> None:
    """At most two modules of a folder begin with the same word."""
    names = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")]
    words = Counter(name.split("_")[0] for name in names)
    assert [word for word, count in words.items() if count > 2] == []


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)


def test_help_does_not_need_heavy_libraries() -> None:
    """`qmath --help` works where heavy libraries cannot be imported, and imports none of the others."""
    done = _python(
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in {'numpy', 'sympy', 'llama_cpp', 'gguf'}:\n"
        "            raise ModuleNotFoundError(f'{name} is blocked', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
        "from qmath_cli.app import run\n"
        "assert run(['--help']) == 0\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    heavy = {"llama_cpp", "sympy", "numpy", "latex2sympy2_extended", "prompt_toolkit", "huggingface_hub", "gguf"}
    assert not heavy.intersection(done.stderr.split())
    assert "solve" in done.stdout


def test_importing_the_package_imports_the_standard_library_only() -> None:
    """`import qmath_cli` loads no module of the package but itself, and nothing that has to be installed."""
    done = _python("import sys; before = set(sys.modules); import qmath_cli; print(*sorted(set(sys.modules) - before))")
    loaded = done.stdout.split()
    assert [name for name in loaded if name.split(".")[0] == "qmath_cli"] == ["qmath_cli"]
    assert {name.split(".")[0] for name in loaded} <= {"qmath_cli", *sys.stdlib_module_names}
