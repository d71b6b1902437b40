"""The state of one sequence: its tokens, how many of them are in the KV cache, and its text up to the next stop.

`tokens` holds all tokens in order: of the prompt, sampled, and appended. The first `cached` of them are in the cells of
`slot`; the others are pending. Prefill, decode, continuing after a program and continuing after a preemption are
therefore the same operation: compute the pending tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qmath_cli.engine.degeneration import DegenerationDetector
from qmath_cli.engine.drafts.drafting import Drafting
from qmath_cli.engine.sampler import Sampler
from qmath_cli.engine.stop_strings import StopMatch, StopScanner
from qmath_cli.records import Chunk, Sampling, Stop, Usage


@dataclass(slots=True, eq=False)
class SequenceState:
    """A sequence of a `Batch`. Only the batch and its `Slots` change it."""

    id: int
    sampling: Sampling
    stops: tuple[str, ...]
    tokens: list[int]
    sampler: Sampler = field(init=False)
    active: bool = True  # False: it has stopped and waits for `extend` or `release`
    slot: int | None = None
    cached: int = 0
    cells: list[int] = field(default_factory=list)  # identities of the cells of the cached tokens
    sampled: int = 0
    prefilled: int = 0
    appended: int = 0
    newly_sampled: bool = False  # the one pending token has been sampled: computing it is not prefill
    rest: bytes = b""  # text before a stop string within the same token; it precedes the next extension
    detector: DegenerationDetector = field(default_factory=DegenerationDetector)
    drafting: Drafting = field(default_factory=Drafting)
    scanner: StopScanner = field(init=False)
    prompt_tokens: int = field(init=False)
    scan_start: int = field(init=False)  # index of the first token that `scanner` gets

    def __post_init__(self) -> None:
        self.sampler = Sampler(self.sampling)
        self.scanner = StopScanner(self.stops)
        self.prompt_tokens = self.scan_start = len(self.tokens)

    @property
    def pending(self) -> int:
        """Number of tokens that are not in the KV cache."""
        return len(self.tokens) - self.cached

    @property
    def usage(self) -> Usage:
        """Token counts so far."""
        drafting = self.drafting
        return Usage(
            self.prompt_tokens,
            self.sampled,
            self.prefilled,
            self.appended,
            drafted_tokens=drafting.drafted,
            accepted_tokens=drafting.accepted,
            gained_tokens=round(drafting.gained),
        )

    def append(self, tokens: list[int]) -> None:
        """Append tokens that were not sampled, and make the sequence active again."""
        self.tokens += tokens
        self.appended += len(tokens)
        self.scan_start = len(self.tokens)
        self.scanner = StopScanner(self.stops)
        self.rest = b""
        self.newly_sampled = False
        self.active = True

    def accept(self, token: int, piece: bytes) -> tuple[str, StopMatch | None]:
        """Append a sampled token; returns what `StopScanner.add` returns for its bytes."""
        self.tokens.append(token)
        self.sampled += 1
        self.newly_sampled = True
        return self.scanner.add(piece)

    def stop(self, reason: Stop, text: str = "", tokens: int = 1) -> Chunk:
        """Make the sequence inactive; returns its last chunk, with the text that was held back."""
        self.active = False
        if reason is not Stop.STRING:
            text += self.scanner.finish()
        return Chunk(self.id, text, tokens, reason)

    def remove_stop(self, match: StopMatch) -> None:
        """Remove the tokens that contain the stop string; text before it in the first of them is kept as `rest`."""
        del self.tokens[self.scan_start + match.tokens :]
        self.rest = match.rest

    def clear_cells(self) -> None:
        """Record that no token is in the KV cache any more."""
        self.slot = None
        self.cached = 0
        self.cells = []
        self.newly_sampled = False
