"""One sequence on servers: what it consists of so far, and what a piece of a reply adds to it.

Where a server returns token ids and the vocabulary is on this machine, the ids are the truth: text, stops and
degeneration are found from them as in `engine.batch`, and the next request continues exactly these ids. Otherwise the
text is the truth; it becomes ids again where a server wants them. The first can turn into the second, when a sequence
goes on at a server that returns no ids.

Our own stop detection decides. A server's reason only tells the end of a text from a lost connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qmath_cli.engine.llama.tokenizer import Tokenizer
from qmath_cli.engine.remote.dialects.dialect import Delta, Ending
from qmath_cli.engine.remote.pace import whole_words
from qmath_cli.engine.sequence import SequenceState
from qmath_cli.records import Chunk, Prompt, Sampling, Segment, Stop, Usage

#: How a server that writes control tokens as text ends an assistant's turn.
_TURN_ENDS = ("<|im_end|>", "<|endoftext|>", "<|im_start|>")
_SEED_STEP = 0x9E3779B1  # between the requests of one sequence; users count seeds by one
_SEEDS = 1 << 31  # llama-server takes 32 bits, of which all ones mean "random"
_BYTES_PER_TOKEN = 4  # where nothing counts tokens: many, so that a prompt that fits is not taken for too long
_PIECES = re.compile(r" ?[^\W\d_]{1,8}|\d|\s{1,4}|(?:[^\w\s]|_){1,3}|.", re.DOTALL)  # about as long as tokens
_CUT = "\ufffd"  # what servers make of a character whose last bytes are missing


@dataclass(slots=True, eq=False)
class Stretch:
    """A sequence. Only the event loop changes it while it is active, and the caller while it is not.

    Attributes:
        state: Tokens, stops and counts, as in a `Batch`; the tokens count only where `exact`.
        prompt: What it began with.
        tokenizer: Of the vocabulary on this machine; None if there is none.
        exact: Whether `state.tokens` are all tokens of the sequence.
        endless: For measurements: only limits stop it.
        watched: Whether somebody sees its text while it is written.
        streamed: Whether a whole reply broke, so that the next one comes in pieces.
        expected_s: Seconds within which the current reply should begin.
        home: The server that has it in its cache.
        released: Whether nobody waits for it any more.
        failures: Requests in a row that gave nothing new.
        last: Its last chunk, while the request that gave it is not over.
        moves: How many times it was taken from a server that had not begun with it.
        moving: Whether that is being done.
    """

    state: SequenceState
    prompt: Prompt
    tokenizer: Tokenizer | None = None
    exact: bool = False
    endless: bool = False
    watched: bool = True
    streamed: bool = False
    expected_s: float = 0.0
    home: object | None = None
    released: bool = False
    failures: int = 0
    last: Chunk | None = None
    moves: int = 0
    moving: bool = False
    _text: str = ""  # after the prompt, extensions included, as far as it is certain
    _requests: int = 0
    _prompt_tokens: int = 0  # of the prompt that it began with
    _sent: int = 0  # tokens of the prompts of all requests
    _counted: int = 0  # those of the current request, by our own count
    _cached: int = 0
    _sampled_before: int = 0  # before the current request
    _part: int = 0  # tokens of the current request, where that is less than the text may have; else 0
    _whole: bool = False  # its reply comes in one piece
    _ids_came: bool = False  # in the current request
    _begun: bool = False  # a request was sent, and no piece of its reply has come yet

    def __post_init__(self) -> None:
        if not self.exact:
            self._scan_text()

    @property
    def usage(self) -> Usage:
        """Token counts so far."""
        state = self.state
        prefilled = max(self._sent - self._cached, 0)
        return Usage(self._prompt_tokens, state.sampled, prefilled, state.appended, self._cached)

    @property
    def whole(self) -> Prompt:
        """The prompt with the text so far, including what may still become part of a stop string."""
        written = self._text + self.state.scanner.held.decode("utf-8", "ignore")
        return replace(self.prompt, segments=(*self.prompt.segments, Segment(written))) if written else self.prompt

    @property
    def left(self) -> int:
        """Tokens that the user's limit leaves."""
        return self.state.sampling.max_tokens - self.state.sampled

    def sampling(self) -> Sampling:
        """The sampling of the next request: the first has the user's seed, the others their own."""
        seed = (self.state.sampling.seed + self._requests * _SEED_STEP) % _SEEDS
        return replace(self.state.sampling, seed=seed)

    def begin(self, prompt_tokens: int, part: int = 0, *, whole: bool = False) -> None:
        """Count a request.

        Args:
            prompt_tokens: Length of its prompt.
            part: Tokens of its reply, where the text may go on behind them; else 0.
            whole: Whether the reply comes in one piece.
        """
        self._requests += 1
        self._sent += prompt_tokens
        self._counted = prompt_tokens
        self._prompt_tokens = self._prompt_tokens or prompt_tokens
        self._sampled_before = self.state.sampled
        self._part = part
        self._whole = whole
        self._ids_came = False
        self._begun = True

    def unbegin(self) -> None:
        """Forget the current request, if there is one: no server has begun to compute it."""
        if not self._begun:
            return
        self._begun = False
        self._requests -= 1
        self._sent -= self._counted
        self._counted = 0

    def estimate(self) -> int:
        """About the number of its tokens, for a server that takes text."""
        if self.tokenizer is not None:
            return len(self.tokenizer.tokenize(self.whole))
        return len(self.whole.text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN

    def extend(self, text: str) -> None:
        """Append plain text to a sequence that has stopped."""
        piece = text.encode("utf-8", "replace")
        if self.tokenizer is not None:
            tokens = self.tokenizer.tokenize_plain(self.state.rest + piece if self.exact else piece)
        else:
            tokens = [0] * (len(piece) // _BYTES_PER_TOKEN)
        self.state.append(tokens)
        self._text += text

    def take(self, delta: Delta) -> Chunk | None:
        """Add a piece of a reply, or all of it; returns what is new, with `stop` set where the sequence has stopped."""
        self._begun = self._begun and delta.ending is None and not delta.text and not delta.tokens
        self._ids_came = self._ids_came or bool(delta.tokens)
        if self.exact and delta.text and not self._ids_came:
            self.exact = False
            self._scan_text()
        chunk = self._by_tokens(delta) if self.exact else self._by_text(delta)
        if chunk is not None:
            self._text += chunk.text
            self.failures = 0
        return chunk

    def count(self, delta: Delta) -> None:
        """Correct the counts by those that the server tells."""
        self._cached += delta.cached_tokens or 0
        if delta.prompt_tokens is not None:
            self._sent += delta.prompt_tokens - self._counted
            self._counted = delta.prompt_tokens
            if self._requests == 1:
                self._prompt_tokens = delta.prompt_tokens
        if delta.completion_tokens is not None and not self.exact:
            self.state.sampled = self._sampled_before + delta.completion_tokens

    def stop(self, reason: Stop) -> Chunk:
        """End the sequence for a reason from outside."""
        chunk = self.state.stop(reason, tokens=0)
        self._text += chunk.text
        return chunk

    def _scan_text(self) -> None:
        """From here on the text is the truth: a control token that is written as text ends it, too."""
        self.state.stops = (*self.state.stops, *_TURN_ENDS)
        self.state.scanner = type(self.state.scanner)(self.state.stops)

    def _by_tokens(self, delta: Delta) -> Chunk | None:
        text, count = "", 0
        for token in delta.tokens:
            found = self._token(token)
            text, count = text + found.text, count + 1
            if found.stop is not None:
                return replace(found, text=text, tokens=count)
        return self._ended(delta, text, count)

    def _token(self, token: int) -> Chunk:
        """Add one token; the decisions are those of `Batch`."""
        state, tokenizer = self.state, self.tokenizer
        if tokenizer is None:
            raise RuntimeError("a sequence without a vocabulary cannot be exact")
        if tokenizer.ends(token) and not self.endless:
            return state.stop(Stop.END)
        text, match = state.accept(token, tokenizer.piece(token))
        if match is not None:
            state.remove_stop(match)
            return state.stop(Stop.STRING, text)
        if state.detector.add(token, text) and not self.endless:
            return state.stop(Stop.DEGENERATE, text)
        if state.sampled >= state.sampling.max_tokens:
            return state.stop(Stop.MAX_TOKENS, text)
        return Chunk(state.id, text)

    def _by_text(self, delta: Delta) -> Chunk | None:
        """Add text. It is looked at in pieces of about a token's length: a loop within one reply is a loop, too."""
        state, text = self.state, ""
        written = delta.text
        if self._whole and delta.ending in {None, Ending.LENGTH}:  # cut maybe within a character
            written = written.rstrip(_CUT)
        if self._goes_on(delta, delta.completion_tokens):
            written = whole_words(written)
        pieces = _PIECES.findall(written)
        count = len(delta.tokens) or (len(pieces) if self._whole else min(len(pieces), 1))
        before = state.sampled
        for number, piece in enumerate(pieces, 1):
            new, match = state.accept(0, piece.encode("utf-8", "replace"))
            text += new
            if match is not None:
                ours = match.stop in self.prompt.stops
                state.active = False
                state.sampled = before + min(number, count)
                return Chunk(state.id, text, min(number, count), Stop.STRING if ours else Stop.END)
            if state.detector.add(hash(piece), new) and not self.endless:
                state.sampled = before + min(number, count)
                return state.stop(Stop.DEGENERATE, text, min(number, count))
        state.sampled = before + count
        return self._ended(delta, text, count)

    def _goes_on(self, delta: Delta, tokens: int | None) -> bool:
        """Whether the text was cut because only a part was asked for; `tokens`: that have come, if it is known."""
        return bool(self._part) and delta.ending is Ending.LENGTH and (tokens is None or tokens >= self._part)

    def _ended(self, delta: Delta, text: str, count: int) -> Chunk | None:
        """The chunk of a piece in which we found no stop: the server may have ended the text."""
        state = self.state
        if delta.ending is None:
            return Chunk(state.id, text, count) if text or count else None
        self.count(replace(delta, cached_tokens=None))
        if delta.ending is Ending.STRING:
            return self._stopped_by_server(text, count)
        if delta.ending is Ending.END:
            return state.stop(Stop.END, text, count)
        came = state.sampled - self._sampled_before if self.exact else delta.completion_tokens
        if count and self._goes_on(delta, came):
            return Chunk(state.id, text, count)
        full = state.sampled >= state.sampling.max_tokens
        return state.stop(Stop.MAX_TOKENS if full else Stop.CONTEXT, text, count)

    def _stopped_by_server(self, text: str, count: int) -> Chunk:
        """A stop string that we have not seen: the server took it out of the text, and out of the ids as well."""
        state = self.state
        if self.exact:  # what is held back may be a part of it, and the last ids with it: go on from the text
            self.exact = False
            state.active = False
            return Chunk(state.id, text, count, Stop.STRING)
        chunk = state.stop(Stop.END, text, count)  # nothing of it is in the text
        return replace(chunk, stop=Stop.STRING)
