"""Data sets: reads their files, and builds the prompt for each problem.

`layouts` has the format of each data set's lines. The files are not part of the package, except for the demo model's
held-out problems. A damaged line raises a `DataError` that names it, or is skipped and counted.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from qmath_cli.errors import DataError
from qmath_cli.evaluation import fields, lines, own
from qmath_cli.evaluation.fields import FieldError, Row
from qmath_cli.evaluation.layouts import LAYOUTS, Layout, layout_of
from qmath_cli.grading.official import answers
from qmath_cli.prompting import chat, few_shot
from qmath_cli.prompting.prompt_format import PromptFormat, PromptStyle
from qmath_cli.records import Language, Mode, Prompt

EMBEDDED = Path(__file__).parents[1] / "demo" / "heldout.jsonl"
"""The data set `demo`, which is part of the package."""


@dataclass(frozen=True, slots=True)
class Item:
    """One problem of a data set.

    Attributes:
        id: Unique within the data set.
        problem: The text of the question, including the options of a choice question.
        reference: The expected answer in LaTeX, for the strict grader and for reports.
        official: The expected answer in the normal form of the official grader; may be empty.
        language: The language of the problem.
        subject: Empty if the data set has none.
        level: Empty if the data set has none.
        label: What people call it: the id that the file gives, else its place among the file's problems, from 1.
    """

    id: str
    problem: str
    reference: str
    official: str
    language: Language
    subject: str = ""
    level: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The problems of a file, or a selection of them.

    Attributes:
        name: A name in `LAYOUTS`, or the file's own.
        items: The problems, in the file's order.
        sha256: Of the whole file.
        skipped: Damaged lines that were skipped.
    """

    name: str
    items: tuple[Item, ...]
    sha256: str
    skipped: int = 0


def load_file(path: Path, *, skip_bad: bool = False) -> Dataset:
    """Read a file by its path: a published data set if it has its name and its fields, else one of the user's own.

    Args:
        path: A file of problems.
        skip_bad: Skip damaged lines and count them.

    Raises:
        DataError: As in `load`.
    """
    if path.stem in LAYOUTS:
        with suppress(lines.ForeignFile):
            return load(path.stem, path, skip_bad=skip_bad)
        return load(path.name, path, skip_bad=skip_bad)  # with the suffix, so that it is no published one's name
    return load(path.stem, path, skip_bad=skip_bad)


def load(name: str, path: Path, *, skip_bad: bool = False) -> Dataset:
    """Read a data set.

    Args:
        name: The data set's name; the layout is the one of this name, or `plain`.
        path: A file of problems.
        skip_bad: Skip damaged lines and count them.

    Raises:
        DataError: The file cannot be read, has no problems, or has a damaged line and `skip_bad` is false.
    """
    return load_rows(name, path, layout_of(name), skip_bad=skip_bad)[0]


def load_rows(name: str, path: Path, layout: Layout, *, skip_bad: bool = False) -> tuple[Dataset, list[Row]]:
    """Read a data set of a given layout.

    Args:
        name: The data set's name.
        path: A file of problems.
        layout: How a line is read.
        skip_bad: Skip damaged lines and count them.

    Returns:
        The data set, and for each of its problems the line that it was read from.

    Raises:
        DataError: As in `load`.
    """
    data = lines.read(path)
    items: list[Item] = []
    rows: list[Row] = []
    bad: list[tuple[int, FieldError]] = []
    ids: set[str] = set()
    for number, row in lines.entries(path, data):
        if isinstance(row, FieldError):
            bad.append((number, row))
            continue
        try:
            item = _item(row, layout, name, len(items))
        except FieldError as exc:
            bad.append((number, exc))
            continue
        items.append(item if item.id not in ids else replace(item, id=f"{item.id}#{number}"))
        ids.add(items[-1].id)
        rows.append(row)
    published = "" if layout is LAYOUTS["plain"] else name
    if bad and not items:
        raise lines.bad_file(path, data, published, *bad[0])
    if bad and not skip_bad:
        raise lines.bad_line(path, bad[0][0], published, bad[0][1])
    if not items:
        raise DataError(f"{path} has no problems")
    digest = hashlib.sha256(data).hexdigest()
    return Dataset(name, tuple(items), digest, len(bad)), rows


def select(data: Dataset, limit: int | None = None, shard: tuple[int, int] = (1, 1)) -> Dataset:
    """Select problems.

    Args:
        data: The data set.
        limit: Only the first `limit` problems; None for all.
        shard: (i, n): every n-th of these problems, from the i-th on, counted from 1.

    Raises:
        DataError: The selection is empty.
    """
    first, step = shard
    items = data.items[:limit][first - 1 :: step]
    if not items:
        raise DataError(f"no problem of {data.name} is in this selection")
    return replace(data, items=items)


def build_prompt(name: str, item: Item, prompt_format: PromptFormat) -> Prompt:
    """Build the prompt for one problem of a data set.

    For a choice question, an Instruct model in CoT gets five examples in the same user turn, as in Qwen's evaluation.

    Args:
        name: The data set's name.
        item: The problem.
        prompt_format: How the model is prompted.
    """
    layout = layout_of(name)
    text = item.problem
    chat_cot = prompt_format.style is PromptStyle.CHAT and prompt_format.mode is Mode.COT
    if chat_cot and layout.choice and item.official in set("ABCDE"):
        chinese = layout.language is Language.ZH
        text = few_shot.in_one_turn(text, few_shot.own("choice_zh" if chinese else "choice_en"), chinese=chinese)
    return prompt_format.build(text)


def _item(row: Row, layout: Layout, name: str, position: int) -> Item:
    row = own.named(row) if layout is LAYOUTS["plain"] else row
    reference = layout.answer(row)
    if layout.solution:
        official = answers.reference_of_solution(reference, "math" if layout is LAYOUTS["math_responses"] else name)
        reference = fields.answer({"answer": None, **row}, "answer", optional=True) or official
        if not reference:
            raise FieldError("the solution states no answer")
    else:
        official = answers.reference_of_answer(reference, name)
    problem = (layout.question(row) + _yes_or_no(official)).strip()
    if not problem:
        raise FieldError("the problem is empty")
    given = own.identity(row) if layout is LAYOUTS["plain"] else _id(row)
    return Item(
        id=str(position) if given is None else given,
        problem=problem,
        reference=reference,
        official=official,
        language=_language(row, layout, name, problem),
        subject=_field(row, layout.subject),
        level=_field(row, layout.level),
        label=str(position + 1) if given is None else given,
    )


def _yes_or_no(reference: str) -> str:
    """The hint that Qwen's evaluation appends to the problem if the expected answer is one of these words."""
    hints = {"true": " (True or False)", "false": " (True or False)", "yes": " (Yes or No)", "no": " (Yes or No)"}
    return hints.get(reference.lower(), "")


def _language(row: Row, layout: Layout, name: str, problem: str) -> Language:
    if name == "demo" and row.get("language") in list(Language):
        return Language(row["language"])
    return chat.language_of(problem) if layout is LAYOUTS["plain"] or name == "demo" else layout.language


def _id(row: Row) -> str | None:
    """The id that the line gives."""
    return next((str(row[name]) for name in ("idx", "id") if isinstance(row.get(name), str | int | float)), None)


def _field(row: Row, name: str) -> str:
    found = row.get(name) if name else None
    return "" if found is None else str(found)
