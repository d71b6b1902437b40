"""Weights that are written to, with the demo model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qmath_cli import gguf_file
from qmath_cli.engine.llama.model import Model, Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.engine.logits import LogitsReader
from qmath_cli.engine.weights import WeightWriter
from qmath_cli.errors import EngineUnusable

NAME = "blk.1.ffn_down.weight"


@pytest.fixture(scope="module")
def writable(demo: Path) -> Iterator[Model]:
    """The demo model in memory of its own."""
    with load(demo, Options(writable=True), Preflight()) as loaded:
        yield loaded


def logits(model: Model) -> np.ndarray:
    """Of a short text, at all positions."""
    tokens = model.tokenize_plain(b"The roots are 2 and 3, and their sum is 5.")
    with LogitsReader(model, 64) as reader:
        return np.concatenate([np.array(rows) for _, rows in reader.read(tokens, 0, len(tokens))])


def stored(path: Path) -> bytes:
    """The matrix as the file has it."""
    (info,) = [tensor for tensor in gguf_file.read(path).tensors if tensor.name == NAME]
    return path.read_bytes()[info.offset : info.offset + info.size]


def test_a_matrix_counts_as_it_was_written(writable: Model, demo: Path) -> None:
    """Zeros change the predictions; the file's bytes, in two pieces, restore them to the last bit."""
    writer, data = WeightWriter(writable), stored(demo)
    before = logits(writable)
    writer.write(NAME, [(0, bytes(len(data)))])
    assert np.abs(logits(writable) - before).max() > 0.1
    writer.write(NAME, [(len(data) // 2, data[len(data) // 2 :]), (0, data[: len(data) // 2])])
    assert np.array_equal(logits(writable), before)


def test_every_matrix_can_be_written_to(writable: Model, demo: Path) -> None:
    """Those that the file has, and no vector."""
    matrices = {tensor.name for tensor in gguf_file.read(demo).tensors if len(tensor.shape) > 1}
    assert matrices <= WeightWriter(writable).names


def test_what_lies_outside_a_matrix_is_refused(writable: Model, demo: Path) -> None:
    """llama.cpp ends the process for it."""
    writer, size = WeightWriter(writable), len(stored(demo))
    for offset, data in ((size, b"x"), (-1, b"x"), (0, bytes(size + 1))):
        with pytest.raises(ValueError, match="do not lie within"):
            writer.write(NAME, [(offset, data)])
    with pytest.raises(EngineUnusable, match="no_such"):
        writer.write("no_such.weight", [(0, b"x")])


def test_a_model_that_is_mapped_from_its_file_is_not_written_to(model: Model) -> None:
    """Its weights are the file's own bytes."""
    with pytest.raises(ValueError, match="mapped"):
        WeightWriter(model)
