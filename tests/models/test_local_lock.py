"""The user's own models.lock: what the first pull found."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmath_cli.errors import DoesNotFit, IntegrityError
from qmath_cli.models import local_lock
from qmath_cli.models.local_lock import Recorded
from qmath_cli.models.lockfile import LockedFile
from qmath_cli.settings import HubName

FIRST, SECOND = "1" * 64, "2" * 64
HF, MS = HubName.HUGGINGFACE, HubName.MODELSCOPE


def recorded(*files: LockedFile, revision: str | None = "a" * 40, hub: HubName = HF) -> Recorded:
    return Recorded(hub, revision, files)


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    """For several models; names may contain anything."""
    one = recorded(LockedFile("a.safetensors", 3, FIRST))
    other = recorded(LockedFile('q"uote\\.json', 0, SECOND), revision=None, hub=MS)
    local_lock.record(tmp_path, "7b", one)
    local_lock.record(tmp_path, 'a "b"', other)
    assert local_lock.read(tmp_path) == {"7b": one, 'a "b"': other}


def test_a_file_without_a_hash_is_not_recorded(tmp_path: Path) -> None:
    """Nothing can be held to it."""
    local_lock.record(tmp_path, "7b", recorded(LockedFile("a.safetensors", 3)))
    assert local_lock.read(tmp_path)["7b"].files == ()


def test_the_first_hash_stays(tmp_path: Path) -> None:
    """A later pull of the same commit adds files and changes none; one of another commit starts anew."""
    local_lock.record(tmp_path, "7b", recorded(LockedFile("a.safetensors", 3, FIRST)))
    more = (LockedFile("a.safetensors", 3, SECOND), LockedFile("b.safetensors", 4, SECOND))
    local_lock.record(tmp_path, "7b", recorded(*more))
    assert [file.sha256 for file in local_lock.read(tmp_path)["7b"].files] == [FIRST, SECOND]
    local_lock.record(tmp_path, "7b", recorded(more[0], revision="b" * 40))
    assert [file.sha256 for file in local_lock.read(tmp_path)["7b"].files] == [SECOND]


def test_another_hub_is_held_to_the_parts_of_the_model_only() -> None:
    """Not to texts about it; and no pull to what another commit had."""
    entry = recorded(LockedFile("README.md", 1, FIRST), LockedFile("config.json", 2, FIRST))
    assert [file.path for file in entry.known_at("a" * 40, HF)] == ["README.md", "config.json"]
    assert [file.path for file in entry.known_at("a" * 40, MS)] == ["config.json"]
    assert entry.known_at("b" * 40, HF) == ()


@pytest.mark.parametrize(
    "text",
    [
        "version = 2",
        "version =",
        "[[model]]",
        "version = 1\nmodel = 3",
        "\udcff",
        "version = 1\n[[model]]\nname = 'x'",
        "version = 1\n[[model]]\nname = 'x'\nhub = 'github'\nfiles = []",
        "version = 1\n[[model]]\nname = 'x'\nhub = 'modelscope'\nfiles = [{path = 'a', sha256 = '12'}]",
    ],
)
def test_a_damaged_file_is_an_error_and_not_ignored(tmp_path: Path, text: str) -> None:
    """Otherwise a damaged byte would let any file pass."""
    local_lock.path_within(tmp_path).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(IntegrityError, match=r"models\.lock"):
        local_lock.read(tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """With the path."""
    (tmp_path / "file").touch()
    with pytest.raises((DoesNotFit, IntegrityError), match="file"):
        local_lock.record(tmp_path / "file", "7b", recorded())
