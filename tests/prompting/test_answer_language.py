"""The language that a solution is asked for in."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.prompting.select import select
from qmath_cli.records import AnswerLanguage, Language, Mode, ModelFamily, ModelInfo, ModelKind

INSTRUCT = ModelInfo("7b-instruct", Path("x.gguf"))
OLDER = ModelInfo("old", Path("x.gguf"), family=ModelFamily.QWEN2)
BASE = ModelInfo("7b", Path("x.gguf"), kind=ModelKind.BASE)
DEMO = ModelInfo("demo", Path("demo.gguf"), embedded=True)
SENTENCES = {Language.EN: "\nPlease answer in English.", Language.ZH: "\n请用中文回答。"}
PROBLEM = "What is 1 + 1?"


@pytest.mark.parametrize("info", [INSTRUCT, OLDER])
@pytest.mark.parametrize("answer", Language)
def test_a_chat_says_it_below_the_problem(info: ModelInfo, answer: Language) -> None:
    """In the user's turn, in the language that is wanted; nothing else changes."""
    plain = select(info, Language.EN).build(PROBLEM).text
    asked = select(info, Language.EN, answer=answer).build(PROBLEM).text
    assert asked == plain.replace(PROBLEM, PROBLEM + SENTENCES[answer])


def test_every_turn_of_a_conversation_says_it() -> None:
    """So that a follow-up is answered in the same language."""
    asked = select(INSTRUCT, Language.EN, answer=Language.ZH).build("And then?", [(PROBLEM, "2")]).text
    assert asked.count(SENTENCES[Language.ZH]) == 2


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("language", Language)
def test_left_to_the_model_the_prompt_is_the_published_one(mode: Mode, language: Language) -> None:
    """To the byte, in both modes."""
    sentence = {
        Mode.COT: r"Please reason step by step, and put your final answer within \boxed{}.",
        Mode.TIR: "Please integrate natural language reasoning with programs to solve the problem above, "
        r"and put your final answer within \boxed{}.",
    }[mode]
    assert select(INSTRUCT, language, mode, answer=AnswerLanguage.AUTO.chosen).build(PROBLEM).text == (
        f"<|im_start|>system\n{sentence}<|im_end|>\n<|im_start|>user\n{PROBLEM}<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_base_model_gets_the_examples_of_the_language() -> None:
    """It has no turn in which to be told."""
    assert select(BASE, Language.EN, answer=Language.ZH).style is PromptStyle.CMATH
    assert select(BASE, Language.ZH, answer=Language.EN).style is PromptStyle.MATH


def test_the_demo_is_told_nothing() -> None:
    """It was trained on no such sentence."""
    assert select(DEMO, Language.EN, answer=Language.ZH) == select(DEMO, Language.EN)
