"""Settings: defaults, the config file, the environment and flags, and the source of each value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from qmath_cli import app
from qmath_cli.errors import UsageError
from qmath_cli.records import Mode
from qmath_cli.settings import BOUNDS, KVType, resolve


def test_each_layer_wins_over_the_one_below(tmp_path: Path) -> None:
    """Flags override the environment, which overrides the file, which overrides defaults; sources are recorded."""
    config = tmp_path / "config.toml"
    config.write_text('k = 2\nseed = 5\nmode = "cot"\n')
    found = resolve(config, {"QMATH_K": "4", "QMATH_KV_TYPE": "q8_0"}, {"k": 8, "seed": None})
    assert (found.settings.k, found.settings.seed, found.settings.mode) == (8, 5, Mode.COT)
    assert found.settings.kv_type is KVType.Q8_0
    assert found.origins["k"].source == "flag"
    assert found.origins["seed"].source == str(config)
    assert found.origins["kv_type"].source == "QMATH_KV_TYPE"
    assert found.origins["threads"].source == "default"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("colour = 1", "unknown setting 'colour'"),
        ('k = "many"', "not a value for k"),
        ("k = true", "not a value for k"),
        ("k = 1.5", "not a value for k"),
        ('mode = "pot"', "one of cot, tir"),
        ("k = ", "cannot read"),
    ],
)
def test_a_bad_file_is_refused_with_its_name(tmp_path: Path, line: str, message: str) -> None:
    """The error names the file, and the hint has what was expected."""
    config = tmp_path / "config.toml"
    config.write_text(line)
    with pytest.raises(UsageError) as caught:
        resolve(config, {})
    assert str(config) in caught.value.message
    assert message in f"{caught.value.message}; {caught.value.hint}"
    assert caught.value.hint


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Editors of Windows put one before UTF-8."""
    config = tmp_path / "config.toml"
    config.write_text("k = 2\n", encoding="utf-8-sig")
    assert resolve(config, {}).settings.k == 2


def test_words_of_the_environment_become_values() -> None:
    """Booleans and optional numbers are read from words."""
    found = resolve(None, {"QMATH_MLOCK": "yes", "QMATH_TEMPERATURE": "0.5", "QMATH_STOP_AT": "off"}).settings
    assert (found.mlock, found.temperature, found.stop_at) == (True, 0.5, 0)
    with pytest.raises(UsageError, match="QMATH_MLOCK"):
        resolve(None, {"QMATH_MLOCK": "perhaps"})


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_that_may_not_be_looked_into_is_refused(tmp_path: Path) -> None:
    """A config file without permission to read it is a usage error."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(UsageError, match="cannot read"):
        resolve(closed / "config.toml", {})


@pytest.mark.parametrize(
    "line", ["history = off", "history = off  # nothing is kept", " history=no", 'history = "off"', "history = false"]
)
def test_a_word_in_the_config_file_needs_no_quotes(tmp_path: Path, line: str) -> None:
    """Beside lines of any other kind."""
    config = tmp_path / "config.toml"
    config.write_text(f"k = 8\n{line}\nmodel = '7b-instruct:q4_k_m'\nmode = cot\n", encoding="utf-8")
    found = resolve(config, {}).settings
    assert (found.history, found.k, found.model, found.mode) == (False, 8, "7b-instruct:q4_k_m", Mode.COT)


@pytest.mark.parametrize(
    "line", ["history = ", "history = off on", "history off", "k = [1", 'model = "open', "k = nan nan"]
)
def test_what_is_not_toml_is_still_refused(tmp_path: Path, line: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"{line}\nrender = line\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"cannot read .*config\.toml"):
        resolve(config, {})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("k", "99", "from 1 to 64"),
        ("k", "0", "from 1 to 64"),
        ("temperature", "-1", "at least 0"),
        ("temperature", "nan", "at least 0"),
        ("top_p", "1.5", "from 0 to 1"),
        ("max_tokens", "-3", "at least 1"),
        ("exec_timeout", "0", "at least 0.1"),
    ],
)
def test_a_number_out_of_range_is_refused_from_every_source(
    tmp_path: Path, name: str, value: str, allowed: str
) -> None:
    """A flag is refused by the option already; file and environment are refused alike."""
    config = tmp_path / "config.toml"
    config.write_text(f"{name} = {value}\n", encoding="utf-8")
    for sources in [(config, {}), (None, {f"QMATH_{name.upper()}": value})]:
        with pytest.raises(UsageError, match=f"out of range for {name}") as caught:
            resolve(*sources)
        assert caught.value.hint == f"the value is {allowed}"


def test_the_options_of_solve_have_the_same_bounds() -> None:
    command = typer.main.get_command(app.program(["solve"])).commands["solve"]  # type: ignore[attr-defined]
    bounds = {one.name: (one.min, one.max) for one in command.params if one.min is not None}
    assert {name: found for name, found in bounds.items() if name in BOUNDS} == {
        name: BOUNDS[name] for name in BOUNDS if name in bounds
    }
    assert len(BOUNDS.keys() & bounds.keys()) > 8
