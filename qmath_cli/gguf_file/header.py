"""What a GGUF header says: the records that `read` returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from qmath_cli.gguf_file.tables import FILE_TYPES, GUESSED


@dataclass(frozen=True, slots=True)
class Array:
    """A metadata array, or a very long string, that was skipped.

    Attributes:
        length: The number of its elements; the bytes of a string.
        start: Where its elements begin, in bytes from the start of the file.
        end: Where they end.
        kind: The number of its elements' type.
        marks: For an array of strings: the positions of every `stride`-th one, see `cursor`.
    """

    length: int
    start: int = 0
    end: int = 0
    kind: int = -1
    marks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor.

    Attributes:
        name: Its name.
        shape: Its dimensions in ggml's order: the first one is contiguous.
        type_name: Its ggml type, such as `Q4_K`.
        offset: Bytes from the start of its file.
        size: Bytes.
    """

    name: str
    shape: tuple[int, ...]
    type_name: str
    offset: int
    size: int


Value = str | int | float | bool | Array


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a GGUF file, or of all files of a split model.

    Attributes:
        version: The version of the format.
        metadata: All keys with their values; arrays without their elements.
        tensors: All tensors, in the files' order.
        end: Where the tensors of the (first) file end, in bytes from its start.
        parts: The files of a split model, in order; empty for a model in one file.
    """

    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[TensorInfo, ...]
    end: int = 0
    parts: tuple[Path, ...] = ()

    @property
    def architecture(self) -> str:
        """`general.architecture`; empty if it is absent."""
        return self.text("general.architecture")

    @property
    def quantization(self) -> str:
        """The quantization, such as `q4_k_m`: as the file names it, else the type of most of its bytes."""
        number = self.metadata.get("general.file_type")
        if isinstance(number, int) and (name := FILE_TYPES.get(number & ~GUESSED)):
            return name
        sizes: Counter[str] = Counter()
        for tensor in self.tensors:
            sizes[tensor.type_name] += tensor.size
        return sizes.most_common(1)[0][0].lower() if sizes else ""

    @property
    def layers(self) -> int:
        """The number of transformer blocks; 0 if it is absent."""
        return max(self.number("block_count"), 0)

    @property
    def weights(self) -> int:
        """Bytes of all tensors, of all files."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def elements(self) -> int:
        """The number of weights."""
        return sum(prod(tensor.shape) for tensor in self.tensors)

    def text(self, key: str) -> str:
        """The string of a metadata key; empty if it is absent or not a string."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """The integer of a metadata key of the architecture: `number("block_count")`; `default` if it is absent."""
        return self.plain_number(f"{self.architecture}.{key}", default)

    def plain_number(self, key: str, default: int = 0) -> int:
        """The integer of any metadata key; `default` if it is absent or something else."""
        value = self.metadata.get(key, default)
        return value if isinstance(value, int) and not isinstance(value, bool) else default
