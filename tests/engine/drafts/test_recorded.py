"""Drafts on real text: recorded responses of Qwen2.5-Math-Instruct, replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.engine.drafts.drafts import Drafts
from qmath_cli.engine.drafts.source import LookupSource
from qmath_cli.records import StepCost
from tests.engine.drafts.costs import DEAR, FREE, UNEVEN
from tests.engine.drafts.replay import Replayed, replay

#: A CPU that computes a second row in 1.6 times the time of one, as measured with AVX2; more rows are in proportion.
STEEP = StepCost(((1, 0.06), (2, 0.096), (32, 1.536)))


@pytest.fixture(scope="module")
def texts(shared: Path) -> list[tuple[list[int], list[int]]]:
    """The tokens of the problems and of one in eight responses: 50 of 400."""
    tokenizers = pytest.importorskip("tokenizers")
    encode = tokenizers.Tokenizer.from_file(str(shared / "qwen2-tokenizer" / "tokenizer.json")).encode
    with (shared / "responses" / "math_cot_50.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(encode(row["question"]).ids, encode(row["code"][index % 8]).ids) for index, row in enumerate(rows)]


def replayed(texts: list[tuple[list[int], list[int]]], cost: StepCost) -> Iterator[Replayed]:
    """Each text as it comes out; what was learned from one serves the next."""
    drafts = Drafts(LookupSource(), cost, 1 << 15)
    for prompt, response in texts:
        found = replay(prompt, response, drafts)
        assert found.tokens == [*prompt, *response]
        yield found


def test_where_rows_cost_little_a_step_gives_at_least_1_3_tokens(texts: list[tuple[list[int], list[int]]]) -> None:
    found = list(replayed(texts, FREE))
    tokens = sum(one.usage.completion_tokens for one in found)
    assert tokens / sum(one.steps for one in found) >= 1.3
    assert sum(one.usage.accepted_tokens for one in found) == tokens - sum(one.steps for one in found)


def test_where_rows_are_dear_hardly_anything_is_drafted_and_nothing_is_lost(
    texts: list[tuple[list[int], list[int]]],
) -> None:
    for cost in (DEAR, STEEP, UNEVEN):
        found = list(replayed(texts, cost))
        tokens = sum(one.usage.completion_tokens for one in found)
        assert sum(one.usage.gained_tokens for one in found) >= -0.01 * tokens, cost
        if cost is DEAR:
            assert sum(one.usage.drafted_tokens for one in found) == 0
