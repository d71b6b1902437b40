"""Benchmarks: where a file's problems, expected answers and subjects are, and how each is asked.

`LAYOUTS` is the table: one row per data set, after `parse_question` and `parse_ground_truth` of the Qwen2.5-Math
evaluation (parser.py), so that scores compare. Nothing is vendored: files come from the user, except the demo model's
own held-out problems. A damaged line is a `DataError` that names it, or is counted where skipping was asked for.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qmath_cli.errors import DataError
from qmath_cli.grading.official import answers
from qmath_cli.prompting import chat, few_shot
from qmath_cli.prompting.few_shot import Format
from qmath_cli.records import Language, Mode, Prompt

Row = Mapping[str, Any]
EMBEDDED = Path(__file__).parents[1] / "demo" / "heldout.jsonl"
_LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class Item:
    """One problem of a data set.

    `reference` is the stored answer as people read it, `official` the same in official normal form.
    """

    id: str
    problem: str
    reference: str
    official: str
    language: Language
    subject: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A loaded file; `whole` counts the problems before any limit, `skipped` its damaged lines."""

    name: str
    items: tuple[Item, ...]
    sha256: str
    whole: int
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How one data set is read and asked."""

    question: Callable[[Row], str]
    answer: Callable[[Row], str]
    language: Language = Language.EN
    subject: str = ""  # the field that names it
    level: str = ""
    base: Format = Format.MATH  # how a base model is asked
    choice: bool = False  # five examples for Instruct models in CoT
    solution: bool = False  # `answer` gives a worked solution, from which the official rules take the answer
    size: int | None = None  # problems in the published file


def load(name: str, path: Path, layout: str = "", *, skip_bad: bool = False) -> Dataset:
    """Read a JSONL file. `layout` is a name in `LAYOUTS`; by default the data set's or file's own, else `plain`.

    Raises `DataError` for a file that cannot be read, and for a damaged line unless `skip_bad`.
    """
    return load_rows(name, path, layout, skip_bad=skip_bad)[0]


def load_rows(name: str, path: Path, layout: str = "", *, skip_bad: bool = False) -> tuple[Dataset, list[Row]]:
    """The same, with the line that each problem came from."""
    chosen = LAYOUTS[layout or (name if name in LAYOUTS else "plain")]
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DataError(f"cannot read {path}: {exc.strerror}") from exc
    items: list[Item] = []
    rows: list[Row] = []
    seen: set[str] = set()
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    for number, line in lines:
        try:
            row = json.loads(line)
            item = _item(row, chosen, name, len(items))
            items.append(item if item.id not in seen else replace(item, id=f"{item.id}#{number}"))
            seen.add(items[-1].id)
            rows.append(row)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as exc:
            if not skip_bad:
                hint = "--skip-bad goes on without such lines"
                raise DataError(f"{path}, line {number}: not a problem of layout {name}: {_why(exc)}", hint) from exc
    if not items:
        raise DataError(f"{path} has no problems")
    digest = hashlib.sha256(data).hexdigest()
    return Dataset(name, tuple(items), digest, len(items), len(lines) - len(items)), rows


def select(data: Dataset, limit: int | None = None, shard: tuple[int, int] = (1, 1)) -> Dataset:
    """The first `limit` problems, of which shard (i, n) takes every n-th, from the i-th on (counted from 1)."""
    part, of = shard
    items = data.items[:limit][part - 1 :: of]
    if not items:
        raise DataError(f"no problem of {data.name} is in this selection")
    return Dataset(data.name, items, data.sha256, data.whole, data.skipped)


def prompt(name: str, item: Item, mode: Mode, *, base: bool = False, predecessor: bool = False) -> Prompt:
    """What a model is asked: examples for base models, for choice questions in CoT five in one turn, else the chat."""
    layout = LAYOUTS.get(name, LAYOUTS["plain"])
    if base:
        return few_shot.few_shot(layout.base, item.problem)
    if predecessor:
        return chat.qwen2_chat(item.problem)
    text = item.problem
    if mode is Mode.COT and layout.choice and item.official in set("ABCDE"):
        chinese = layout.language is Language.ZH
        text = few_shot.in_one_turn(text, few_shot.own("choice_zh" if chinese else "choice_en"), chinese=chinese)
    return chat.chat(text, mode)


def _item(row: Row, layout: Layout, name: str, position: int) -> Item:
    answer = layout.answer(row)
    if layout.solution:
        form = answers.reference_of_solution(answer, "math" if layout is LAYOUTS["math_responses"] else name)
        answer = str(row.get("answer") or form)
    else:
        form = answers.reference_of_answer(answer, name)
    problem = (layout.question(row) + _yes_or_no(form)).strip()
    if not problem:
        raise ValueError("the problem is empty")
    language = Language(row["language"]) if name == "demo" else layout.language
    language = chat.language_of(problem) if layout is LAYOUTS["plain"] else language
    identity = str(row.get("idx", row.get("id", position)))
    return Item(identity, problem, answer, form, language, _field(row, layout.subject), _field(row, layout.level))


def _yes_or_no(reference: str) -> str:
    """The official hint for questions of that kind (it looks at the expected answer)."""
    hints = {"true": " (True or False)", "false": " (True or False)", "yes": " (Yes or No)", "no": " (Yes or No)"}
    return hints.get(reference.lower(), "")


def _field(row: Row, name: str) -> str:
    return str(row.get(name, "")) if name else ""


def _why(exc: Exception) -> str:
    return f"field {exc} is missing" if isinstance(exc, KeyError) else str(exc)


# ---------------------------------------------------------------- reading one row


def _first(*names: str) -> Callable[[Row], str]:
    """The first of these fields that a row has, as text."""

    def read(row: Row) -> str:
        name = next((name for name in names if row.get(name) is not None), names[0])
        return str(row[name]).strip()

    return read


def _after_hashes(row: Row) -> str:
    _, marker, answer = str(row["answer"]).rpartition("####")
    if not marker:
        raise ValueError("no #### before the answer")
    return answer.strip()


def _without_dollars(row: Row) -> str:
    return str(row["answer"]).replace("$", "").strip()


def _final_answer(row: Row) -> str:
    return str(row["final_answer"][0]).strip("$")


def _choice_or_answer(row: Row) -> str:
    return str(row.get("choice_answer") or row["answer"])


def _mmlu_question(row: Row) -> str:
    options = [f"({letter}) {str(option).strip()}" for letter, option in zip("ABCD", row["choices"], strict=True)]
    return f"{row['question'].strip()}\nAnswer Choices: {' '.join(options)}"


def _qa_question(row: Row) -> str:
    options = " ".join(f"({letter}) {text}" for letter, text in row["options"].items())
    return f"{row['question'].strip()}\n选项: {options}"


def _aqua_question(row: Row) -> str:
    options = "(" + "(".join(row["options"])
    return f"{row['question'].strip()}\nAnswer Choices: {options.replace('(', ' (').replace(')', ') ').strip()}"


def _sat_question(row: Row) -> str:
    options = re.sub(r" ([BCD])\) ", r" (\1) ", "(" + row["options"].strip())
    return f"{row['question'].strip()}\nAnswer Choices: {options}"


_QUESTION = _first("question", "problem", "Question", "input")
_ANSWER = _first("answer")
_ZH = Language.ZH

LAYOUTS: Mapping[str, Layout] = {
    "plain": Layout(_first("problem", "question"), _first("answer", "expected"), subject="subject", level="level"),
    "demo": Layout(_first("problem"), _ANSWER, subject="kind"),
    "gsm8k": Layout(_QUESTION, _after_hashes, base=Format.GSM8K, size=1319),
    "math": Layout(_first("problem"), _first("solution"), subject="type", level="level", solution=True, size=5000),
    "math500": Layout(_first("problem"), _first("solution"), subject="subject", level="level", solution=True, size=500),
    "minerva_math": Layout(_first("problem"), _first("solution"), subject="type", solution=True, size=272),
    "gaokao2023en": Layout(_QUESTION, _without_dollars, size=385),
    "olympiadbench": Layout(_QUESTION, _final_answer, subject="subfield", size=675),
    "college_math": Layout(_QUESTION, _without_dollars, subject="data_topic", size=2818),
    "mmlu_stem": Layout(
        _mmlu_question, lambda row: "ABCD"[row["answer"]], subject="type", base=Format.MMLU_STEM, choice=True, size=3018
    ),
    "sat_math": Layout(_sat_question, _first("Answer"), base=Format.MMLU_STEM, choice=True, size=32),
    "aqua": Layout(_aqua_question, _first("correct"), base=Format.MMLU_STEM, choice=True, size=254),
    "aime24": Layout(_QUESTION, _ANSWER, size=30),
    "aime25": Layout(_QUESTION, _ANSWER, size=30),
    "amc23": Layout(_QUESTION, _ANSWER, size=40),
    "cmath": Layout(_QUESTION, _ANSWER, _ZH, level="grade", base=Format.CMATH, size=600),
    "gaokao_math_cloze": Layout(_QUESTION, _without_dollars, _ZH, base=Format.CLOZE, size=118),
    "gaokao_math_qa": Layout(_qa_question, _first("label"), _ZH, base=Format.QA, choice=True, size=351),
    "gaokao2024_I": Layout(_QUESTION, _ANSWER, _ZH, subject="type", base=Format.CLOZE, choice=True, size=14),
    "gaokao2024_II": Layout(_QUESTION, _ANSWER, _ZH, subject="type", base=Format.CLOZE, choice=True, size=14),
    "gaokao2024_mix": Layout(_QUESTION, _choice_or_answer, _ZH, base=Format.CLOZE, choice=True, size=91),
    "cn_middle_school": Layout(_QUESTION, _choice_or_answer, _ZH, base=Format.CLOZE, choice=True, size=101),
    "math_responses": Layout(_QUESTION, _first("gt_cot", "solution"), subject="type", level="level", solution=True),
}
