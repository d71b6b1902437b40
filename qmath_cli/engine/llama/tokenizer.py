"""The tokenizer of a loaded model. Text from a user or a program never becomes a control token.

A control token is recognised by its id and its text, not only by the type that a file gives it: files by others mark
`<|im_start|>` as USER_DEFINED, which llama.cpp then finds in any text, or as NORMAL, which it finds in none.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from qmath_cli.errors import EngineUnusable
from qmath_cli.records import Prompt, Segment

#: The control tokens of Qwen2 and Qwen2.5: `additional_special_tokens` in tokenizer_config.json of the releases, and
#: the end of a text; and the mark of steps of Qwen2.5-Math-PRM. Their other `<|...|>` tokens (such as `<|fim_prefix|>`)
#: are not special there.
CONTROL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>", "<extra_0>",
)  # fmt: skip
_CACHED_TEXTS = 64  # texts whose tokens are cached: the text of a template recurs in every prompt
_MAX_TEXT = 2**31 - 2  # bytes: llama_tokenize takes the length as int32
_PIECE_BYTES = 64  # a first buffer for the bytes of one token; most tokens need fewer
SPELLED = re.compile(r"<\|[^|<>\s]{1,40}\|>|<extra_0>")  # how Qwen2 spells its control tokens
_OPENING = re.compile(rb"<\||<[a-z]+")
_USER_DEFINED = 1 << 4  # LLAMA_TOKEN_ATTR_USER_DEFINED in llama.h


class Tokenizer:
    """The vocabulary of a loaded model.

    Args:
        lib: The functions of llama.h.
        vocab: Its vocabulary, a C pointer.
        control_tokens: The ids of those of `CONTROL_TOKENS` that the file has.
    """

    def __init__(self, lib: Any, vocab: Any, control_tokens: Mapping[str, int]) -> None:  # noqa: ANN401
        self.lib = lib
        self._vocab = vocab
        self.size = int(lib.llama_vocab_n_tokens(vocab))
        self._pieces: dict[int, bytes] = {}
        self._ends: dict[int, bool] = {}
        self._plain_tokens = functools.lru_cache(_CACHED_TEXTS)(lambda text: tuple(self.tokenize_plain(text.encode())))
        self._control_tokens: dict[str, int | None] = dict(control_tokens)  # None: not in the vocabulary
        self._control_ids = frozenset(control_tokens.values())
        self._found_in_text = _pattern(
            text for text, token in control_tokens.items() if lib.llama_vocab_get_attr(vocab, token) & _USER_DEFINED
        )

    def tokenize(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt.

        The text between two control tokens is tokenized in one piece, across segments. The result equals that of a chat
        template applied to the whole text, except that only `special` segments can contain control tokens: a problem
        that spells one stays text.
        """
        tokens: list[int] = []
        for part in parts(prompt.segments, self._control_token):
            tokens += [part] if isinstance(part, int) else self._plain_tokens(part)
        return tokens

    def tokenize_plain(self, text: bytes) -> list[int]:
        """The token ids of UTF-8 text; what looks like a control token is tokenized as text."""
        if self._found_in_text is None:
            return self._encode(text, special=False)
        tokens: list[int] = []
        start = 0
        for match in self._found_in_text.finditer(text):
            # Between `<|` and the letter behind it Qwen2's pre-tokenizer cuts anyway, and between `<extra` and `_` too,
            # so that the tokens of the two halves are those of the whole, read as text.
            opening = _OPENING.match(match.group())
            cut = match.start() + (opening.end() if opening else 1)
            tokens += self._encode(text[start:cut], special=False)
            start = cut
        return tokens + self._encode(text[start:], special=False)

    def piece(self, token: int) -> bytes:
        """The bytes of a token's text; empty for a control token."""
        if token not in self._pieces:
            self._pieces[token] = b"" if token in self._control_ids else self._decode(token)
        return self._pieces[token]

    def text(self, token: int) -> bytes:
        """A token as the vocabulary spells it, control tokens too; not the bytes that it stands for."""
        found: bytes = self.lib.llama_vocab_get_text(self._vocab, token)
        return found

    def ends(self, token: int) -> bool:
        """Whether a sampled token ends the assistant's turn: an end token or any other control token."""
        if token not in self._ends:
            lib, vocab = self.lib, self._vocab
            ends = lib.llama_vocab_is_eog(vocab, token) or lib.llama_vocab_is_control(vocab, token)
            self._ends[token] = bool(ends) or token in self._control_ids
        return self._ends[token]

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


def parts(segments: Iterable[Segment], control_token: Callable[[str], int | None]) -> Iterator[str | int]:
    """Each control token of a prompt as its id, and the text between two control tokens in one piece.

    Args:
        segments: Of the prompt.
        control_token: The id of the control token with this spelling, if the vocabulary has one.
    """
    plain = ""
    for segment in segments:
        start = 0
        for match in SPELLED.finditer(segment.text) if segment.special else ():
            token = control_token(match.group())
            if token is not None:
                yield plain + segment.text[start : match.start()]
                yield token
                plain, start = "", match.end()
        plain += segment.text[start:]
    yield plain


def _pattern(texts: Iterable[str]) -> re.Pattern[bytes] | None:
    """Matches any of these texts; None for none."""
    escaped = [re.escape(text.encode()) for text in texts]
    return re.compile(b"|".join(escaped)) if escaped else None
