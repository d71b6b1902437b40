"""The head of a reward model: one or two linear layers on the body's final-norm hidden states.

llama.cpp does not have these heads. The body therefore runs as an ordinary model that outputs hidden states, and the
head, from the second file `X.head.gguf`, is applied here in numpy, in float32.

Shapes, with hidden size h and n outputs: score.0.weight (h, h), score.0.bias (h), score.2.weight (n, h), score.2.bias
(n), with a ReLU between the two; or score.weight (1, h) alone. A model that scores a solution has one output, one that
scores steps has two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.errors import IntegrityError, ModelMissing, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_INNER = ("score.0.weight", "score.0.bias")
_OUTER = ("score.2.weight", "score.2.bias")
_LINEAR = "score.weight"
_AGAIN = "convert the model again"


@dataclass(frozen=True, slots=True)
class LinearLayer:
    """A linear layer, in float32: weight (outputs, inputs), bias (outputs) or None."""

    weight: Array
    bias: Array | None = None

    def __call__(self, rows: Array) -> Array:
        """The layer's output (rows, outputs) for rows (rows, inputs)."""
        product: Array = rows @ self.weight.T
        return product if self.bias is None else product + self.bias


@dataclass(frozen=True, slots=True)
class Head:
    """The layers of a head; `inner` is None in a head of one layer."""

    inner: LinearLayer | None
    outer: LinearLayer

    @property
    def outputs(self) -> int:
        """How many numbers it gives for one hidden state."""
        return int(self.outer.weight.shape[0])

    def __call__(self, hidden: Array) -> Array:
        """The outputs (rows, outputs) for hidden states (rows, h)."""
        if self.inner is None:
            return self.outer(hidden)
        inside = self.inner(hidden)
        inside[inside < 0] = 0
        return self.outer(inside)


def read_head(path: Path, hidden: int, outputs: int = 1) -> Head:
    """Read the head of a reward model.

    Args:
        path: The file `X.head.gguf`.
        hidden: Hidden size of the body.
        outputs: 1 for a model that scores solutions, 2 for one that scores steps.

    Raises:
        ModelMissing: The file does not exist.
        UsageError: It is the head of the other kind of reward model.
        IntegrityError: Its tensors are missing, damaged, or of the wrong shape.
    """
    if not path.is_file():
        raise ModelMissing(f"{path} is missing: a reward model is two files", "`qmath pull` makes both")
    arrays = _arrays(path)
    try:
        head = (
            Head(None, LinearLayer(arrays[_LINEAR]))
            if _LINEAR in arrays
            else Head(*(LinearLayer(arrays[weight], arrays[bias]) for weight, bias in (_INNER, _OUTER)))
        )
    except KeyError as exc:
        raise IntegrityError(f"{path} does not contain the head of a reward model: {exc} is missing", _AGAIN) from exc
    _check(path, head, hidden, outputs)
    return head


def _arrays(path: Path) -> Mapping[str, Array]:
    import gguf
    import numpy as np

    try:
        return {
            tensor.name: gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
            for tensor in gguf.GGUFReader(path).tensors
            if tensor.name in (*_INNER, *_OUTER, _LINEAR)
        }
    except (KeyError, ValueError, IndexError, OSError, NotImplementedError) as exc:
        raise IntegrityError(f"{path} does not contain the head of a reward model: {exc}", _AGAIN) from exc


def _check(path: Path, head: Head, hidden: int, outputs: int) -> None:
    """Raise where the shapes are not those of a head for this body, or it gives another number of outputs."""
    layers = [layer for layer in (head.inner, head.outer) if layer is not None]
    found = [array.shape for layer in layers for array in (layer.weight, layer.bias) if array is not None]
    count = head.outputs if head.outputs in {1, 2} else outputs
    wanted = [(hidden, hidden), (hidden,), (count, hidden), (count,)] if head.inner else [(count, hidden)]
    if found != wanted:
        raise IntegrityError(
            f"{path} has tensors of the shapes {found}, which do not fit a model of hidden size {hidden}", _AGAIN
        )
    if count != outputs:
        kinds = {1: "solutions: --pick rm", 2: "the steps of solutions: --pick prm"}
        raise UsageError(f"{path} is the head of a model that scores {kinds[count]}")
