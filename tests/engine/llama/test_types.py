"""Files in the types that others publish: they load and decode, and the header says what they are."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest

from qmath_cli import gguf_file
from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.records import Mode, Sampling
from tests.engine.driving import collect
from tests.engine.quantizing import quantized
from tests.prompts import chat

KINDS = (
    *("Q2_K", "Q3_K_S", "Q3_K_L", "Q4_1", "Q5_0", "Q5_1", "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M"),
    *("IQ3_XXS", "IQ3_XS", "IQ3_S", "IQ3_M", "IQ4_NL", "TQ1_0", "TQ2_0", "MXFP4_MOE"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_in_any_type_of_llama_cpp_decodes(tmp_path: Path, demo: Path, kind: str) -> None:
    """Made by llama.cpp's quantizer; the demo in so few bits writes no sense, but it writes."""
    path = quantized(demo, tmp_path / "x.gguf", kind)
    assert gguf_file.read(path).quantization == kind.lower()
    with load(path, Options(), Preflight()) as model, Batch(model) as batch:
        (key,) = batch.start(chat("What is 12 + 30?", Mode.TIR), [Sampling(max_tokens=8)])
        text, _finish = collect(batch, [key])[key][:2]
    assert isinstance(text, str)


def test_a_split_model_decodes_as_the_whole_one(tmp_path: Path, demo: Path) -> None:
    """llama.cpp finds the parts beside the first."""
    reader = gguf.GGUFReader(demo)
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "qwen2", split_max_tensors=20)
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            kind, *element = field.types
            writer.add_key_value(field.name, field.contents(), kind, element[0] if element else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    first = tmp_path / "m-00001-of-00003.gguf"
    assert gguf_file.read(first).weights == gguf_file.read(demo).weights
    texts = []
    for path in (first, demo):
        with load(path, Options(), Preflight()) as model, Batch(model) as batch:
            (key,) = batch.start(chat("What is 12 + 30?", Mode.TIR), [Sampling(max_tokens=60)])
            texts.append(collect(batch, [key])[key][0])
    assert texts[0] == texts[1] != ""
