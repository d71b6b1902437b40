"""The problems of an evaluation: a file of the user's own, or a data set by its name."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from qmath_cli.errors import DataError, UsageError
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.datasets import Dataset
from qmath_cli.models.hub import dataset
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths

DEFAULT = "demo"
_OWN = "qmath eval FILE reads problems of your own: JSONL, CSV or TSV"


@dataclass(frozen=True, slots=True)
class Source:
    """A data set's file. `name` is that of the data set; empty where the file says which it is."""

    path: Path
    name: str = ""

    def read(self, *, skip_bad: bool = False) -> Dataset:
        """Its problems. Raises `DataError` where it has none, or damaged lines that are not to be skipped."""
        if self.name:
            return datasets.load(self.name, self.path, skip_bad=skip_bad)
        return datasets.load_file(self.path, skip_bad=skip_bad)


def names(lock: Lock) -> list[str]:
    """The data sets that have a name."""
    return sorted({DEFAULT, *(entry.name for entry in lock.datasets)})


def find(given: str, where: Path | None, paths: Paths, lock: Lock) -> Source:
    """The file of what was asked for.

    Args:
        given: A data set's name, or a file of problems.
        where: A data set's file, or a folder with NAME.jsonl or NAME/test.jsonl; None: the user's own folder.
        paths: The folders of this program.
        lock: models.lock, which says what can be pulled.

    Raises:
        DataError: there is no such file.
        UsageError: a file was given twice.
    """
    if _is_file_name(given, lock):
        if where is not None:
            raise UsageError(f"{given} is a file, and --data names another place", "leave one out")
        return Source(_file(given))
    if where is not None and where.is_file():
        return Source(where, "" if given == DEFAULT else given)
    if given == DEFAULT and where is None:
        return Source(datasets.EMBEDDED, DEFAULT)
    folder = where if where is not None else paths.data / "datasets"
    for path in (folder / f"{given}.jsonl", folder / given / "test.jsonl"):
        if path.is_file():
            return Source(path, given)
    raise DataError(f"no file for the data set {given!r} in {folder}", _hint(given, lock))


def _is_file_name(given: str, lock: Lock) -> bool:
    """No data set's name has a dot or a slash; a file may have neither."""
    return bool({".", "/", "\\"} & set(given)) or (given not in names(lock) and Path(given).is_file())


def _file(given: str) -> Path:
    path = Path(given).expanduser()
    if path.is_dir():
        raise DataError(f"{given} is a folder, not a file of problems", "--data FOLDER is for NAME.jsonl inside of it")
    if not path.exists():
        raise DataError(f"there is no file {given}", _OWN)
    return path


def _hint(given: str, lock: Lock) -> str:
    """Where the data set can be had."""
    entry = next((entry for entry in lock.datasets if entry.name == given), None)
    if entry is not None:
        return f"qmath pull {given} --data downloads it from {dataset.page(entry)}; --data FILE names a copy"
    near = difflib.get_close_matches(given.lower(), names(lock), n=1)
    return f"did you mean {near[0]}? {_OWN}" if near else f"known: {', '.join(names(lock))}. {_OWN}"
