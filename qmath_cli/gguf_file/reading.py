"""Reads the header of a file, checks that the file contains all its tensors, and says what it is if it is no model."""

from __future__ import annotations

import mmap
import re
import stat
from pathlib import Path

from qmath_cli.errors import IntegrityError, ModelMissing, QmathError
from qmath_cli.gguf_file import foreign, split
from qmath_cli.gguf_file.cursor import Damage, parse
from qmath_cli.gguf_file.header import Header
from qmath_cli.gguf_file.tables import MAGIC

_HINT = "download, pull or convert the model again"
_PIECE = re.compile(r"(\.part-?\d+(-?of-?\d+)?|-split-[a-z]{1,2}|\.split-?\d+|\.0\d\d)(\.gguf)?$", re.IGNORECASE)


def read(path: Path) -> Header:
    """Read the header of a model: of its file, or of all its files if it is split.

    Args:
        path: The file; the first one of a split model.

    Raises:
        ModelMissing: There is no such file, or it is a folder.
        IntegrityError: It is not a GGUF file, it is damaged or cut off, cannot be read, or a part of it is missing.
        UsageError: It is a later part of a split model.
        QmathError: The user has no permission to read it.
    """
    header = _read_one(path)
    return split.whole(path, header, _read_one) if split.is_part(header) else header


def _read_one(path: Path) -> Header:
    """The header of one file."""
    try:
        _require_file(path)
        with path.open("rb") as file:
            head = file.read(foreign.HEAD)
            size = file.seek(0, 2)
            if not head.startswith(MAGIC):
                raise IntegrityError(*_foreign(path, head))
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                header = parse(view, size)
                _require_one_file(path, view, header)
                return header
    except FileNotFoundError as exc:
        raise ModelMissing(f"there is no file {path}", "`qmath list` shows the models on this machine") from exc
    except PermissionError as exc:
        raise QmathError(f"no permission to read {path}", f"chmod u+r {path}") from exc
    except (OSError, ValueError) as exc:
        raise IntegrityError(f"cannot read {path}: {exc}", _HINT) from exc
    except Damage as exc:
        raise IntegrityError(f"{path} {exc}", _hint(path, str(exc))) from exc


def _require_file(path: Path) -> None:
    """A folder, a link to nothing and a pipe (on which `open` would wait) are no models."""
    if path.is_symlink() and not path.exists():
        raise ModelMissing(
            f"{path} is a link to {path.readlink()}, which is not there",
            "a model copied out of a cache needs the file that the link means: cp -L, or download it again",
        )
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ModelMissing(f"{path} is a folder, not a GGUF file", "`qmath convert` converts a checkpoint")
    if not stat.S_ISREG(mode):
        raise ModelMissing(f"{path} is not a regular file", "give the path of a .gguf")


def _require_one_file(path: Path, view: mmap.mmap, header: Header) -> None:
    """Parts of a split model that were joined byte by byte are not a model: the first part's header knows no others."""
    alignment = header.plain_number("general.alignment", 32)
    second = view.find(MAGIC, header.end, min(header.end + 2 * alignment, len(view)))
    if second >= 0:
        raise IntegrityError(
            f"{path} is several GGUF files one after the other: the second begins at byte {second}",
            "parts named -00001-of-0000N.gguf must not be joined: put all of them into one folder, as they were "
            "downloaded, and give the first",
        )


def _foreign(path: Path, head: bytes) -> tuple[str, str]:
    """Message and hint for a file that is no GGUF."""
    what, hint = foreign.identify(head)
    if not what and _PIECE.search(path.name):
        return f"{path} is not the beginning of a GGUF file", _join_hint()
    return f"{path} is not a GGUF file{what}", hint


def _hint(path: Path, damage: str) -> str:
    if "big-endian" in damage:
        return "download the little-endian file, or convert it: gguf-convert-endian FILE little (pip install gguf)"
    if "version 1" in damage:
        return "download a newer file of this model, or convert the checkpoint"
    if "cut off" not in damage:
        return _HINT
    if _PIECE.search(path.name):
        return _join_hint()
    unfinished = path.suffix in {".incomplete", ".part", ".crdownload", ".download"}
    if unfinished or path.with_name(path.name + ".aria2").exists():
        return "the download of this file has not finished: continue it"
    return _HINT


def _join_hint() -> str:
    return "this is one piece of a file that was cut: join all pieces in their order, cat PIECE PIECE ... > model.gguf"
