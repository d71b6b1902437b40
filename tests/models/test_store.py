from __future__ import annotations

import os
from pathlib import Path

import pytest

from qmath_cli.errors import IntegrityError, ModelMissing
from qmath_cli.models import hashes, store
from qmath_cli.models.hashes import Memo, sha256_file
from qmath_cli.models.lockfile import Lock
from qmath_cli.models.memory import memory
from qmath_cli.models.store import State
from qmath_cli.paths import Paths
from tests.models.small_models import Install, write_gguf


def test_a_name_finds_the_pulled_file_and_its_hash(install: Install, paths: Paths) -> None:
    """The record's name, quantization and sha256 come back with the path."""
    path = install("7b-instruct", "q8_0")
    found = store.locate("7b-instruct:Q8_0", paths)
    assert (found.path, found.name, found.quantization) == (path, "7b-instruct:q8_0", "q8_0")
    assert found.sha256 == sha256_file(path)


def test_without_a_quantization_the_preferred_one_is_meant(install: Install, paths: Paths) -> None:
    """Q4_K_M comes before Q8_0, and Q8_0 before the others."""
    install("7b", "f16")
    install("7b", "q8_0")
    assert store.locate("7b", paths).quantization == "q8_0"
    install("7b", "q4_k_m")
    assert store.locate("7b", paths).quantization == "q4_k_m"


def test_a_base_model_is_not_its_instruct_sibling(install: Install, paths: Paths) -> None:
    """`qwen2.5-math-7b-` is also how the Instruct files begin."""
    install("7b-instruct")
    with pytest.raises(ModelMissing):
        store.locate("7b", paths)


def test_the_best_model_is_the_largest_instruct_model(install: Install, paths: Paths) -> None:
    """Nothing asked for: Instruct before base, large before small, and never a reward model."""
    install("72b")
    install("rm-72b", "q8_0")
    assert store.locate("", paths).name == "72b:q4_k_m"
    install("1.5b-instruct")
    install("7b-instruct")
    assert store.locate("", paths).name == "7b-instruct:q4_k_m"


def test_a_model_larger_than_the_machine_is_not_the_best(install: Install, paths: Paths) -> None:
    """It is used when it is named, not by default. The file here is as large as that, and empty (sparse)."""
    machine = memory()
    assert machine is not None
    os.truncate(install("72b-instruct"), machine.total + 1)
    install("1.5b-instruct")
    assert store.locate("", paths).name == "1.5b-instruct:q4_k_m"


def test_a_missing_model_comes_with_the_pull_that_gets_it(paths: Paths) -> None:
    """The hint is the command, word for word."""
    with pytest.raises(ModelMissing) as caught:
        store.locate("7b-instruct:q8_0", paths)
    assert caught.value.hint == "qmath pull 7b-instruct:q8_0"


def test_a_missing_quantization_says_which_ones_are_here(install: Install, paths: Paths) -> None:
    """The other quantization is offered."""
    install("7b-instruct", "q8_0")
    with pytest.raises(ModelMissing, match=r"installed: 7b-instruct:q8_0"):
        store.locate("7b-instruct:q4_k_m", paths)


def test_a_path_is_taken_as_it_is(tmp_path: Path, paths: Paths) -> None:
    """A GGUF that nobody recorded is usable, without a hash."""
    path = write_gguf(tmp_path / "mine.gguf")
    found = store.locate(str(path), paths)
    assert (found.path, found.quantization, found.sha256) == (path, "q8_0", "")


def test_a_path_without_a_file_is_a_missing_model(tmp_path: Path, paths: Paths) -> None:
    """Exit code 6, not a traceback."""
    with pytest.raises(ModelMissing):
        store.locate(str(tmp_path / "none.gguf"), paths)


@pytest.mark.parametrize("content", [b"", b"GG", b"not a model at all", b"GGUF" + b"\xff" * 60])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, paths: Paths, content: bytes) -> None:
    """The name alone does not make a model."""
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        store.locate(str(path), paths)


def test_a_changed_byte_is_found_at_the_next_start(install: Install, paths: Paths) -> None:
    """The memo knows the old file; the new modification time makes it hash again."""
    path = install("7b-instruct")
    store.locate("7b-instruct", paths)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(IntegrityError, match="sha256"):
        store.locate("7b-instruct", paths)


def test_a_changed_head_of_a_reward_model_is_found(install: Install, paths: Paths) -> None:
    """Both files of a reward model are checked."""
    path = install("rm-72b", "q8_0")
    write_gguf(store.head_path(path), seed=9)
    with pytest.raises(IntegrityError, match=r"head\.gguf"):
        store.locate("rm-72b", paths)


def test_an_unchanged_file_is_not_read_again(install: Install, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second start takes the hash from the memo."""
    install("7b-instruct")
    first = store.locate("7b-instruct", paths)

    def refuse(*_: object) -> str:
        raise AssertionError("hashed again")

    monkeypatch.setattr(hashes, "sha256_file", refuse)
    assert store.locate("7b-instruct", paths) == first


def test_a_damaged_memo_only_costs_time(install: Install, paths: Paths) -> None:
    """Nonsense in the state folder is not an error."""
    install("7b-instruct")
    first = store.locate("7b-instruct", paths)
    Memo.within(paths.state).path.write_text('{"x": [')
    assert store.locate("7b-instruct", paths) == first


def test_states_follow_what_happens_to_the_files(install: Install, paths: Paths, lock: Lock) -> None:
    """Unverified, verified by use, changed in size, incomplete."""
    path = install("7b-instruct")
    (entry,) = store.of_model(lock.get("7b-instruct"), paths)
    assert store.state(entry, paths) is State.UNVERIFIED
    store.locate("7b-instruct", paths)
    assert store.state(entry, paths) is State.VERIFIED
    os.truncate(path, 100)
    assert store.state(entry, paths) is State.CHANGED
    path.unlink()
    assert store.state(entry, paths) is State.INCOMPLETE


def test_verify_reads_everything_and_names_each_damaged_file(install: Install, paths: Paths, lock: Lock) -> None:
    """A change that keeps size and modification time passes the memo, and not `verify`."""
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
    """GGUF, head and record are gone, and the bytes freed are counted."""
    path = install("rm-72b", "q8_0")
    size = path.stat().st_size + store.head_path(path).stat().st_size
    (entry,) = store.of_model(lock.get("rm-72b"), paths)
    assert store.remove(entry) == size
    assert list(paths.models.iterdir()) == []


def test_a_file_without_a_record_is_not_installed(install: Install, paths: Paths) -> None:
    """The record is written last; a conversion killed before it left no model."""
    path = install("7b-instruct")
    path.with_name(path.name + ".json").unlink()
    with pytest.raises(ModelMissing):
        store.locate("7b-instruct", paths)
