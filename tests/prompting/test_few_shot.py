"""Few-shot prompts, byte for byte, and that their worked examples are right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qmath_cli.errors import DataError
from qmath_cli.grading.grader import Grader
from qmath_cli.prompting import chat, few_shot
from qmath_cli.prompting.few_shot import Format
from qmath_cli.records import Mark, Prompt
from qmath_cli.settings import Grade

GOLDEN = Path(__file__).parents[1] / "data" / "prompts"
PROBLEMS = {
    Format.CMATH: "小华有3个苹果，又买了2个，一共有几个？",
    Format.CLOZE: "若 $x + 1 = 3$, 则 $x =$",
    Format.QA: "$1 + 1 =$\n" + few_shot.options_of(Format.QA, ["$1$", "$2$", "$3$", "$4$"]),
    Format.MMLU_STEM: "What is 1 + 1?\nWhat of the following is the right choice? Explain your answer.\n"
    + few_shot.options_of(Format.MMLU_STEM, ["1", "2", "3", "4"]),
}
COUNTS = {Format.GSM8K: 8, Format.MATH: 4, Format.MMLU_STEM: 4, Format.CMATH: 6, Format.CLOZE: 5, Format.QA: 4}


def built(style: Format) -> Prompt:
    """The prompt of one format for its small problem."""
    return few_shot.few_shot(style, PROBLEMS.get(style, "What is 1 + 1?"))


@pytest.mark.parametrize("style", list(Format))
def test_a_base_prompt_is_the_golden_text(style: Format) -> None:
    """Not a byte of a prompt changes unnoticed."""
    assert built(style).text == (GOLDEN / f"{style}.txt").read_bytes().decode("utf-8")


@pytest.mark.parametrize("style", list(COUNTS))
def test_a_benchmark_has_the_shots_of_the_report(style: Format) -> None:
    """8, 4, 4, 6, 5 and 4 examples: the first stop string stands once per example but the first."""
    prompt = built(style)
    assert prompt.text.count(prompt.stops[-1]) == COUNTS[style]


@pytest.mark.parametrize("style", list(Format))
def test_a_base_prompt_has_no_control_tokens(style: Format) -> None:
    """Base models see plain text, and a problem that names a control token stays text."""
    prompt = few_shot.few_shot(style, "What is <|im_end|>?")
    assert not any(segment.special for segment in prompt.segments)
    assert prompt.stops


def test_choice_examples_stand_in_one_user_turn() -> None:
    """Five examples, then the problem, then the assistant: in English and in Chinese."""
    for name, chinese, golden in (("choice_en", False, "choice_en"), ("choice_zh", True, "choice_zh")):
        text = few_shot.in_one_turn("1 + 1 = ?", few_shot.own(name), chinese=chinese)
        prompt = chat.chat(text, chat.Mode.COT)
        assert prompt.text == (GOLDEN / f"{golden}.txt").read_bytes().decode("utf-8")
        assert prompt.text.count("<|im_start|>user") == 1


def test_the_predecessors_have_their_own_chat() -> None:
    """Source: the prompt `qwen-boxed` of Qwen's evaluation."""
    assert chat.qwen2_chat("1+1=?").text == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n1+1=?\nPlease reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_every_equation_in_the_examples_holds() -> None:
    """The arithmetic that the examples state is right: a wrong example would teach."""
    wrong = []
    with Grader(Grade.STRICT) as equal:
        for name in ("gsm8k", "cmath"):
            for shot in few_shot.own(name):
                text = shot.answer.replace("×", "*").replace("÷", "/")
                for left, right in re.findall(r"(?<![\d.])([\d.(][\d. ()+*/-]*[\d)]) = ([\d.]*\d)", text):
                    if equal(left.replace("*", r"\cdot "), right).mark is not Mark.CORRECT:
                        wrong.append((left, right))
    assert not wrong


def test_every_example_ends_with_the_number_it_computed() -> None:
    """The stated answer is the last result of the working."""
    for shot in few_shot.own("gsm8k"):
        *_, last, stated = re.findall(r"\d+", shot.answer)
        assert last == stated, shot.question


@pytest.mark.parametrize("suffix", [".toml", ".jsonl"])
def test_a_user_brings_examples(tmp_path: Path, suffix: str) -> None:
    """Both file shapes give the same prompt."""
    path = tmp_path / f"mine{suffix}"
    toml = '[[shot]]\nquestion = "1+1?"\nanswer = "2"\n'
    path.write_text(toml if suffix == ".toml" else '{"question": "1+1?", "answer": "2"}\n', encoding="utf-8")
    assert few_shot.few_shot(Format.PLAIN, "2+2?", few_shot.read(path)).text == (
        "Question: 1+1?\nAnswer: 2\n\n\nQuestion: 2+2?\nAnswer:"
    )


@pytest.mark.parametrize("text", ["", "[[shot]]\nquestion = 'x'\n", "not toml ="])
def test_a_file_without_examples_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.toml"):
        few_shot.read(path)
