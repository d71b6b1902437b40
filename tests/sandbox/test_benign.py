"""Programs as Qwen2.5-Math writes them give exactly the expected text, under every layer.

The programs are text files: `### title`, a program, `--- gives`, the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qmath_cli.records import RunStatus
from qmath_cli.sandbox.executor import RestrictedExecutor
from qmath_cli.sandbox.limits import Limits

FOLDER = Path(__file__).parent / "benign"


@dataclass(frozen=True)
class Program:
    """A program and the text it gives."""

    name: str
    code: str
    gives: str


def load() -> list[Program]:
    """Every program of every file."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for section in path.read_text(encoding="utf-8").split("### ")[1:]:
            title, _, rest = section.partition("\n")
            code, _, gives = rest.partition("--- gives\n")
            found.append(Program(f"{path.stem}: {title}", code, gives.removesuffix("\n")))
    return found


PROGRAMS = load()


@pytest.fixture(scope="module")
def executor() -> Iterator[RestrictedExecutor]:
    with RestrictedExecutor(Limits(seconds=30.0, text=20_000), empty="", allow_basic=True) as made:
        yield made


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_benign_program_gives_exactly_its_text(program: Program, executor: RestrictedExecutor) -> None:
    """Status ok, and the text as the file has it, character for character."""
    worker = executor.open()
    output = worker.run(program.code)
    worker.close()
    assert (output.status, output.text) == (RunStatus.OK, program.gives)


def test_there_are_at_least_a_hundred_programs() -> None:
    """So a file that is no longer read does not go unnoticed."""
    assert len(PROGRAMS) >= 100
