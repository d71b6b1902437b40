"""The tokens of a scripted server: the vocabulary of the demo checkpoint, and the mark of process reward models."""

from __future__ import annotations

import functools
from pathlib import Path

from tokenizers import Tokenizer

_TOKENIZER = Path(__file__).resolve().parents[3] / "convert" / "demo" / "checkpoint" / "tokenizer.json"
_SIZE = 1536  # rows of the demo's embedding, of which the last ones are unused


class Vocabulary:
    """Byte-level BPE; its control tokens are found in text only where they are asked for.

    Attributes:
        special: The id of each control token. `<|im_end|>` and `<|endoftext|>` end a text.
        ends: The ids that end a text, the usual one first.
        size: How many ids there are.
    """

    def __init__(self) -> None:
        self._parsing = Tokenizer.from_file(str(_TOKENIZER))
        self._plain = Tokenizer.from_file(str(_TOKENIZER))
        self._plain.encode_special_tokens = True
        known = [token.content for token in self._parsing.get_added_tokens_decoder().values()]
        self.special = {text: token for text in known if (token := self._parsing.token_to_id(text)) is not None}
        self.ends = (self.special["<|im_end|>"], self.special["<|endoftext|>"])
        self.mark = max(self.special.values()) + 1  # <extra_0>
        self.special["<extra_0>"] = self.mark
        self.size = _SIZE
        self._texts = {token: text for text, token in self.special.items()}
        self.encode = functools.lru_cache(4096)(self._encode)

    def _encode(self, text: str, *, special: bool = True) -> tuple[int, ...]:
        """The ids of a text; with `special`, what spells a control token becomes one."""
        if not special:
            return tuple(self._plain.encode(text, add_special_tokens=False).ids)
        ids: list[int] = []
        for index, part in enumerate(text.split("<extra_0>")):
            ids += [self.mark] * bool(index)
            ids += self._parsing.encode(part, add_special_tokens=False).ids
        return tuple(ids)

    @functools.cache  # noqa: B019  # there is one vocabulary
    def piece(self, token: int) -> bytes:
        """The bytes of a token, those of a control token included."""
        if token in self._texts:
            return self._texts[token].encode()
        written = self._plain.id_to_token(token)
        return b"" if written is None else bytes(_BYTES[letter] for letter in written)

    def text(self, ids: tuple[int, ...]) -> str:
        """The text of ids, control tokens spelled."""
        return b"".join(map(self.piece, ids)).decode("utf-8", "replace")


def _bytes() -> dict[str, int]:
    """The byte of each letter in which GPT-2's byte-level BPE writes its tokens."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(byte): byte for byte in shown}
    hidden = [byte for byte in range(256) if byte not in shown]
    return letters | {chr(256 + index): byte for index, byte in enumerate(hidden)}


_BYTES = _bytes()


@functools.cache
def vocabulary() -> Vocabulary:
    """The one vocabulary of all scripted servers."""
    return Vocabulary()
