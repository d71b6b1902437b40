"""Every command that runs a model, with a real one by others: a qwen2 model that is no Math model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.engine.quantizing import quantized
from tests.real.conftest import Qmath

QUESTION = "What is 12% of 450?"
NOT_MATH = "not a Qwen2.5-Math model"


@pytest.mark.parametrize("mode", ["cot", "tir"])
def test_solve_answers_and_warns_once(qmath: Qmath, real_model: Path, mode: str) -> None:
    """One line of warning on stderr, one JSON object on stdout."""
    done = qmath("solve", QUESTION, "-m", real_model, "--mode", mode, "--json", "--max-tokens", "400")
    found = json.loads(done.stdout)
    assert found["finish_reason"] == "answered"  # half a billion weights may be wrong
    assert found["answer"]
    assert done.returncode == 0
    assert done.stderr.count(NOT_MATH) == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("language", "question"), [("zh", QUESTION), ("en", "求 450 的 12%。")])
def test_a_solution_is_in_the_language_asked_for(qmath: Qmath, real_model: Path, language: str, question: str) -> None:
    """Also where the problem is in the other one."""
    asked = ("solve", question, "-m", real_model, "--mode", "cot", "--language", language, "--max-tokens", "120")
    text = json.loads(qmath(*asked, "--json").stdout)["samples"][0]["text"]
    chinese, english = (len(re.findall(pattern, text)) for pattern in ("[\u4e00-\u9fff]", "[A-Za-z]{2,}"))
    assert (chinese > english) == (language == "zh")


def test_verbose_shows_llama_cpps_warnings_and_quiet_shows_none(qmath: Qmath, real_model: Path) -> None:
    """`-q` leaves errors only."""
    short = ("solve", QUESTION, "-m", real_model, "--mode", "cot", "-a", "--max-tokens", "400")
    assert "llama.cpp: " in qmath(*short, "-v").stderr
    assert qmath(*short, "-q").stderr == ""


def test_a_session_answers(qmath: Qmath, real_model: Path) -> None:
    """With problems on a pipe."""
    done = qmath("repl", "-m", real_model, "--mode", "cot", stdin=f"{QUESTION}\n/quit\n")
    assert done.returncode == 0
    assert "boxed" in done.stdout or "answer" in done.stdout
    assert done.stderr.count(NOT_MATH) == 1


def test_an_evaluation_counts(qmath: Qmath, real_model: Path) -> None:
    """Four problems, stored and reported."""
    done = qmath("eval", "demo", "--limit", "4", "-m", real_model, "--mode", "cot", "--max-tokens", "300", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert done.stderr.count(NOT_MATH) == 1


def test_a_benchmark_measures(qmath: Qmath, real_model: Path) -> None:
    """Short, for one sequence."""
    arguments = ("--prompt-tokens", "64", "--tokens", "8", "--sequences", "1", "--repeats", "1", "--json")
    done = qmath("bench", "-m", real_model, *arguments)
    assert done.returncode == 0
    assert json.loads(done.stdout)["quantization"] == "q4_k_m"


def test_the_doctor_says_what_is_to_be_said(qmath: Qmath, real_model: Path) -> None:
    """That it is no Math model, and what llama.cpp warns of; neither is a problem."""
    done = qmath("doctor", "-m", real_model, "--json")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0
    assert NOT_MATH in checks["model"]["detail"]
    assert checks["vocabulary"]["status"] in {"ok", "warning"}


@pytest.mark.parametrize("kind", ["IQ3_M", "IQ2_XS", "Q3_K_S"])
def test_it_answers_in_other_types(qmath: Qmath, real_model: Path, tmp_path: Path, kind: str) -> None:
    """Requantized by llama.cpp, for IQ2_XS with an importance matrix of ones: it answers, rightly or not."""
    path = quantized(real_model, tmp_path / f"{kind}.gguf", kind)
    done = qmath("solve", QUESTION, "-m", path, "--mode", "cot", "--json", "--max-tokens", "400")
    found = json.loads(done.stdout)
    assert found["model"]["quantization"] == kind.lower()
    assert found["samples"][0]["text"].strip()
    assert done.returncode in {0, 3}
