"""The file of phrasings is what the generators give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from convert.demo.phrasings import LONGER, collected, names
from convert.demo.problems import KINDS
from qmath_cli.demo.kinds import FILE


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return record


def test_every_kind_is_in_the_file(written: dict[str, Any]) -> None:
    """In their order, with the names of the stories."""
    assert [kind["name"] for kind in written["kinds"]] == list(KINDS)
    assert set(written["names"]) == names()
    assert set(KINDS) >= LONGER


@pytest.mark.parametrize("name", KINDS)
def test_a_generator_gives_nothing_that_the_file_lacks(written: dict[str, Any], name: str) -> None:
    """A change of a generator needs `python -m convert.demo.phrasings`."""
    (kind,) = (one for one in written["kinds"] if one["name"] == name)
    found = collected(name, 25)
    known = {(words, text.count("{}")) for words, text, *_ in kind["phrasings"]}
    assert {(words, text.count("{}")) for words, text, *_ in found["phrasings"]} <= known
    assert len(set(found["neighbours"]) - set(kind["neighbours"])) <= 0.02 * len(found["neighbours"])
    assert found["digits"] <= kind["digits"]
