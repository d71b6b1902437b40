"""The reader of GGUF headers, compared with the gguf package, and on damaged files."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from pathlib import Path

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmath_cli import gguf_file
from qmath_cli.errors import IntegrityError
from qmath_cli.gguf_file import FILE_TYPES, TENSOR_TYPES, Array
from tests.models.small_models import write_gguf


def test_it_reads_what_the_gguf_package_reads(tmp_path: Path) -> None:
    """Names, shapes, types, offsets and sizes agree with the reference reader."""
    path = write_gguf(tmp_path / "m.gguf")
    header = gguf_file.read(path)
    reference = gguf.GGUFReader(path)
    ours = [(t.name, t.shape, t.type_name, t.offset, t.size) for t in header.tensors]
    assert ours == [
        (t.name, tuple(int(n) for n in t.shape), t.tensor_type.name, int(t.data_offset), int(t.n_bytes))
        for t in reference.tensors
    ]
    assert header.architecture == "qwen2"
    assert header.number("block_count") == 2
    assert header.quantization == "q8_0"
    tokens = header.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, Array)
    texts = [f"token{i}".encode() for i in range(300)]
    assert tokens.length == len(texts)
    assert path.read_bytes()[tokens.start : tokens.end] == b"".join(struct.pack("<Q", len(t)) + t for t in texts)


def test_the_type_table_is_ggmls() -> None:
    """All types of the gguf package, which has them from ggml, with their names and block sizes."""
    reference = {kind.value: (kind.name, *gguf.GGML_QUANT_SIZES[kind]) for kind in gguf.GGMLQuantizationType}
    assert dict(TENSOR_TYPES) == reference


def test_the_names_of_quantizations_are_llama_cpps() -> None:
    """Every `llama_ftype` that the gguf package knows."""
    reference = {
        kind.value: re.sub("^(ALL|MOSTLY)_", "", kind.name).lower()
        for kind in gguf.LlamaFileType
        if kind.name != "GUESSED"
    }
    assert dict(FILE_TYPES) == reference


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    """A file truncated at any length raises an `IntegrityError` that names the file."""
    whole = write_gguf(tmp_path / "m.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [*range(0, len(whole), 997), len(whole) - 40]:
        cut.write_bytes(whole[:length])
        with pytest.raises(IntegrityError, match=r"cut\.gguf"):
            gguf_file.read(cut)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 4000), value=st.binary(min_size=1, max_size=12))
def test_no_damage_to_the_header_escapes_as_another_error(tmp_path: Path, position: int, value: bytes) -> None:
    """Overwritten bytes result in a header or an `IntegrityError`, never in a crash or a hang."""
    path = tmp_path / "m.gguf"
    if not path.exists():
        write_gguf(path, vocabulary=40)
    damaged = bytearray(path.read_bytes())
    damaged[position : position + len(value)] = value
    other = tmp_path / "damaged.gguf"
    other.write_bytes(damaged)
    with suppress(IntegrityError):
        gguf_file.read(other)
