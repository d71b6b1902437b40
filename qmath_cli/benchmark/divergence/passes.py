"""The two passes of a comparison: the base model's predictions into a file, another model's against them.

Only one model is loaded at a time. The predictions of a block of positions are worked on by several threads: numpy
releases the GIL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.benchmark.divergence.base_file import BaseHeader, BaseReader, writing
from qmath_cli.benchmark.divergence.base_row import base_row
from qmath_cli.benchmark.divergence.passage import Passage
from qmath_cli.benchmark.divergence.statistics import Position, position
from qmath_cli.engine.llama.model import Model
from qmath_cli.engine.logits import LogitsReader
from qmath_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OnPassage = Callable[[int, int], None]
"""Called with the passages done and the passages in all."""


def write_base(path: Path, model: Model, name: str, passages: Sequence[Passage], source: str, on: OnPassage) -> None:
    """Write a base model's predictions.

    Args:
        path: the file; see `base_file`.
        model: the loaded base model.
        name: its name, for reports.
        passages: what it reads.
        source: what the passages are, in words.
        on: called after every passage.

    Raises:
        DoesNotFit: the disk is full.
    """
    header = BaseHeader(name, model.vocabulary, source, tuple(passages))
    with _reader(model, passages) as reader, _pool(model) as pool, writing(path, header) as file:
        for done, passage in enumerate(passages, 1):
            for rows, targets in _scored(reader, passage):
                for row in pool.map(base_row, rows, targets):
                    file.write(row)
            on(done, len(passages))


def positions_against(base: BaseReader, model: Model, on: OnPassage) -> list[list[Position]]:
    """Compare a model with a base, position by position.

    Args:
        base: the base's predictions, at their beginning.
        model: the loaded model.
        on: called after every passage.

    Returns:
        One list per passage.

    Raises:
        UsageError: the two models have different vocabularies.
        IntegrityError: the file of predictions is damaged.
    """
    if model.vocabulary != base.header.vocabulary:
        raise UsageError(
            f"the base has a vocabulary of {base.header.vocabulary} tokens, this model one of {model.vocabulary}",
            "only quantizations of models with one vocabulary can be compared",
        )
    passages = base.header.passages
    found: list[list[Position]] = []
    with _reader(model, passages) as reader, _pool(model) as pool:
        for done, passage in enumerate(passages, 1):
            found.append([])
            for rows, targets in _scored(reader, passage):
                found[-1] += pool.map(position, [base.read() for _ in rows], rows, targets)
            on(done, len(passages))
    return found


def _scored(reader: LogitsReader, passage: Passage) -> Iterator[tuple[list[NDArray[np.float32]], list[int]]]:
    """The predictions that are scored, in blocks, with the tokens that the text continues with."""
    for first, rows in reader.read(passage.tokens, passage.first, len(passage.tokens) - 1):
        wanted = [i for i in range(len(rows)) if passage.scores(first + i)]
        yield [rows[i] for i in wanted], [passage.tokens[first + i + 1] for i in wanted]


def _reader(model: Model, passages: Sequence[Passage]) -> LogitsReader:
    return LogitsReader(model, max(len(passage.tokens) for passage in passages))


def _pool(model: Model) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, model.placement.threads))
