"""A GGUF file in memory: its weights, its vocabulary, and what it says about itself.

`load` refuses what cannot work with one clear sentence, before llama.cpp gets to see it where that is possible.
Tokens are llama.cpp's integer ids. A user's text can never become a control token: see `Model.tokenize`.
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
from qmath_cli.errors import IntegrityError, UsageError
from qmath_cli.records import Prompt, Segment
from qmath_cli.settings import KVType

_ARCHITECTURE = "qwen2"
_RECENT = 64  # texts whose tokens are kept: what a template says is the same in every prompt
_USUAL_CONTEXT = 4096  # what Qwen2.5-Math was trained on, and the default setting
_SPECIAL = re.compile(r"<\|[^|<>\s]{1,40}\|>")  # how Qwen writes every control token


@dataclass(frozen=True, slots=True)
class Options:
    """How a model is run, as the user said it; `auto` and 0 are decided when it is loaded."""

    device: str = "auto"
    gpu_layers: str = "auto"
    threads: int = 0
    ctx: int = _USUAL_CONTEXT
    kv_type: KVType = KVType.F16
    mlock: bool = False
    footprint: Callable[[], Footprint] | None = None  # for gpu_layers `auto`; None: every layer is offloaded


@dataclass(frozen=True, slots=True)
class Facts:
    """What a loaded model says about itself; sizes in bytes."""

    description: str
    architecture: str
    layers: int
    embedding: int
    parameters: int
    size: int
    trained_context: int


class Model:
    """A loaded model. Made by `load`; close it, or use it as a context manager."""

    def __init__(
        self,
        pointer: Any,  # noqa: ANN401
        path: Path,
        options: Options,
        placement: Placement,
        verdict: Preflight,
    ) -> None:
        self.lib: Any = library().lib
        self.pointer: Any = pointer
        self.path = path
        self.options = options
        self.placement = placement
        self.verdict = verdict
        self.facts = _facts(self.lib, pointer)
        self.context_length = _context_length(options.ctx, self.facts.trained_context)
        self._vocab = self.lib.llama_model_get_vocab(pointer)
        self.vocabulary = int(self.lib.llama_vocab_n_tokens(self._vocab))
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._recent = functools.lru_cache(_RECENT)(lambda text: tuple(self._encode(text.encode(), special=False)))
        self._controls: dict[str, int | None] = {}  # what texts like `<|im_start|>` are in this vocabulary
        self._free = weakref.finalize(self, self.lib.llama_model_free, pointer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back. Every `Batch` on this model is closed first, by its owner."""
        self._free()

    def tokenize(self, prompt: Prompt) -> list[int]:
        """Token ids of a prompt; only its `special` segments may hold control tokens.

        The text between two control tokens is tokenised as one, across segments: the result is the one that a chat
        template over the whole text gives, except that a problem which spells a control token stays text.
        """
        tokens: list[int] = []
        for run in self._runs(prompt.segments):
            tokens += [run] if isinstance(run, int) else self._recent(run)
        return tokens

    def tokenize_plain(self, text: bytes) -> list[int]:
        """Token ids of text that holds no control token, whatever it looks like."""
        return self._encode(text, special=False)

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; empty for a control token."""
        if token not in self._pieces:
            self._pieces[token] = self._decode(token)
        return self._pieces[token]

    def ends(self, token: int) -> bool:
        """Whether a sampled token ends the answer.

        Both end tokens do, and so does any other control token: the assistant's turn is over when one appears.
        """
        if token not in self._ends:
            lib, vocab = self.lib, self._vocab
            self._ends[token] = bool(lib.llama_vocab_is_eog(vocab, token) or lib.llama_vocab_is_control(vocab, token))
        return self._ends[token]

    def _runs(self, segments: Iterable[Segment]) -> Iterator[str | int]:
        """Control tokens one by one, and between them the longest runs of plain text."""
        plain = ""
        for segment in segments:
            at = 0
            for match in _SPECIAL.finditer(segment.text) if segment.special else ():
                token = self._control(match.group())
                if token is not None:
                    yield plain + segment.text[at : match.start()]
                    yield token
                    plain, at = "", match.end()
            plain += segment.text[at:]
        yield plain

    def _control(self, text: str) -> int | None:
        """The control token that a text is, if it is one."""
        if text not in self._controls:
            tokens = self._encode(text.encode(), special=True)
            control = len(tokens) == 1 and self.lib.llama_vocab_is_control(self._vocab, tokens[0])
            self._controls[text] = tokens[0] if control else None
        return self._controls[text]

    def _encode(self, text: bytes, *, special: bool) -> list[int]:
        if not text:
            return []
        room = len(text) + 1  # a token is at least one byte
        tokens = (ctypes.c_int32 * room)()
        count = self.lib.llama_tokenize(self._vocab, text, len(text), tokens, room, False, special)
        return list(tokens[:count])

    def _decode(self, token: int) -> bytes:
        room = 64
        buffer = ctypes.create_string_buffer(room)
        size = self.lib.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
        if size < 0:  # minus the room it needs
            room = -size
            buffer = ctypes.create_string_buffer(room)
            size = self.lib.llama_token_to_piece(self._vocab, token, buffer, room, 0, False)
        return buffer.raw[:size]


def load(path: Path, options: Options, verdict: Preflight) -> Model:
    """Load a GGUF file.

    Raises `ModelMissing`, `IntegrityError`, `UsageError` (another architecture, an impossible option) and
    `EngineUnusable`. Whether it fits into memory was decided before: see `models.fit`.
    """
    found = gguf_file.read(path)
    if found.architecture != _ARCHITECTURE:
        raise UsageError(
            f"{path} holds a model of the {found.architecture or 'unnamed'!s} architecture",
            "qmath runs Qwen2.5-Math and its kin (qwen2); `qmath list` names what is installed",
        )
    verdict.require()
    placement = place(
        options.device,
        options.gpu_layers,
        options.threads,
        model_layers=found.layers,
        footprint=options.footprint,
        cpu_only=verdict.plain,
        size=path.stat().st_size,
    )
    llama = library()
    llama.forget_complaints()
    device_list = placement.device_list()  # the C side reads it during the call only
    parameters = _parameters(llama.lib, options, placement, verdict)
    parameters.devices = ctypes.cast(device_list, ctypes.c_void_p)
    pointer = _load(llama.lib, path, parameters)
    if not pointer:
        raise IntegrityError(
            f"llama.cpp cannot load {path}: {llama.complaints() or 'it does not say why'}",
            "`qmath verify` checks an installed model; `qmath pull` fetches and converts it anew",
        )
    return Model(pointer, path, options, placement, verdict)


def _load(lib: Any, path: Path, parameters: Any) -> int | None:  # noqa: ANN401
    """Load aside, so that Ctrl-C ends a load between two tensors."""
    stopped = Event()
    progress = lib.llama_progress_callback(lambda _share, _data: not stopped.is_set())
    parameters.progress_callback = progress  # and `progress` lives as long as the load: the C side holds no reference
    return compute_thread().made(
        lambda: lib.llama_model_load_from_file(os.fsencode(path), parameters), lib.llama_model_free, stopped.set
    )


def _parameters(lib: Any, options: Options, placement: Placement, verdict: Preflight) -> Any:  # noqa: ANN401
    parameters = lib.llama_model_default_params()
    parameters.n_gpu_layers = placement.gpu_layers
    parameters.use_extra_bufts = verdict.extra_buffers
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


def _context_length(asked: int, trained: int) -> int:
    """The tokens one sequence may hold; a model trained on fewer than the usual number simply has fewer."""
    if asked > trained and asked > _USUAL_CONTEXT:
        raise UsageError(
            f"--ctx {asked} is more than the {trained} tokens this model was trained on", f"--ctx {trained}"
        )
    return min(asked, trained)
