"""GGUF metadata, as llama.cpp's own converter writes it for a Qwen2 model.

gguf-py gives the keys and value types (`GGUFWriter`), and derives name, version, fine-tune and size from a repository's
name and model card (`gguf.Metadata`). A test compares the result with the original `convert_hf_to_gguf.py`. The
differences:

* `tokenizer.ggml.pre` is derived from the splitting pattern (see `tokenizer`);
* where the source is a published repository, `general.source.*` name it and the commit;
* a reward model's body is converted too, which the original refuses;
* `qmath.kind` is a key of ours, a string such as "instruct" or "reward" (see `kind`). It determines how the model is
  prompted, and directly follows the `general.*` fields that describe the model.

`general.quantization_version` and `general.file_type` come last, where llama.cpp's quantizer writes them.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from qmath_convert.card import Description, is_unicode
from qmath_convert.checkpoint import Checkpoint, Tensor
from qmath_convert.config import Config
from qmath_convert.kind import trained_kind
from qmath_convert.layout import Field, ValueType
from qmath_convert.recipe import Quant
from qmath_convert.source import Origin, Source
from qmath_convert.tokenizer import Tokenizer

KIND_KEY = "qmath.kind"
_ARCHITECTURE = "qwen2"
_QUANTIZATION_VERSION = 2  # GGML_QNT_VERSION


def common_fields(checkpoint: Checkpoint, tokenizer: Tokenizer, description: Description) -> tuple[Field, ...]:
    """The fields that do not depend on the quantization, in the order in which they are written."""
    import gguf

    writer = gguf.GGUFWriter(path=None, arch=_ARCHITECTURE)
    writer.add_type(gguf.GGUFType.MODEL)
    _describe(writer, checkpoint, description)
    kind = trained_kind(checkpoint.source.name, checkpoint.config, tokenizer, description.generation)
    writer.add_string(KIND_KEY, kind)
    _hyperparameters(writer, checkpoint.config)
    _vocabulary(writer, tokenizer)
    return tuple(_field(key, value) for key, value in writer.kv_data[0].items())


def quant_fields(quant: Quant) -> tuple[Field, ...]:
    """The two fields that depend on the quantization; they follow the common ones."""
    return (
        Field("general.quantization_version", ValueType.UINT32, _QUANTIZATION_VERSION),
        Field("general.file_type", ValueType.UINT32, quant.file_type),
    )


def _describe(writer: Any, checkpoint: Checkpoint, description: Description) -> None:  # noqa: ANN401  gguf-py is not typed
    import gguf

    source = checkpoint.source
    count = sum(_elements(tensor) for tensor in checkpoint.body)
    described = _derived(text_name(source), count, description)
    described.name = described.name or text_name(source)
    described.size_label = described.size_label or gguf.size_label(count, count, 0, 0)
    _add_origin(described, source.origin)
    described.set_gguf_meta_model(writer)


def text_name(source: Source) -> str:
    """The checkpoint's name; bytes of a folder's name that are no text are replaced."""
    return "".join(character if is_unicode(character) else "_" for character in source.name)


def _derived(name: str, count: int, description: Description) -> Any:  # noqa: ANN401  gguf-py is not typed
    """What gguf-py derives from the descriptive files. It reads a folder, and uses the folder's name as the model's."""
    import gguf

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        if description.card is not None:
            (folder / "README.md").write_bytes(description.card)
        config = {} if description.name_or_path is None else {"_name_or_path": description.name_or_path}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (folder / "generation_config.json").write_text(json.dumps(dict(description.generation)), encoding="utf-8")
        described = gguf.Metadata.load(model_path=folder, total_params=count)
    if described.sampling_penalty_repeat is None:
        # transformers' name for it, which newer versions of gguf-py read too
        described.sampling_penalty_repeat = description.generation.get("repetition_penalty")
    return described


def _add_origin(described: Any, origin: Origin) -> None:  # noqa: ANN401  gguf-py is not typed
    described.license = described.license or origin.licence
    if origin.repo:
        described.source_repo_url = f"https://huggingface.co/{origin.repo}"
    if origin.repo and origin.commit:
        described.source_url = f"https://huggingface.co/{origin.repo}/tree/{origin.commit}"


def _elements(tensor: Tensor) -> int:
    return tensor.stored.rows * tensor.stored.columns


def _hyperparameters(writer: Any, config: Config) -> None:  # noqa: ANN401  gguf-py is not typed
    writer.add_block_count(config.layers)
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.hidden)
    writer.add_feed_forward_length(config.feed_forward)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.epsilon)


def _vocabulary(writer: Any, tokenizer: Tokenizer) -> None:  # noqa: ANN401  gguf-py is not typed
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokenizer.pre)
    writer.add_token_list(list(tokenizer.tokens))
    writer.add_token_types(list(tokenizer.types))
    writer.add_token_merges(list(tokenizer.merges))
    for kind, token in tokenizer.special_ids.items():
        if add := getattr(writer, f"add_{kind}_token_id", None):  # GGUF has no key for some tokens
            add(token)
    writer.add_add_bos_token(False)
    if tokenizer.add_eos is not None:
        writer.add_add_eos_token(tokenizer.add_eos)
    if tokenizer.chat_template is not None:
        writer.add_chat_template(tokenizer.chat_template)


def _field(key: str, found: Any) -> Field:  # noqa: ANN401  gguf-py is not typed
    element = None if found.sub_type is None else ValueType(found.sub_type)
    kind = ValueType(found.type)
    if kind is ValueType.ARRAY and element is None:  # gguf-py infers the members' type only when it writes
        element = ValueType.STRING if isinstance(found.value[0], str) else ValueType.INT32
    return Field(key, kind, found.value, element)
