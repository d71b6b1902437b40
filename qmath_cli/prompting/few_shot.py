"""Few-shot prompts: worked examples of our own, in the formats that the Qwen2.5-Math report documents.

Base models are shown examples instead of a chat: arXiv 2409.12122, figures 5-10. The report prints the formats and does
not say where generation stops; each format here stops where its next example would begin. Choice questions for the
Instruct models get all examples in one user turn, as in Qwen's evaluation (utils.py, `construct_prompt`). The examples
are in `few_shot.toml`; a user's own come from a file. Pure text: nothing here is ever a control token.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError
from qmath_cli.prompting.prompt_format import PromptFormat, PromptStyle
from qmath_cli.records import Mode, Segment

_FILE = Path(__file__).with_name("few_shot.toml")


@dataclass(frozen=True, slots=True)
class Shot:
    """One worked example; `options` and `letter` are those of a choice question."""

    question: str
    answer: str
    options: tuple[str, ...] = ()
    letter: str = ""


@dataclass(frozen=True, slots=True)
class _Layout:
    """A format: which examples, how one is written, what stands around the problem, and where decoding stops."""

    examples: str
    count: int
    write: Callable[[Shot], str]
    opening: str
    closing: str
    stops: tuple[str, ...]
    between: str = "\n\n"


def prompt_format(style: PromptStyle, shots: Sequence[Shot] | None = None) -> PromptFormat:
    """The format of a few-shot style.

    Args:
        style: one of the few-shot styles. A choice problem brings its options along, as `options_of` writes them.
        shots: a user's own examples instead of ours.

    Raises:
        ValueError: the style is a chat.
    """
    if style not in _LAYOUTS:
        raise ValueError(f"{style} is no few-shot style")
    layout = _LAYOUTS[style]
    examples = tuple(shots) if shots is not None else own(layout.examples)[: layout.count]
    head = "".join(layout.write(shot) + layout.between for shot in examples) + layout.opening
    return PromptFormat(
        style=style,
        mode=Mode.COT,
        head=(Segment(head),),
        tail=(Segment(layout.closing),),
        between=(Segment(layout.between + layout.opening),),
        stops=layout.stops,
        stated=True,
    )


def in_one_turn(problem: str, shots: Sequence[Shot], *, chinese: bool) -> str:
    """Examples and problem as the text of a single user turn, for choice questions put to an Instruct model."""
    write = _turn_zh if chinese else _turn_en
    return "\n\n".join([*(write(shot) for shot in shots), problem])


def options_of(style: PromptStyle, options: Sequence[str]) -> str:
    """A question's options as its format writes them, one per line."""
    if style is PromptStyle.QA:
        return _lines("{}. {}", options)
    return _lines("({}) {}", options)


@cache
def own(name: str) -> tuple[Shot, ...]:
    """Our examples of one name in `few_shot.toml`."""
    return tuple(_shot(entry, "few_shot.toml") for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))[name])


def read(path: Path) -> tuple[Shot, ...]:
    """A user's examples: TOML with `[[shot]]` tables, or JSONL; each has `question` and `answer`.

    Raises `DataError` for a file that cannot be read or an example without one of the two.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".toml":
            entries = tomllib.loads(text).get("shot", [])
        else:
            entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as exc:
        raise DataError(f"cannot read examples from {path}: {exc}") from exc
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path} has no examples", "TOML: [[shot]] tables; JSONL: one object per line")
    return tuple(_shot(entry, str(path)) for entry in entries)


def _shot(entry: Mapping[str, Any], source: str) -> Shot:
    try:
        return Shot(entry["question"], entry["answer"], tuple(entry.get("options", ())), entry.get("letter", ""))
    except (KeyError, TypeError, AttributeError) as exc:
        raise DataError(f"{source}: an example needs `question` and `answer`") from exc


def _lines(form: str, options: Sequence[str]) -> str:
    return "\n".join(form.format(letter, option) for letter, option in zip("ABCDEFGHIJ", options, strict=False))


# ---------------------------------------------------------------- base formats


def _gsm8k(shot: Shot) -> str:
    return f"Question: {shot.question}\nLet's think step by step\n{shot.answer}"


def _math(shot: Shot) -> str:
    return f"Problem:\n{shot.question}\n\nSolution:\n{shot.answer}"


_MMLU_ASK = "What of the following is the right choice? Explain your answer."


def _mmlu(shot: Shot) -> str:
    final = f"Final Answer: The final answer is ({shot.letter}). I hope it is correct."
    question = f"{shot.question}\n{_MMLU_ASK}\n{options_of(PromptStyle.MMLU_STEM, shot.options)}"
    return f"Problem:\n{question}\n\nSolution:\n{shot.answer}\n{final}"


def _cmath(shot: Shot) -> str:
    return f"问题：{shot.question}\n答案：{shot.answer}"


def _cloze(shot: Shot) -> str:
    return f"问题：\n{shot.question}\n解析：\n{shot.answer}"


def _qa(shot: Shot) -> str:
    options = options_of(PromptStyle.QA, shot.options)
    return f"选择题:{shot.question}\n{options}\n解:{shot.answer}故选:{shot.letter}.推理结束。"


def _plain(shot: Shot) -> str:
    return f"Question: {shot.question}\nAnswer: {shot.answer}"


_SOLUTION = "\n\nSolution:\n"
_LAYOUTS = {
    PromptStyle.GSM8K: _Layout("gsm8k", 8, _gsm8k, "Question: ", "\nLet's think step by step\n", ("\n\nQuestion:",)),
    PromptStyle.MATH: _Layout("math", 4, _math, "Problem:\n", _SOLUTION, ("\n\nProblem:",)),
    PromptStyle.MMLU_STEM: _Layout("choice_en", 4, _mmlu, "Problem:\n", _SOLUTION, ("\n\nProblem:",)),
    PromptStyle.CMATH: _Layout("cmath", 6, _cmath, "问题：", "\n答案：", ("\n\n问题：",)),
    PromptStyle.CLOZE: _Layout("cloze", 5, _cloze, "问题：\n", "\n解析：\n", ("\n\n问题：",)),
    PromptStyle.QA: _Layout("choice_zh", 4, _qa, "选择题:", "\n解:", ("推理结束", "\n\n选择题:")),
    PromptStyle.PLAIN: _Layout("math", 4, _plain, "Question: ", "\nAnswer:", ("\n\nQuestion:",), "\n\n\n"),
}


# ---------------------------------------------------------------- examples in a chat turn


def _turn_en(shot: Shot) -> str:
    options = " ".join(f"({letter}) {option}" for letter, option in zip("ABCDE", shot.options, strict=False))
    choices = f"\nAnswer Choices: {options}" if options else ""
    return f"{shot.question}{choices}\n{shot.answer}" + (f" The answer is ({shot.letter})." if shot.letter else "")


def _turn_zh(shot: Shot) -> str:
    options = " ".join(f"({letter}) {option}" for letter, option in zip("ABCDE", shot.options, strict=False))
    choices = f"\n从以下选项中选择:\n{options}" if options else ""
    return f"{shot.question}{choices}\n{shot.answer}" + (f"答案是 {shot.letter}" if shot.letter else "")
