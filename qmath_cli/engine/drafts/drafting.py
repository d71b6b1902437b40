"""What drafts know of one sequence: the index of its tokens, how often drafts were accepted, and what they gained."""

from __future__ import annotations

from dataclasses import dataclass, field

from qmath_cli.engine.drafts.acceptance import OwnAcceptance
from qmath_cli.engine.drafts.lookup import Lookup


@dataclass(slots=True, eq=False)
class Drafting:
    """A part of a sequence's state; only `Drafts` changes it.

    Attributes:
        lookup: The index of its tokens; empty where nothing is looked up.
        acceptance: None before the first proposal.
        drafted: Drafted tokens that were verified.
        accepted: Those of them that were the sampled ones.
        gained: Tokens that would have been decoded in the time that drafts saved, by the cost of steps; negative where
            they lost.
    """

    lookup: Lookup = field(default_factory=Lookup)
    acceptance: OwnAcceptance | None = None
    drafted: int = 0
    accepted: int = 0
    gained: float = 0.0
