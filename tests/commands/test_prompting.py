"""Which prompt a model is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.commands.prompting import Style, native_style, prompting
from qmath_cli.errors import UsageError
from qmath_cli.records import Language, Mode, ModelFile, Problem
from qmath_cli.settings import Settings


def model(name: str) -> ModelFile:
    return ModelFile(name, Path("/nowhere.gguf"), "q8_0")


@pytest.mark.parametrize(
    ("name", "language", "style"),
    [
        ("demo:q8_0", Language.EN, Style.CHAT),
        ("7b-instruct:q4_k_m", Language.ZH, Style.CHAT),
        ("7b:q4_k_m", Language.EN, Style.MATH),
        ("7b:q4_k_m", Language.ZH, Style.CMATH),
        ("qwen2-7b-instruct:q4_k_m", Language.EN, Style.QWEN2),
    ],
)
def test_a_model_gets_the_prompt_it_was_trained_on(name: str, language: Language, style: Style) -> None:
    """The lock knows family and kind; a base model's examples follow the problem's language."""
    assert native_style(model(name), language) is style


def test_a_reward_model_solves_nothing() -> None:
    """It is refused with the option it belongs to."""
    with pytest.raises(UsageError, match="reward model"):
        native_style(model("rm-72b:q4_k_m"), Language.EN)


def test_only_the_chat_prompt_knows_programs() -> None:
    """TIR gives way where the style has words only; the problem is in the prompt, and few-shot has no chat tokens."""
    problem = Problem("What is 1 + 1?")
    chat = prompting(problem, Settings(), model("7b-instruct"), Style.AUTO, None)
    few = prompting(problem, Settings(), model("7b"), Style.AUTO, None)
    assert (chat.mode, few.mode) == (Mode.TIR, Mode.COT)
    assert problem.text in few.prompt.text
    assert "<|im_start|>" not in few.prompt.text
    assert few.prompt.stated


def test_the_user_s_own_examples(tmp_path: Path) -> None:
    """They replace ours in a few-shot format, and are refused where there is no place for them."""
    file = tmp_path / "shots.jsonl"
    file.write_text('{"question": "What is 2 + 2?", "answer": "It is 4. The answer is 4"}\n')
    problem = Problem("What is 1 + 1?")
    found = prompting(problem, Settings(), model("7b"), Style.GSM8K, file)
    assert found.prompt.text.count("Question:") == 2
    with pytest.raises(UsageError, match="no place"):
        prompting(problem, Settings(), model("7b-instruct"), Style.CHAT, file)
