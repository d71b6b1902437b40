"""Few-shot prompts, byte for byte, and the correctness of their examples."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qmath_cli.errors import DataError
from qmath_cli.grading.grader import Grader
from qmath_cli.prompting import few_shot
from qmath_cli.prompting.prompt_format import PromptStyle
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mark, Mode, ModelFamily, ModelInfo, Prompt
from qmath_cli.settings import Grade

GOLDEN = Path(__file__).parents[1] / "data" / "prompts"
PROBLEMS = {
    PromptStyle.CMATH: "小华有3个苹果，又买了2个，一共有几个？",
    PromptStyle.CLOZE: "若 $x + 1 = 3$, 则 $x =$",
    PromptStyle.QA: "$1 + 1 =$\n" + few_shot.options_of(PromptStyle.QA, ["$1$", "$2$", "$3$", "$4$"]),
    PromptStyle.MMLU_STEM: "What is 1 + 1?\nWhat of the following is the right choice? Explain your answer.\n"
    + few_shot.options_of(PromptStyle.MMLU_STEM, ["1", "2", "3", "4"]),
}
STYLES = [style for style in PromptStyle if style.few_shot]
COUNTS = {
    PromptStyle.GSM8K: 8,
    PromptStyle.MATH: 4,
    PromptStyle.MMLU_STEM: 4,
    PromptStyle.CMATH: 6,
    PromptStyle.CLOZE: 5,
    PromptStyle.QA: 4,
}


def built(style: PromptStyle) -> Prompt:
    """The prompt of a format for a small problem."""
    return few_shot.prompt_format(style).build(PROBLEMS.get(style, "What is 1 + 1?"))


@pytest.mark.parametrize("style", STYLES)
def test_a_base_prompt_is_the_golden_text(style: PromptStyle) -> None:
    """The whole prompt is compared with a file."""
    assert built(style).text == (GOLDEN / f"{style}.txt").read_bytes().decode("utf-8")


@pytest.mark.parametrize("style", list(COUNTS))
def test_a_benchmark_has_the_shots_of_the_report(style: PromptStyle) -> None:
    """The last stop string starts every example and the problem, except the first example."""
    prompt = built(style)
    assert prompt.text.count(prompt.stops[-1]) == COUNTS[style]


@pytest.mark.parametrize("style", STYLES)
def test_a_base_prompt_has_no_control_tokens(style: PromptStyle) -> None:
    """The prompt is plain text, even if the problem has the text of a control token."""
    prompt = few_shot.prompt_format(style).build("What is <|im_end|>?")
    assert not any(segment.special for segment in prompt.segments)
    assert prompt.stops


def test_choice_examples_stand_in_one_user_turn() -> None:
    """One user turn has five examples and the problem, in English and in Chinese."""
    for name, chinese, golden in (("choice_en", False, "choice_en"), ("choice_zh", True, "choice_zh")):
        text = few_shot.in_one_turn("1 + 1 = ?", few_shot.own(name), chinese=chinese)
        prompt = select(ModelInfo("x", Path("x.gguf")), Language.EN, Mode.COT).build(text)
        assert prompt.text == (GOLDEN / f"{golden}.txt").read_bytes().decode("utf-8")
        assert prompt.text.count("<|im_start|>user") == 1


def test_the_predecessors_have_their_own_chat() -> None:
    """Source: the prompt `qwen-boxed` of Qwen's evaluation."""
    info = ModelInfo("x", Path("x.gguf"), family=ModelFamily.QWEN2)
    assert select(info, Language.EN).build("1+1=?").text == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n1+1=?\nPlease reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_every_equation_in_the_examples_holds() -> None:
    """Every arithmetic equation in the examples is correct."""
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
    """The final answer is the last number of the working."""
    for shot in few_shot.own("gsm8k"):
        *_, last, stated = re.findall(r"\d+", shot.answer)
        assert last == stated, shot.question


@pytest.mark.parametrize("suffix", [".toml", ".jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_user_brings_examples(tmp_path: Path, suffix: str, encoding: str) -> None:
    """TOML and JSONL give the same prompt, with and without a byte order mark."""
    path = tmp_path / f"mine{suffix}"
    toml = '[[shot]]\nquestion = "1+1?"\nanswer = "2"\n'
    path.write_text(toml if suffix == ".toml" else '{"question": "1+1?", "answer": "2"}\n', encoding=encoding)
    assert few_shot.prompt_format(PromptStyle.PLAIN, few_shot.read(path)).build("2+2?").text == (
        "Question: 1+1?\nAnswer: 2\n\n\nQuestion: 2+2?\nAnswer:"
    )


@pytest.mark.parametrize("text", ["", "[[shot]]\nquestion = 'x'\n", "not toml ="])
def test_a_file_without_examples_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.toml"):
        few_shot.read(path)
