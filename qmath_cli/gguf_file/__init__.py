"""GGUF files: what their headers say, and what a file is that has no such header.

`read` is the one reader. It promises: any file ends in a `Header` or in one `QmathError` that says what the file is,
whatever its bytes are, in time and memory that do not grow with the sizes that a damaged header claims. It does not
read the weights. A model in several files (`x-00001-of-00003.gguf`) is one model: its first file stands for all.
"""

from __future__ import annotations

from qmath_cli.gguf_file.cursor import parse
from qmath_cli.gguf_file.header import Array, Header, TensorInfo, Value
from qmath_cli.gguf_file.reading import read
from qmath_cli.gguf_file.tables import FILE_TYPES, TENSOR_TYPES
from qmath_cli.gguf_file.vocabulary import find_tokens

__all__ = ["FILE_TYPES", "TENSOR_TYPES", "Array", "Header", "TensorInfo", "Value", "find_tokens", "parse", "read"]
