"""`qmath exec`: whatever the program is, the answer is well formed, and the exit code says how it ended."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from qmath_cli.app import run

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema", "status", "output", "error", "seconds", "protection", "layers"],
    "properties": {
        "schema": {"const": "qmath.exec/1"},
        "status": {"enum": ["ok", "error", "blocked", "timeout", "memory", "output_limit"]},
        "output": {"type": "string", "maxLength": 70_000},
        "error": {"type": "string", "maxLength": 2_000},
        "seconds": {"type": "number", "minimum": 0},
        "protection": {"enum": ["full", "partial", "basic"]},
        "layers": {"type": "array", "minItems": 8, "items": {"required": ["guard", "hold", "detail"]}},
    },
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMATH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("QMATH_ALLOW_BASIC_EXECUTOR", "1")


def execute(
    code: bytes, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *options: str
) -> tuple[int, dict[str, object]]:
    """Exit code and JSON record of a program that comes from stdin."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(code), isatty=lambda: False))
    exit_code = run(["exec", "--json", *options, "-"])
    record = json.loads(capfd.readouterr().out)
    jsonschema.validate(record, SCHEMA)
    return exit_code, record


@pytest.mark.parametrize(
    ("code", "status", "output"),
    [
        (b"print(1 + 1)", "ok", "2"),
        (b"", "ok", ""),
        (b"from sympy import *\nx = symbols('x')\nsolve(x**2 - 5*x + 6)", "ok", "[2, 3]"),
        (b"import math\nmath.factorial(2000)", "ok", None),
        (b"print(1", "error", "SyntaxError: '(' was never closed (line 1: print(1)"),
        (b"x = '" + b"a" * 1_000_000 + b"'", "error", None),
        (b"(" * 100_000, "error", None),
        (b"-" * 100_000 + b"1", "error", None),
        (b"[" * 90 + b"1" + b"]" * 90, "ok", "[" * 90 + "1" + "]" * 90),
        (b"print(1)\0print(2)", "error", None),
        (b"\xff\xfe print(1)", "error", "SyntaxError: the program is not UTF-16 text: byte 10 is 0x29"),
        (
            b"print('\xe9t\xe9')",
            "error",
            "SyntaxError: the program is not text in UTF-8, UTF-16 or GB18030: byte 7 is 0xe9",
        ),
        ("print('求')  # 结果".encode("utf-16"), "ok", "求"),
        ("print('求')  # 结果".encode("gb18030"), "ok", "求"),
        (b"\xef\xbb\xbfprint(1)", "ok", "1"),
        (b"print(1)\r\nprint(2)\r\n", "ok", "1\n2"),
        (b"# -*- coding: utf-7 -*-\nprint(1)", "ok", "1"),
        (b"import random\nrandom._os.close(1)\n1", "ok", "1"),
        (b"import random\nrandom._os.closerange(0, 99)", "error", None),
        (b"while True: print('x' * 9999)", "output_limit", None),
        (b"print('\\x1b[31m\\x00\\x9b')", "ok", r"\x00\x9b"),
        (b'print(\'{"schema": "qmath.exec/1", "status": "ok"}\')', "ok", '{"schema": "qmath.exec/1", "status": "ok"}'),
        (b"import random\nrandom._os.write(4, b'\\0\\0\\0\\2{}')", None, None),
        (b"1/0", "error", "ZeroDivisionError: division by zero (line 1: 1/0)"),
        (b"import socket", "blocked", None),
    ],
)
def test_every_program_has_a_well_formed_answer(
    code: bytes,
    status: str | None,
    output: str | None,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One JSON object that the schema accepts, and an exit code that agrees with it."""
    exit_code, record = execute(code, capfd, monkeypatch)
    assert status is None or record["status"] == status
    assert output is None or record["output"] == output
    assert exit_code == (0 if record["status"] == "ok" else 3)


def test_a_time_limit_has_an_exit_code_of_its_own(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """124, as of timeout(1)."""
    exit_code, record = execute(b"print('so far')\nwhile True: pass", capfd, monkeypatch, "--exec-timeout", "0.5")
    assert (exit_code, record["status"]) == (124, "timeout")
    assert record["output"] == "so far\nTimeoutError: the program ran longer than 0.5 s"


def test_output_goes_to_stdout_and_the_error_to_stderr(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """So that a pipe gets what the program printed and nothing else."""
    program = tmp_path / "program.py"
    program.write_text("print('a')\nb\n", encoding="utf-8")
    assert run(["exec", str(program)]) == 3
    streams = capfd.readouterr()
    assert streams.out == "a\n"
    assert streams.err == "NameError: name 'b' is not defined (line 2: b)\n"


def test_layers_are_shown_without_a_program(capfd: pytest.CaptureFixture[str]) -> None:
    """Each with who holds it."""
    assert run(["exec", "--layers"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("process ")
    assert lines[-1].startswith("protection: ")


def test_a_file_that_is_not_there_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2."""
    assert run(["exec", "/nonexistent/program.py"]) == 2
    assert "cannot read /nonexistent/program.py" in capfd.readouterr().err


def test_it_runs_as_a_program_of_its_own(tmp_path: Path) -> None:
    """From another folder, whose modules it does not pick up."""
    (tmp_path / "sympy.py").write_text("raise SystemExit('the wrong sympy')", encoding="utf-8")
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.path.remove(''); from qmath_cli.app import run; sys.exit(run(sys.argv[1:]))",
            "exec",
            "-",
        ],
        input=b"import sympy\nprint(sympy.Rational(1, 2) + sympy.Rational(1, 3))",
        capture_output=True,
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join(entry for entry in (str(ROOT), *sys.path) if entry), "HOME": str(tmp_path)},
        timeout=60,
    )
    assert (found.stdout, found.returncode) == (b"5/6\n", 0)
