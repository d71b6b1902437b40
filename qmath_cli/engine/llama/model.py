"""A loaded GGUF file: its weights, its tokenizer and its metadata.

`load` checks the file and the options before llama.cpp opens the file, and raises an error that names the problem.
Tokens are llama.cpp's integer ids. Text from a user or a program never becomes a control token: see `Model.tokenize`.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Self

from qmath_cli import gguf_file
from qmath_cli.engine.llama.compute_thread import compute_thread
from qmath_cli.engine.llama.devices import Footprint, Placement, place
from qmath_cli.engine.llama.library import library
from qmath_cli.engine.llama.preflight import Preflight
from qmath_cli.errors import EngineUnusable, IntegrityError, UsageError
from qmath_cli.records import Prompt, Segment
from qmath_cli.settings import KVType

_ARCHITECTURE = "qwen2"
_CACHED_TEXTS = 64  # texts whose tokens are cached: the text of a template recurs in every prompt
_DEFAULT_CONTEXT = 4096  # tokens; what Qwen2.5-Math was trained on
_MAX_TEXT = 2**31 - 2  # bytes: llama_tokenize takes the length as int32
_PIECE_BYTES = 64  # a first buffer for the bytes of one token; most tokens need fewer
_CONTROL_TOKEN = re.compile(r"<\|[^|<>\s]{1,40}\|>")  # how Qwen2 spells its control tokens


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is run, in the user's terms; `auto` and 0 are resolved when it is loaded."""

    device: str = "auto"
    gpu_layers: str = "auto"
    threads: int = 0
    ctx: int = _DEFAULT_CONTEXT  # tokens
    kv_type: KVType = KVType.F16
    mlock: bool = False
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


class Model:
    """A loaded model, created by `load`. Close it, or use it as a context manager."""

    def __init__(
        self,
        pointer: Any,  # noqa: ANN401
        path: Path,
        options: Options,
        placement: Placement,
        preflight: Preflight,
    ) -> None:
        self.lib: Any = library().lib
        self.pointer: Any = pointer
        self.path = path
        self.options = options
        self.placement = placement
        self.preflight = preflight
        self.facts = _facts(self.lib, pointer)
        self.context_length = _context_length(options.ctx, self.facts.trained_context)
        self._vocab = self.lib.llama_model_get_vocab(pointer)
        self.vocabulary = int(self.lib.llama_vocab_n_tokens(self._vocab))
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._plain_tokens = functools.lru_cache(_CACHED_TEXTS)(lambda text: tuple(self.tokenize_plain(text.encode())))
        self._control_tokens: dict[str, int | None] = {}  # by spelling, `<|im_start|>`; None: not in the vocabulary
        self._free = weakref.finalize(self, self.lib.llama_model_free, pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory. Close every `Batch` and `RewardModel` of this model first."""
        self._free()

    def tokenize(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt.

        The text between two control tokens is tokenized in one piece, across segments. The result equals that of a chat
        template applied to the whole text, except that only `special` segments can contain control tokens: a problem
        that spells one stays text.
        """
        tokens: list[int] = []
        for part in self._parts(prompt.segments):
            tokens += [part] if isinstance(part, int) else self._plain_tokens(part)
        return tokens

    def tokenize_plain(self, text: bytes) -> list[int]:
        """The token ids of UTF-8 text; what looks like a control token is tokenized as text."""
        return self._encode(text, special=False)

    def piece(self, token: int) -> bytes:
        """The bytes of a token's text; empty for a control token."""
        if token not in self._pieces:
            self._pieces[token] = self._decode(token)
        return self._pieces[token]

    def ends(self, token: int) -> bool:
        """Whether a sampled token ends the assistant's turn: an end token or any other control token."""
        if token not in self._ends:
            lib, vocab = self.lib, self._vocab
            self._ends[token] = bool(lib.llama_vocab_is_eog(vocab, token) or lib.llama_vocab_is_control(vocab, token))
        return self._ends[token]

    def _parts(self, segments: Iterable[Segment]) -> Iterator[str | int]:
        """Each control token as its id, and the text between two control tokens in one piece."""
        plain = ""
        for segment in segments:
            start = 0
            for match in _CONTROL_TOKEN.finditer(segment.text) if segment.special else ():
                token = self._control_token(match.group())
                if token is not None:
                    yield plain + segment.text[start : match.start()]
                    yield token
                    plain, start = "", match.end()
            plain += segment.text[start:]
        yield plain

    def _control_token(self, text: str) -> int | None:
        """The id of the control token with this spelling, if the vocabulary has one."""
        if text not in self._control_tokens:
            tokens = self._encode(text.encode(), special=True)
            control = len(tokens) == 1 and self.lib.llama_vocab_is_control(self._vocab, tokens[0])
            self._control_tokens[text] = tokens[0] if control else None
        return self._control_tokens[text]

    def _encode(self, text: bytes, *, special: bool) -> list[int]:
        if not text:
            return []
        if len(text) > _MAX_TEXT:
            raise ValueError(f"a text of {len(text)} bytes is too long for the tokenizer")
        size = len(text) + 1  # a token of Qwen2's byte-level vocabulary is at least one byte
        tokens = (ctypes.c_int32 * size)()
        count = self.lib.llama_tokenize(self._vocab, text, len(text), tokens, size, False, special)
        if not 0 <= count <= size:  # negative: minus the size that is needed
            raise EngineUnusable(f"llama.cpp needs {-count} tokens for a text of {len(text)} bytes")
        return list(tokens[:count])

    def _decode(self, token: int) -> bytes:
        size = _PIECE_BYTES
        for _ in range(2):
            buffer = ctypes.create_string_buffer(size)
            written: int = self.lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if 0 <= written <= size:
                return buffer.raw[:written]
            size = -written  # negative: minus the size that is needed
        raise EngineUnusable(f"llama.cpp does not give the text of token {token}")


def load(path: Path, options: Options, preflight: Preflight) -> Model:
    """Load a GGUF file.

    Args:
        path: The file.
        options: How to run it.
        preflight: The result of the preflight check of this build: see `preflight.check`.

    Returns:
        The model. Whether it fits into memory is not checked here: see `models.fit`.

    Raises:
        ModelMissing: The file does not exist.
        IntegrityError: It is damaged or not a GGUF file.
        UsageError: It has another architecture, or an option is impossible.
        EngineUnusable: This build of llama.cpp does not run on this CPU.
    """
    found = gguf_file.read(path)
    if found.architecture != _ARCHITECTURE:
        raise UsageError(
            f"{path} holds a model of the {found.architecture or 'unnamed'!s} architecture",
            "qmath runs Qwen2.5-Math and other qwen2 models; `qmath list` names what is installed",
        )
    preflight.require()
    placement = place(
        options.device,
        options.gpu_layers,
        options.threads,
        model_layers=found.layers,
        footprint=options.footprint,
        cpu_only=preflight.plain,
        size=path.stat().st_size,
    )
    llama = library()
    llama.clear_warnings()
    device_list = placement.device_list()  # C code reads it during the load only
    parameters = _parameters(llama.lib, options, placement, preflight)
    parameters.devices = ctypes.cast(device_list, ctypes.c_void_p)
    pointer = _load(llama.lib, path, parameters)
    if not pointer:
        raise IntegrityError(
            f"llama.cpp cannot load {path}: {llama.warnings() or 'it gives no reason'}",
            "`qmath verify` checks an installed model; `qmath pull` downloads and converts it again",
        )
    return Model(pointer, path, options, placement, preflight)


def _load(lib: Any, path: Path, parameters: Any) -> int | None:  # noqa: ANN401
    """Load on the compute thread; Ctrl-C ends the load between two tensors."""
    cancelled = Event()
    progress = lib.llama_progress_callback(lambda _share, _data: not cancelled.is_set())
    parameters.progress_callback = progress  # the local name keeps it alive: the C side does not keep a reference
    return compute_thread().create(
        lambda: lib.llama_model_load_from_file(os.fsencode(path), parameters), lib.llama_model_free, cancelled.set
    )


def _parameters(lib: Any, options: Options, placement: Placement, preflight: Preflight) -> Any:  # noqa: ANN401
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = placement.gpu_layers
    parameters.use_extra_bufts = preflight.extra_buffers
    parameters.load_mode = lib.LLAMA_LOAD_MODE_MMAP_MLOCK if options.mlock else lib.LLAMA_LOAD_MODE_MMAP
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
