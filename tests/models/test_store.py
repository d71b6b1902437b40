"""Installed models: how a name is resolved, and how files are checked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError, ModelMissing
from qmath_cli.models import store
from qmath_cli.models.describe import describe
from qmath_cli.models.hashes import Memo, sha256_file
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.memory import memory
from qmath_cli.models.store import State
from qmath_cli.paths import Paths
from tests.models.small_models import Install, write_gguf


def test_a_name_finds_the_pulled_file_and_its_hash(install: Install, paths: Paths, lock: Lock) -> None:
    """The description has path, name, quantization and sha256 of the manifest."""
    path = install("7b-instruct", "q8_0")
    found = describe("7b-instruct:Q8_0", paths, lock)
    assert (found.path, found.name, found.quantization) == (path, "7b-instruct:q8_0", "q8_0")
    assert found.sha256 == sha256_file(path)


def test_without_a_quantization_the_preferred_one_is_meant(install: Install, paths: Paths, lock: Lock) -> None:
    """Q4_K_M comes before Q8_0, and Q8_0 before the others."""
    install("7b", "f16")
    install("7b", "q8_0")
    assert describe("7b", paths, lock).quantization == "q8_0"
    install("7b", "q4_k_m")
    assert describe("7b", paths, lock).quantization == "q4_k_m"


def test_a_base_model_is_not_its_instruct_sibling(install: Install, paths: Paths, lock: Lock) -> None:
    """The files of both begin with `qwen2.5-math-7b-`."""
    install("7b-instruct")
    with pytest.raises(ModelMissing):
        describe("7b", paths, lock)


def test_the_best_model_is_the_largest_instruct_model(install: Install, paths: Paths, lock: Lock) -> None:
    """Without a name: Instruct before base, large before small, and never a reward model."""
    install("72b")
    install("rm-72b", "q8_0")
    assert describe("", paths, lock).name == "72b:q4_k_m"
    install("1.5b-instruct")
    install("7b-instruct")
    assert describe("", paths, lock).name == "7b-instruct:q4_k_m"


def test_a_model_larger_than_the_machine_is_not_the_best(install: Install, paths: Paths, lock: Lock) -> None:
    """It is not the default. The file is sparse."""
    machine = memory()
    assert machine is not None
    os.truncate(install("72b-instruct"), machine.total + 1)
    install("1.5b-instruct")
    assert describe("", paths, lock).name == "1.5b-instruct:q4_k_m"


def test_a_missing_model_comes_with_the_pull_that_gets_it(paths: Paths, lock: Lock) -> None:
    """The hint is the exact command."""
    with pytest.raises(ModelMissing) as caught:
        describe("7b-instruct:q8_0", paths, lock)
    assert caught.value.hint == "qmath pull 7b-instruct:q8_0"


def test_a_missing_quantization_says_which_ones_are_here(install: Install, paths: Paths, lock: Lock) -> None:
    """The message has the installed quantizations."""
    install("7b-instruct", "q8_0")
    with pytest.raises(ModelMissing, match=r"installed: 7b-instruct:q8_0"):
        describe("7b-instruct:q4_k_m", paths, lock)


def test_a_path_is_taken_as_it_is(tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """A GGUF outside the store is used without a manifest and without a hash."""
    path = write_gguf(tmp_path / "mine.gguf")
    found = describe(str(path), paths, lock)
    assert (found.path, found.quantization, found.sha256) == (path, "q8_0", "")


def test_a_path_without_a_file_is_a_missing_model(tmp_path: Path, paths: Paths, lock: Lock) -> None:
    """The error has exit code 6."""
    with pytest.raises(ModelMissing):
        describe(str(tmp_path / "none.gguf"), paths, lock)


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model at all", b"GGUF" + b"\xff" * 60])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, paths: Paths, lock: Lock, content: bytes) -> None:
    """A file that only has the suffix is an integrity error."""
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        describe(str(path), paths, lock)


def test_a_changed_byte_is_found_at_the_next_start(install: Install, paths: Paths, lock: Lock) -> None:
    """The modification time differs from that in the memo, so that the file is hashed again."""
    path = install("7b-instruct")
    describe("7b-instruct", paths, lock)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="sha256"):
        describe("7b-instruct", paths, lock)


def test_a_changed_head_of_a_reward_model_is_found(install: Install, paths: Paths, lock: Lock) -> None:
    """Both files of a reward model are checked."""
    path = install("rm-72b", "q8_0")
    write_gguf(store.head_path(path), seed=9)
    with pytest.raises(IntegrityError, match=r"head\.gguf"):
        describe("rm-72b", paths, lock)


def test_an_unchanged_file_is_not_read_again(
    install: Install, paths: Paths, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time, the hash is taken from the memo."""
    install("7b-instruct")
    first = describe("7b-instruct", paths, lock)

    def refuse(*_: object) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(store, "sha256_file", refuse)
    assert describe("7b-instruct", paths, lock) == first


def test_a_damaged_memo_only_costs_time(install: Install, paths: Paths, lock: Lock) -> None:
    """A memo that is not JSON is ignored."""
    install("7b-instruct")
    first = describe("7b-instruct", paths, lock)
    Memo.within(paths.state).path.write_text('{"x": [')
    assert describe("7b-instruct", paths, lock) == first


def test_states_follow_what_happens_to_the_files(install: Install, paths: Paths, lock: Lock) -> None:
    """Unverified when installed, verified after its first use, changed when truncated, incomplete when deleted."""
    path = install("7b-instruct")
    (entry,) = store.of_model(lock.get("7b-instruct"), paths)
    assert store.state(entry, paths) is State.UNVERIFIED
    describe("7b-instruct", paths, lock)
    assert store.state(entry, paths) is State.VERIFIED
    os.truncate(path, 100)
    assert store.state(entry, paths) is State.CHANGED
    path.unlink()
    assert store.state(entry, paths) is State.INCOMPLETE


def test_verify_reads_everything_and_names_each_damaged_file(install: Install, paths: Paths, lock: Lock) -> None:
    """`verify` finds a change that keeps size and modification time; the memo does not."""
    path = install("rm-72b", "q8_0")
    (entry,) = store.of_model(lock.get("rm-72b"), paths)
    assert store.verify(entry, paths) == ()
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.state(entry, paths) is State.VERIFIED
    (error,) = store.verify(entry, paths)
    assert str(path) in error.message


def test_a_removed_model_leaves_nothing_behind(install: Install, paths: Paths, lock: Lock) -> None:
    """GGUF, head and manifest are deleted, and the freed bytes are returned."""
    path = install("rm-72b", "q8_0")
    size = path.stat().st_size + store.head_path(path).stat().st_size
    (entry,) = store.of_model(lock.get("rm-72b"), paths)
    assert store.remove(entry) == size
    assert list(paths.models.iterdir()) == []


def test_a_file_without_a_record_is_not_installed(install: Install, paths: Paths, lock: Lock) -> None:
    """A GGUF without a manifest is an unfinished conversion."""
    path = install("7b-instruct")
    path.with_name(path.name + ".json").unlink()
    with pytest.raises(ModelMissing):
        describe("7b-instruct", paths, lock)
