"""A loaded GGUF file: its weights, its tokenizer and its metadata.

`load` checks the file and the options before llama.cpp opens the file, and raises an error that names the problem.
Tokens are llama.cpp's integer ids. Text from a user or a program never becomes a control token: see `Model.tokenize`.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

from qmath_cli import gguf_file
from qmath_cli.engine.llama.compute_thread import compute_thread
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.load_share import LoadShare
from qmath_cli.engine.llama.placement import Footprint, Placement, place
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.engine.llama.tokenizer import CONTROL_TOKENS, Tokenizer
from qmath_cli.errors import IntegrityError, UsageError
from qmath_cli.gguf_file import runnable
from qmath_cli.records import Prompt
from qmath_cli.settings import KVType

OnShare = Callable[[float], object]

_DEFAULT_CONTEXT = 4096  # tokens; what Qwen2.5-Math was trained on


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is run, in the user's terms; `auto` and 0 are resolved when it is loaded."""

    device: str = "auto"
    gpu_layers: str = "auto"
    threads: int = 0
    ctx: int = _DEFAULT_CONTEXT  # tokens
    kv_type: KVType = KVType.F16
    mlock: bool = False
    repack: bool = True  # whether weights may be copied into this CPU's own layout
    writable: bool = False  # whether the weights are in memory of their own, in the file's layout, to be written to
    footprint: Callable[[], Footprint] | None = None  # for gpu_layers `auto`; None: offload every layer


@dataclass(frozen=True, slots=True)
class Facts:
    """What llama.cpp reports about a loaded model."""

    description: str
    architecture: str
    layers: int
    embedding: int  # hidden size
    parameters: int
    size: int  # bytes
    trained_context: int  # tokens


@dataclass(frozen=True, slots=True)
class Opened:
    """What llama.cpp made of a file: the model's C pointer, the ids of its control tokens, and what it warned of."""

    pointer: Any
    control_tokens: Mapping[str, int]
    warnings: tuple[str, ...]


class Model:
    """A loaded model, created by `load`. Close it, or use it as a context manager."""

    def __init__(
        self,
        opened: Opened,
        path: Path,
        options: Options,
        placement: Placement,
        preflight: Preflight,
    ) -> None:
        self.lib: Any = library().lib
        self.pointer: Any = opened.pointer
        self.warnings = opened.warnings  # llama.cpp's, one line each
        self.path = path
        self.options = options
        self.placement = placement
        self.preflight = preflight
        self.facts = _facts(self.lib, self.pointer)
        self.context_length = _context_length(options.ctx, self.facts.trained_context)
        vocabulary = self.lib.llama_model_get_vocab(self.pointer)
        self.tokenizer = Tokenizer(self.lib, vocabulary, opened.control_tokens)
        self.vocabulary = self.tokenizer.size
        self._free = weakref.finalize(self, self.lib.llama_model_free, self.pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory. Close every `Batch` and `RewardModel` of this model first."""
        self._free()

    def tokenize(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt: see `Tokenizer.tokenize`."""
        return self.tokenizer.tokenize(prompt)

    def tokenize_plain(self, text: bytes) -> list[int]:
        """The token ids of UTF-8 text; what looks like a control token is tokenized as text."""
        return self.tokenizer.tokenize_plain(text)

    def piece(self, token: int) -> bytes:
        """The bytes of a token's text; empty for a control token."""
        return self.tokenizer.piece(token)

    def ends(self, token: int) -> bool:
        """Whether a sampled token ends the assistant's turn: an end token or any other control token."""
        return self.tokenizer.ends(token)


def load(path: Path, options: Options, preflight: Preflight, on_share: OnShare | None = None) -> Model:
    """Load a GGUF file.

    Args:
        path: The file.
        options: How to run it.
        preflight: The result of the preflight check of this build: see `preflight.check`.
        on_share: Called about ten times a second with the share of the file that is loaded, from 0 to 1.

    Returns:
        The model. Whether it fits into memory is not checked here: see `models.fit`.

    Raises:
        ModelMissing: The file does not exist.
        IntegrityError: It is damaged or not a GGUF file.
        UsageError: It has another architecture, or an option is impossible.
        EngineUnusable: This build of llama.cpp does not run on this CPU.
    """
    found = gguf_file.read(path)
    runnable.require(path, found)
    preflight.require()
    placement = place(
        options.device,
        options.gpu_layers,
        options.threads,
        model_layers=found.layers,
        footprint=options.footprint,
        cpu_only=preflight.plain,
        size=found.weights,
    )
    Thread(target=importlib.import_module, args=("numpy",), daemon=True).start()  # the first logits need it
    llama = library()
    llama.clear_warnings()
    device_list = placement.device_list()  # C code reads it during the load only
    parameters = _parameters(llama.lib, options, placement, preflight)
    parameters.devices = ctypes.cast(device_list, ctypes.c_void_p)
    share = None if on_share is None else LoadShare(path, staged=preflight.extra_buffers or placement.gpu_layers > 0)
    pointer = _load(llama.lib, path, parameters, share, on_share)
    if not pointer:
        raise IntegrityError(
            f"llama.cpp cannot load {path}: {'; '.join(llama.warnings()) or 'it gives no reason'}",
            "`qmath verify` checks an installed model; `qmath pull` downloads and converts it again",
        )
    control_tokens = gguf_file.find_tokens(path, found, CONTROL_TOKENS)
    return Model(Opened(pointer, control_tokens, llama.warnings()), path, options, placement, preflight)


class VocabularyFile:
    """The vocabulary of a GGUF file, without its weights. Made by `load_vocabulary`; close it."""

    def __init__(self, opened: Opened, path: Path) -> None:
        lib = library().lib
        self.path = path
        self.warnings = opened.warnings  # llama.cpp's, one line each
        self.tokenizer = Tokenizer(lib, lib.llama_model_get_vocab(opened.pointer), opened.control_tokens)
        self.close = weakref.finalize(self, lib.llama_model_free, opened.pointer)


def load_vocabulary(path: Path) -> VocabularyFile:
    """Read the metadata and the vocabulary of a file; the weights are not read.

    Raises:
        ModelMissing: The file does not exist.
        IntegrityError: It is damaged, or llama.cpp cannot read it.
    """
    found = gguf_file.read(path)
    llama = library()
    llama.clear_warnings()
    parameters = llama.lib.llama_model_default_params()
    parameters.vocab_only = True
    pointer = _load(llama.lib, path, parameters)
    if not pointer:
        raise IntegrityError(f"llama.cpp cannot load {path}: {'; '.join(llama.warnings()) or 'it gives no reason'}")
    control_tokens = gguf_file.find_tokens(path, found, CONTROL_TOKENS)
    return VocabularyFile(Opened(pointer, control_tokens, llama.warnings()), path)


def vocabulary_warnings(path: Path) -> tuple[str, ...]:
    """What llama.cpp warns of when it reads the metadata and the vocabulary of a file. Raises as `load_vocabulary`."""
    vocabulary = load_vocabulary(path)
    vocabulary.close()
    return vocabulary.warnings


def _load(
    lib: Any,  # noqa: ANN401
    path: Path,
    parameters: Any,  # noqa: ANN401
    share: LoadShare | None = None,
    on_share: OnShare | None = None,
) -> int | None:
    """Load on the compute thread; Ctrl-C ends the load between two tensors."""
    cancelled = Event()

    def progressed(reported: float, _data: object) -> bool:
        if share is not None:
            share.reported = reported
        return not cancelled.is_set()

    progress = lib.llama_progress_callback(progressed)
    parameters.progress_callback = progress  # the local name keeps it alive: the C side does not keep a reference
    return compute_thread().create(
        lambda: lib.llama_model_load_from_file(os.fsencode(path), parameters),
        lib.llama_model_free,
        cancelled.set,
        None if share is None or on_share is None else lambda: on_share(share.now()),
    )


def _parameters(lib: Any, options: Options, placement: Placement, preflight: Preflight) -> Any:  # noqa: ANN401
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = placement.gpu_layers
    parameters.use_extra_bufts = preflight.extra_buffers and options.repack and not options.writable
    parameters.load_mode = lib.LLAMA_LOAD_MODE_MMAP_MLOCK if options.mlock else lib.LLAMA_LOAD_MODE_MMAP
    if options.writable:
        parameters.load_mode = lib.LLAMA_LOAD_MODE_NONE
    return parameters


def _facts(lib: Any, pointer: Any) -> Facts:  # noqa: ANN401
    text = ctypes.create_string_buffer(128)
    lib.llama_model_desc(pointer, text, len(text))
    architecture = ctypes.create_string_buffer(64)
    lib.llama_model_meta_val_str(pointer, b"general.architecture", architecture, len(architecture))
    return Facts(
        description=text.value.decode("utf-8", "replace"),
        architecture=architecture.value.decode("utf-8", "replace"),
        layers=lib.llama_model_n_layer(pointer),
        embedding=lib.llama_model_n_embd(pointer),
        parameters=lib.llama_model_n_params(pointer),
        size=lib.llama_model_size(pointer),
        trained_context=lib.llama_model_n_ctx_train(pointer),
    )


def _context_length(requested: int, trained: int) -> int:
    """Tokens per sequence. A default that exceeds the model's trained context is reduced to it without an error."""
    if requested > trained and requested > _DEFAULT_CONTEXT:
        raise UsageError(
            f"--ctx {requested} is more than the {trained} tokens this model was trained on", f"--ctx {trained}"
        )
    return min(requested, trained)
