"""Atomic writes, and locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmath_cli.errors import DoesNotFit, QmathError
from qmath_cli.files import Journal, held, unfinished, write_atomically

BUSY = QmathError("another process works on it", "wait for it")
HOLD = """
import sys, time
from pathlib import Path
from qmath_cli.errors import QmathError
from qmath_cli.files import held
with held(Path(sys.argv[1]), QmathError("busy")):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new content is there, the folder was made, and no unfinished file is left."""
    path = tmp_path / "new" / "note.md"
    write_atomically(path, "first")
    write_atomically(path, [b"sec", b"ond"])
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["note.md"]


def test_an_error_while_writing_keeps_the_old_file(tmp_path: Path) -> None:
    """Content that ends in an error changes nothing."""
    path = tmp_path / "note.md"
    write_atomically(path, "old")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise OSError("the source is gone")

    with pytest.raises(OSError, match="source"):
        write_atomically(path, pieces())
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["note.md"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file that the link names is replaced."""
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "note.md", tmp_path / "link.md"
    target.write_text("old")
    link.symlink_to(target)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="named pipes and permission bits are POSIX")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    """What is not a regular file, such as /dev/stdout, gets the content and stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    write_atomically(pipe, "report")
    reader.join(10)
    assert got == ["report"]
    assert pipe.is_fifo()


@pytest.mark.skipif(os.name != "posix", reason="named pipes and permission bits are POSIX")
def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    """No other user may read it."""
    write_atomically(tmp_path / "history", "x", private=True)
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600


def test_an_unfinished_file_is_named_after_the_file(tmp_path: Path) -> None:
    """With and without a mark."""
    assert unfinished(tmp_path / "x.gguf").name == "x.gguf.part"
    assert unfinished(tmp_path / "x.gguf", 7).name == "x.gguf.7.part"


def test_a_lock_excludes_another_process_until_that_process_dies(tmp_path: Path) -> None:
    """While it lives `busy` is raised without waiting; a kill releases the lock."""
    path = tmp_path / "models"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(QmathError, match="another process"), held(path, BUSY):
            pytest.fail("the lock was given twice")
    finally:
        other.kill()
        other.communicate()
    with held(path, BUSY):
        pass


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    """A file where the folder of the lock should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(DoesNotFit, match="cannot write") as caught, held(tmp_path / "file" / "models", BUSY):
        pytest.fail("there can be no lock")
    assert caught.value.hint


# ---------------------------------------------------------------- journals


def test_a_record_that_a_kill_cut_short_is_removed(tmp_path: Path) -> None:
    """Whole records stay, and the next one begins on a line of its own."""
    path = tmp_path / "kept"
    path.write_bytes(b"one\ntwo\nthr")
    with Journal(path, BUSY) as journal:
        assert list(journal.records()) == [b"one\n", b"two\n"]
        journal.add(b"three\n")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_a_journal_is_open_once(tmp_path: Path) -> None:
    """A second opening is refused at once, and works after the first is closed."""
    with Journal(tmp_path / "kept", BUSY), pytest.raises(QmathError, match="another process"):
        Journal(tmp_path / "kept", BUSY)
    Journal(tmp_path / "kept", BUSY).close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_record_without_room_says_so(tmp_path: Path) -> None:
    """As `DoesNotFit`, and closing raises nothing more."""
    (tmp_path / "kept").symlink_to("/dev/full")
    with Journal(tmp_path / "kept", BUSY) as journal, pytest.raises(DoesNotFit, match="no room"):
        journal.add(b"one\n")


def test_records_may_be_read_while_they_are_replaced(tmp_path: Path) -> None:
    """The new records come from the old file; what is added later follows them."""
    path = tmp_path / "kept"
    path.write_bytes(b"one\ntwo\n")
    with Journal(path, BUSY) as journal:
        journal.replace(record.upper() for record in journal.records())
        journal.add(b"three\n")
    assert path.read_bytes() == b"ONE\nTWO\nthree\n"
