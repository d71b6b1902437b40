"""The energy meter, on folders with the structure of /sys/class/powercap."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.evaluation.energy import EnergyMeter

RANGE = 262_143_328_850  # microjoules, a usual `max_energy_range_uj`


def zone(folder: Path, number: str, name: str, microjoules: int) -> Path:
    """Create a zone; returns the file of its counter."""
    home = folder / f"intel-rapl:{number}"
    home.mkdir(parents=True)
    (home / "name").write_text(f"{name}\n")
    (home / "max_energy_range_uj").write_text(f"{RANGE}\n")
    (home / "energy_uj").write_text(f"{microjoules}\n")
    return home / "energy_uj"


def test_packages_are_added_and_their_parts_are_not(tmp_path: Path) -> None:
    """Two packages used 2 J and 3 J; the counter of the first includes its cores."""
    first, cores = zone(tmp_path, "0", "package-0", 0), zone(tmp_path, "0:0", "core", 0)
    second = zone(tmp_path, "1", "package-1", 5_000_000)
    meter = EnergyMeter(tmp_path)
    first.write_text("2000000\n")
    cores.write_text("1500000\n")
    second.write_text("8000000\n")
    assert meter.consumed() == 5.0
    assert meter.consumed() == 0.0


def test_the_board_s_counter_stands_alone(tmp_path: Path) -> None:
    """The counter `psys` includes those of the packages."""
    package, board = zone(tmp_path, "0", "package-0", 0), zone(tmp_path, "1", "psys", 0)
    meter = EnergyMeter(tmp_path)
    package.write_text("2000000\n")
    board.write_text("9000000\n")
    assert meter.consumed() == 9.0


def test_a_counter_that_begins_again_is_followed(tmp_path: Path) -> None:
    """A counter that wraps twice is read in between, by `tick`."""
    counter = zone(tmp_path, "0", "package-0", RANGE - 1_000_000)
    seconds = 0.0
    meter = EnergyMeter(tmp_path, lambda: seconds)
    for now, microjoules in ((60.0, 4_000_000), (120.0, RANGE - 6_000_000), (180.0, 0)):
        seconds = now
        counter.write_text(f"{microjoules}\n")
        meter.tick()
    used = meter.consumed()
    assert used is not None
    assert used == pytest.approx((1_000_000 + RANGE) / 1e6)


def test_a_reading_that_is_not_due_costs_nothing(tmp_path: Path) -> None:
    """`tick` reads no file before the interval has passed."""
    counter = zone(tmp_path, "0", "package-0", 9_000_000)
    meter = EnergyMeter(tmp_path, lambda: 0.0)
    counter.write_text("1\n")
    meter.tick()
    counter.write_text("10000000\n")
    assert meter.consumed() == 1.0


@pytest.mark.parametrize("damage", ["absent", "unreadable", "nonsense", "half"])
def test_where_the_system_does_not_tell_there_is_no_figure(tmp_path: Path, damage: str) -> None:
    """No folder, an unreadable counter, no number, or one of two packages: None, never a partial sum or 0."""
    folder = tmp_path / "powercap"
    if damage != "absent":
        counter = zone(folder, "0", "package-0", 1)
        if damage == "half":
            zone(folder, "1", "package-1", 1)
        if damage == "nonsense":
            counter.write_text("busy\n")
        else:
            counter.unlink()
            counter.mkdir()  # cannot be read by anyone, the superuser included
    assert EnergyMeter(folder).consumed() is None


def test_a_counter_that_goes_away_takes_its_figure_along(tmp_path: Path) -> None:
    """The energy that was counted before is not reported."""
    counter = zone(tmp_path, "0", "package-0", 0)
    meter = EnergyMeter(tmp_path)
    counter.unlink()
    assert meter.consumed() is None
