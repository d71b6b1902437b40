"""One sequence: its tokens, how many of them the KV cache holds, and what became of the text.

`tokens` is the whole truth: prompt, sampled and appended tokens in order. The first `cached` of them are in the cells
of `slot`; the rest are pending. Prefill, decode, continuing after a program and resuming after a pause are
therefore one operation: compute what is pending.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qmath_cli.engine.degeneration import DegenerationDetector
from qmath_cli.engine.sampler import Sampler
from qmath_cli.engine.stop_strings import Found, Stretch
from qmath_cli.records import Chunk, Sampling, Stop, Usage


@dataclass(slots=True, eq=False)
class SequenceState:
    """A sequence of a `Batch`, which alone changes it."""

    id: int
    sampling: Sampling
    stops: tuple[str, ...]
    tokens: list[int]
    sampler: Sampler
    active: bool = True  # wants to decode; False: stopped, waiting to be extended or released
    slot: int | None = None
    cached: int = 0
    cells: list[int] = field(default_factory=list)  # identities of the cached tokens' cells
    sampled: int = 0
    prefilled: int = 0
    appended: int = 0  # tokens of text from outside
    fresh: bool = False  # the one pending token has just been sampled
    rest: bytes = b""  # text before a stop string that shared its token with it; precedes the next extension
    watch: DegenerationDetector = field(default_factory=DegenerationDetector)
    stretch: Stretch = field(init=False)
    prompt_tokens: int = field(init=False)
    begin: int = field(init=False)  # index of the stretch's first token

    def __post_init__(self) -> None:
        self.stretch = Stretch(self.stops)
        self.prompt_tokens = self.begin = len(self.tokens)

    @property
    def pending(self) -> int:
        """Tokens that are not in the KV cache."""
        return len(self.tokens) - self.cached

    @property
    def usage(self) -> Usage:
        """Token counts so far."""
        return Usage(self.prompt_tokens, self.sampled, self.prefilled, self.appended)

    def append(self, tokens: list[int]) -> None:
        """Text from outside: a new stretch begins after it."""
        self.tokens += tokens
        self.appended += len(tokens)
        self.begin = len(self.tokens)
        self.stretch = Stretch(self.stops)
        self.rest = b""
        self.fresh = False
        self.active = True

    def accept(self, token: int, piece: bytes) -> tuple[str, Found | None]:
        """A sampled token; gives the text that is certain now, and the stop string if one is complete."""
        self.tokens.append(token)
        self.sampled += 1
        self.fresh = True
        return self.stretch.add(piece)

    def stop(self, why: Stop, text: str = "", tokens: int = 1) -> Chunk:
        """The stretch ends; the sequence waits."""
        self.active = False
        if why is not Stop.STRING:
            text += self.stretch.finish()
        return Chunk(self.id, text, tokens, why)

    def forget_from(self, found: Found) -> None:
        """Drop the tokens from the one in which a stop string begins; what it held before that is kept as `rest`."""
        del self.tokens[self.begin + found.tokens :]
        self.rest = found.rest

    def evict(self) -> None:
        """Nothing of it is in the KV cache any more."""
        self.slot = None
        self.cached = 0
        self.cells = []
        self.fresh = False
