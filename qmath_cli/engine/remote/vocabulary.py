"""Text to token ids for servers that take them. Text from a user or a program never becomes a control token.

`InstalledVocabulary` is that of a model on this machine: exact, and no request. `ServerVocabulary` asks the server's
own tokenizer, text by text. Some of those parse control tokens out of any text; where a plain text spells one, it is
cut behind `<|` or `<extra`, where Qwen2's pre-tokenizer cuts anyway, so that the tokens are those of the whole, read
as text.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from qmath_cli.engine.llama.model import VocabularyFile
from qmath_cli.engine.llama.tokenizer import CONTROL_TOKENS, SPELLED, parts
from qmath_cli.engine.remote.http import Broken, Connection, RequestRefused, Streams
from qmath_cli.records import Prompt, Segment, ServerInfo, ServerKind

_CACHED_TEXTS = 256
#: A text with which two vocabularies are compared: control tokens, English, Chinese, LaTeX, digits, a lone emoji.
SPECIMEN = Prompt(
    (
        Segment("<|im_start|>system\n", special=True),
        Segment("Solve $\\frac{17}{24}x^2 = 3.5$ 求方程的根。 def f(n):\n    return n ** 2  # 🧮"),
        Segment("<|im_end|>\n", special=True),
    )
)
_ADDED = re.compile(r"<\|[^|<>\s]{1,40}\|>|</?tool_call>|<extra_0>")  # what Qwen2.5's tokenizers cut out of any text
_OPENING = re.compile(r"<\||</?[a-z]+")  # behind it Qwen2's pre-tokenizer cuts anyway


class Vocabulary(Protocol):
    """What a prompt is in token ids."""

    async def tokenize(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt. Raises `Broken` or `ServerUnusable` where a server is asked and fails."""
        ...


@dataclass(frozen=True, slots=True)
class InstalledVocabulary:
    """The vocabulary of an installed model."""

    file: VocabularyFile

    async def tokenize(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt."""
        await asyncio.sleep(0)  # other sequences go on between two long prompts
        return self.file.tokenizer.tokenize(prompt)


@dataclass(slots=True)
class ServerVocabulary:
    """The tokenizer of a server."""

    info: ServerInfo
    streams: Streams
    _known: OrderedDict[tuple[str, bool], list[int]] = field(default_factory=OrderedDict)

    async def tokenize(self, prompt: Prompt) -> list[int]:
        """The token ids of a prompt."""
        spelled = {text for one in prompt.segments if one.special for text in SPELLED.findall(one.text)}
        control: dict[str, int | None] = {}
        for text in spelled:
            found = await self._ask(text, special=True)
            control[text] = found[0] if len(found) == 1 else None
        tokens: list[int] = []
        for part in parts(prompt.segments, control.get):
            tokens += [part] if isinstance(part, int) else await self._plain(part)
        return tokens

    async def _plain(self, text: str) -> list[int]:
        if self.info.kind is ServerKind.LLAMA_SERVER:  # it can read any text as text
            return await self._ask(text, special=False) if text else []
        tokens: list[int] = []
        for piece in pieces(text):
            tokens += await self._ask(piece, special=False)
        return tokens

    async def _ask(self, text: str, *, special: bool) -> list[int]:
        key = (text, special)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        found = _tokens(await self.streams.json("/tokenize", tokenize_body(self.info, text, special=special)))
        self._known[key] = found
        if len(self._known) > _CACHED_TEXTS:
            self._known.popitem(last=False)
        return found


def tokenize_body(info: ServerInfo, text: str, *, special: bool) -> Mapping[str, Any]:
    """The body of a `POST /tokenize`: llama-server's, or that of vLLM and SGLang."""
    if info.kind is ServerKind.LLAMA_SERVER:
        return {"content": text, "add_special": False, "parse_special": special}
    return {"model": info.model, "prompt": text, "add_special_tokens": False}


def agrees(file: VocabularyFile, info: ServerInfo, connection: Connection) -> bool:
    """Whether a server has the vocabulary of a model on this machine, as far as a text with all kinds of signs tells.

    Raises:
        Broken, ServerUnusable: The server has no tokenizer to ask, or fails.
    """
    theirs = _tokens(connection.json("POST", "/tokenize", tokenize_body(info, SPECIMEN.text, special=True)))
    return theirs == file.tokenizer.tokenize(SPECIMEN)


def tokenizes(info: ServerInfo, connection: Connection) -> bool:
    """Whether a server has a tokenizer that can be asked."""
    with suppress(Broken, RequestRefused):
        body = tokenize_body(info, SPECIMEN.text, special=True)
        return bool(_tokens(connection.json("POST", "/tokenize", body)))
    return False


def control_token_in(text: str) -> str | None:
    """The first control token that a text spells, as a server would read it; None for none."""
    found = _ADDED.search(text)
    if found is not None:
        return found.group()
    return next((token for token in CONTROL_TOKENS if token in text), None)


def defused(text: str) -> str:
    """A text in which a blank behind `<` breaks every control token that it spells."""
    return _ADDED.sub(lambda match: f"< {match.group()[1:]}", text)


def pieces(text: str) -> Iterator[str]:
    """The text in pieces none of which spells a control token."""
    start = 0
    for match in _ADDED.finditer(text):
        cut = _OPENING.match(text, match.start())
        end = match.start() + 1 if cut is None else cut.end()
        yield text[start:end]
        start = end
    if text[start:]:
        yield text[start:]


def _tokens(reply: Any) -> list[int]:  # noqa: ANN401  as the server sends it
    found = reply.get("tokens") if isinstance(reply, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, int) for one in found):
        raise Broken("the server's /tokenize does not reply with tokens")
    return found
