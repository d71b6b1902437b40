"""Comparison of a score with the published figures."""

from __future__ import annotations

from collections.abc import Sequence

from qmath_cli.evaluation.layouts import LAYOUTS
from qmath_cli.evaluation.published import Method
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.evaluation.score import Score
from qmath_cli.records import Mode, ServerInfo
from qmath_cli.settings import Grade

#: Where process reward models pay, by the table of best-of-8 choices in arXiv 2501.07301 (table 6 and the appendix).
_PROGRAMS_UNMEASURED = (
    "PRM@k: what a process reward model gains over the vote is published for solutions in words only."
)
_VOTE_IS_BETTER = "PRM@k: for a 72B model the published vote (70.2 %) is above the choice of prm-7b (69.9 %)."


def remarks(found: Score, quantization: str) -> tuple[str, ...]:
    """Sentences about the differences between a run and the published one.

    Args:
        found: The score, with its published figures.
        quantization: The model's quantization; empty if unknown.

    Returns:
        Full sentences; one about the absence of figures if none is published, but none about data of the user's own.
    """
    sentences = [_PROGRAMS_UNMEASURED] if found.prm and found.setup and found.setup.mode is Mode.TIR else []
    sentences += [_VOTE_IS_BETTER] if found.prm and found.setup and "72b" in found.setup.model.lower() else []
    if found.data not in LAYOUTS:
        return tuple(sentences)
    if not found.published:
        return (*sentences, "No published figure exists for this model and data set.")
    layout = LAYOUTS.get(found.data)
    if layout is not None and layout.size is not None and found.items != layout.size:
        sentences.append(
            f"Not comparable with the published figures: of {layout.size} problems, {found.items} were run."
        )
    if found.k not in {1, 8}:
        sentences.append(f"Published figures are greedy or Maj@8; this run drew {found.k} samples per problem.")
    if found.grade is not Grade.OFFICIAL:
        sentences.append("Published figures use the official grade; this score uses the strict one.")
    if layout is not None and layout.choice:
        sentences.append("Choice questions are prompted with other examples than Qwen's.")
    if quantization:
        sentences.append(f"The published model is bf16; this one is {quantization}.")
    return tuple(sentences)


def server_remarks(servers: Sequence[ServerInfo], scorer: ServerInfo | None = None) -> tuple[str, ...]:
    """Sentences about the servers that computed a run, and that which scored it; none for this machine."""
    scored = () if scorer is None else (f"Rewards by {_named(scorer)} with {scorer.model}.",)
    if not servers:
        return scored
    named = [_named(one) for one in servers]
    promise = all(one.deterministic for one in servers)
    seeds = "" if promise else " The same seed need not give the same text there."
    return (f"Computed by {', '.join(dict.fromkeys(named))} with {servers[0].model}.{seeds}", *scored)


def unrated_remarks(samples: Sequence[GradedSample]) -> tuple[str, ...]:
    """How many samples the reward model could not score; none if it could score all, or none was asked."""
    count = sum(bool(one.unrated) for one in samples)
    if not count:
        return ()
    which = "1 sample was" if count == 1 else f"{count} samples were"
    return (f"{which} too long for the reward model: without a score, such a sample is its last choice.",)


def _named(server: ServerInfo) -> str:
    return f"{server.kind} {server.version or 'of unknown version'} at {server.address}"


def against_published(found: Score) -> tuple[tuple[Method, float, float], ...]:
    """Compare a score with the published figures.

    Returns:
        (method, published, measured) for each published figure whose method this run covers; shares between 0 and 1.
    """
    measured = {
        Method.GREEDY: found.accuracy if found.k == 1 else None,
        Method.MAJ8: found.maj.get(8),
        Method.RM8: found.rm.get(8),
    }
    return tuple(
        (figure.method, figure.accuracy, ours)
        for figure in found.published
        if (ours := measured[figure.method]) is not None
    )
