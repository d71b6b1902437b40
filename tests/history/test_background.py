"""The keeper of many problems: in the background, in order, and never in the way."""

from __future__ import annotations

from pathlib import Path

from qmath_cli.history.background import BackgroundKeeper
from qmath_cli.history.store import History
from qmath_cli.paths import find
from qmath_cli.settings import Settings
from tests.history.solved import solved


def test_what_is_kept_in_the_background_is_there_in_its_order(tmp_path: Path) -> None:
    """When the keeper is closed, everything is on the disk; nothing is, where the settings are against it."""
    paths, said = find({"QMATH_HOME": str(tmp_path)}), []
    for settings in (Settings(history=False), Settings()):
        keeper = BackgroundKeeper(paths, said.append)
        for number in range(20):
            keeper.keep(solved(f"What is {number}/2?"), settings)
        keeper.close()
    assert [one.problem for one in History(paths.history).newest()] == [f"What is {n}/2?" for n in range(20)]
    assert said == []


def test_a_history_that_cannot_be_written_is_said_once_and_fails_nothing(tmp_path: Path) -> None:
    """A folder is where the file should be."""
    paths, said = find({"QMATH_HOME": str(tmp_path)}), []
    paths.history.mkdir(parents=True)
    keeper = BackgroundKeeper(paths, said.append)
    for _ in range(5):
        keeper.keep(solved(), Settings())
    keeper.close()
    assert len(said) == 1
    assert "the history is not kept" in said[0]
