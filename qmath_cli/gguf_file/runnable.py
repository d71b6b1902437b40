"""Whether a GGUF is a model that qmath runs, and if not, what it is: the same sentence for every command."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.errors import IntegrityError, UsageError
from qmath_cli.gguf_file.header import Array, Header
from qmath_cli.gguf_file.tables import FLOAT32, INT32

_ARCHITECTURE = "qwen2"
_VOCABULARY = "gpt2"  # byte-level BPE
_MOST_LAYERS = 512  # LLAMA_MAX_LAYERS in llama-hparams.h
#: `general.type` of files beside a model. Source: `GGUFType` in `gguf.constants`.
_TYPES = {
    "adapter": "a LoRA adapter, not a model",
    "mmproj": "the projector of an image model, not a model",
    "imatrix": "an importance matrix, not a model",
    "vocab": "a vocabulary, not a model",
}


def require(path: Path, header: Header) -> None:
    """Refuse what is not a qwen2 model with weights, or what would crash llama.cpp.

    llama.cpp checks the shapes of tensors against the metadata, but ends the process where the metadata alone makes no
    sense.

    Raises:
        UsageError: It is something else, though sound.
        IntegrityError: Its metadata contradicts itself.
    """
    if (what := _other(header)) is not None:
        raise UsageError(
            f"{path} is {what}", "qmath runs Qwen2.5-Math and other qwen2 models; `qmath list` names what is installed"
        )
    if (wrong := _nonsense(header)) is not None:
        raise IntegrityError(
            f"{path} is damaged: its metadata has {wrong}", "download, pull or convert the model again"
        )


def _other(header: Header) -> str | None:
    """What a file is that is no qwen2 model."""
    if (what := _TYPES.get(header.text("general.type"))) is not None:
        return what
    if not header.architecture:
        return "a file that does not name its architecture"
    if header.architecture != _ARCHITECTURE:
        return f"a model of the {header.architecture[:40]} architecture"
    if header.text("tokenizer.ggml.model") not in {"", _VOCABULARY}:
        return f"a model with a vocabulary of the kind {header.text('tokenizer.ggml.model')[:40]!r}, not Qwen2's"
    return None if header.tensors else "a vocabulary without weights"


def _nonsense(header: Header) -> str | None:
    """A number that no model has. One that is absent is not judged: llama.cpp names it."""
    layers = header.number("block_count", 1)
    if not 1 <= layers <= min(len(header.tensors), _MOST_LAYERS):
        return f"{layers} layers, and there are {len(header.tensors)} tensors"
    if (context := header.number("context_length", 1)) < 1:
        return f"a context of {context} tokens"
    return _heads(header) or _vocabulary(header)


def _heads(header: Header) -> str | None:
    """Attention heads that cannot be: llama.cpp divides by their numbers."""
    heads = header.number("attention.head_count", 1)
    shared = header.number("attention.head_count_kv", heads)
    if heads < 1 or shared < 1 or heads % shared:
        return f"{heads} attention heads, and {shared} for keys and values"
    width = header.number("embedding_length", 2 * heads)
    sizes = [header.number(f"attention.{key}_length", width // heads) for key in ("key", "value")]
    if width % heads or any(size < 2 or size % 2 for size in sizes):
        return f"attention heads that do not fit its width: {width} in {heads}"
    return None


def _vocabulary(header: Header) -> str | None:
    """Arrays of the vocabulary that differ in length: llama.cpp reads them side by side, without looking."""
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    for key, kind in (("tokenizer.ggml.token_type", INT32), ("tokenizer.ggml.scores", FLOAT32)):
        found = header.metadata.get(key)
        if found is None or tokens is None:
            continue
        if not isinstance(found, Array) or not isinstance(tokens, Array) or found.kind != kind:
            return f"{key} in another form than an array of numbers"
        if found.length < tokens.length:
            return f"{tokens.length} tokens, and {found.length} entries in {key}"
    return None
