"""How much of a file is loaded, by what the system and llama.cpp say."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.engine.llama import load_share
from qmath_cli.engine.llama.load_share import LoadShare
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 1000 bytes."""
    path = tmp_path / "x.gguf"
    path.write_bytes(b"x" * 1000)
    return path


def resident(monkeypatch: pytest.MonkeyPatch, *found: int | None) -> None:
    """Let the system say so, one after the other."""
    values = iter(found)
    monkeypatch.setattr(load_share, "_resident", lambda: next(values))


def test_what_is_mapped_counts_before_llama_says_anything(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of other files do not."""
    resident(monkeypatch, 5000, 5250, 5750)
    share = LoadShare(file, staged=False)
    assert (share.now(), share.now()) == (0.25, 0.75)


def test_where_tensors_are_copied_afterwards_mapping_is_half(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reaches the whole only when both are done, and never goes back."""
    resident(monkeypatch, 0, 500, 1000, 1000, 1000)
    share = LoadShare(file, staged=True)
    found = [share.now(), share.now()]
    share.reported = 0.5
    found.append(share.now())
    share.reported = 1.0
    assert [*found, share.now()] == [0.25, 0.5, 0.75, 1.0]


def test_a_share_stays_between_none_and_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else the process maps or unmaps meanwhile."""
    resident(monkeypatch, 5000, 9000, 1000)
    share = LoadShare(file, staged=False)
    assert (share.now(), share.now()) == (1.0, 0.0)


def test_where_the_system_does_not_tell_llama_does(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""
    resident(monkeypatch, None)
    share = LoadShare(file, staged=True)
    share.reported = 0.4
    assert share.now() == 0.4


def test_loading_can_be_observed(demo: Path) -> None:
    """The model is the same, and what is observed is a share."""
    shares: list[float] = []
    with load(demo, Options(), Preflight(), shares.append) as model:
        assert model.facts.layers > 0
    assert all(0 <= share <= 1 for share in shares)
