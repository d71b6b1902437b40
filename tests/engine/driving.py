"""Running sequences to their ends, as a solver does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmath_cli.records import Chunk, Engine, Prompt, Sampling, Segment, Stop

BLOCK = "```output\n2, 3\n```\n"
LONG = Prompt((Segment("1 + 2 = 3, 4 + 5 = 9. " * 120),))  # 2160 tokens of the demo
QUESTION = Prompt((Segment("1 + 2 = 3, 4 + 5 = 9. " * 15 + "1 + 1"),))


def continued(prompt: Prompt, text: str) -> Prompt:
    """A prompt with more text."""
    return Prompt((*prompt.segments, Segment(text)), prompt.stops)


def collect(batch: Engine, ids: Sequence[int]) -> dict[int, tuple[str, Stop]]:
    """Step until each of these sequences has stopped once; the text of each, and why it stopped."""
    texts = dict.fromkeys(ids, "")
    stops: dict[int, Stop] = {}
    while len(stops) < len(ids):
        chunks = batch.step()
        assert chunks, "no sequence can run, and not all have stopped"
        for chunk in chunks:
            if chunk.sequence not in texts:
                continue
            texts[chunk.sequence] += chunk.text
            if chunk.stop is not None:
                stops[chunk.sequence] = chunk.stop
    return {key: (texts[key], stops[key]) for key in ids}


def solve(batch: Engine, prompt: Prompt, samplings: Sequence[Sampling], most_programs: int = 1) -> list[str]:
    """Whole texts, in the order of `samplings`; after every stop string the same output block is appended."""
    ids = batch.start(prompt, samplings)
    texts = dict.fromkeys(ids, "")
    running = set(ids)
    while running:
        chunks = batch.step()
        assert chunks
        for chunk in chunks:
            texts[chunk.sequence] += _continue(batch, chunk, texts[chunk.sequence].count(BLOCK) < most_programs)
            if chunk.stop is not None and not texts[chunk.sequence].endswith(BLOCK):
                running.discard(chunk.sequence)
                batch.release(chunk.sequence)
    return [texts[key] for key in ids]


def _continue(batch: Engine, chunk: Chunk, may_run: bool) -> str:
    if chunk.stop is Stop.STRING and may_run:
        batch.extend(chunk.sequence, BLOCK)
        return chunk.text + BLOCK
    return chunk.text


def until(batch: Engine, reached: Callable[[], bool]) -> str:
    """Step until a condition holds; the text of all chunks."""
    text = ""
    while not reached():
        chunks = batch.step()
        assert chunks
        text += "".join(chunk.text for chunk in chunks)
    return text
