"""The prompt of Qwen2.5-Math-Instruct, for tests that need a real prompt."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mode, ModelInfo, Prompt


def chat(problem: str, mode: Mode = Mode.TIR) -> Prompt:
    return select(ModelInfo("7b-instruct:q8_0", Path("x.gguf")), Language.EN, mode).build(problem)
