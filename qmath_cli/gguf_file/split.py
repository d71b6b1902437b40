"""Models in several files, as `llama-gguf-split` writes them.

Every part is a GGUF with the keys `split.no` (from 0), `split.count` and `split.tensors.count`; only the first one has
the model's metadata. llama.cpp loads the first part, and finds the others by their names: `x-00002-of-00003.gguf`
(tools/gguf-split, and `llama_split_path` in llama.cpp). A part that is missing, renamed or of another model is named
here before llama.cpp sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qmath_cli.errors import IntegrityError, ModelMissing, UsageError
from qmath_cli.gguf_file.header import Header

_MOST_PARTS = 99_999  # five digits
_NAME = re.compile(r"(?P<prefix>.*)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.DOTALL)


def is_part(header: Header) -> bool:
    """Whether a file is one of several."""
    return header.plain_number("split.count") > 1 or header.plain_number("split.no") > 0


def whole(path: Path, first: Header, read_one: Callable[[Path], Header]) -> Header:
    """The model of which `path` is the first part.

    Args:
        path: The first part.
        first: Its header.
        read_one: Reads the header of one file.

    Returns:
        The first part's header with the tensors of all parts.

    Raises:
        UsageError: `path` is a later part.
        IntegrityError: A part is missing, damaged, or does not belong to the first one.
    """
    number, count = first.plain_number("split.no"), first.plain_number("split.count")
    if not 0 <= number < count <= _MOST_PARTS:
        raise IntegrityError(f"{path} is damaged: it says that it is part {number + 1} of {count}", _again(path))
    if number:
        raise UsageError(f"{path} is part {number + 1} of {count} of a model", _first_hint(path, count))
    paths = _parts(path, count)
    missing = [part.name for part in paths if not part.exists()]
    if missing:
        names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise IntegrityError(
            f"{path} is part 1 of {count} of a model, and {names} {'is' if len(missing) == 1 else 'are'} not beside it",
            f"download all {count} parts into {path.parent}",
        )
    headers = [first, *(_part(part, index, count, read_one) for index, part in enumerate(paths[1:], 1))]
    tensors = tuple(tensor for header in headers for tensor in header.tensors)
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise IntegrityError(f"the parts of {path} have tensors in common: they are of several models", _again(path))
    expected = first.plain_number("split.tensors.count", len(tensors))
    if expected != len(tensors):
        raise IntegrityError(f"the parts of {path} have {len(tensors)} tensors, not {expected}", _again(path))
    return replace(first, tensors=tensors, parts=tuple(paths))


def _parts(path: Path, count: int) -> list[Path]:
    """The paths of all parts, by the name of the first."""
    named = _NAME.fullmatch(path.name)
    if named is None or int(named["number"]) != 1 or int(named["count"]) != count:
        stem = named["prefix"] if named else path.name.removesuffix(".gguf")
        raise IntegrityError(
            f"{path} is part 1 of {count} of a model, which its name does not say",
            f"llama.cpp finds the parts by their names: {_named(stem, 1, count)} and so on",
        )
    return [path.with_name(_named(named["prefix"], number + 1, count)) for number in range(count)]


def _part(path: Path, index: int, count: int, read_one: Callable[[Path], Header]) -> Header:
    try:
        header = read_one(path)
    except ModelMissing as exc:  # a link to nothing, a folder
        raise IntegrityError(exc.message, exc.hint) from exc
    number, of = header.plain_number("split.no", -1), header.plain_number("split.count", -1)
    if (number, of) != (index, count):
        says = f"says that it is part {number + 1} of {of}" if of > 0 else "is a model of its own"
        raise IntegrityError(f"{path} {says}, not part {index + 1} of {count}", _again(path))
    return header


def _first_hint(path: Path, count: int) -> str:
    named = _NAME.fullmatch(path.name)
    if named is None:
        return "give the first part, with all others beside it"
    first = path.with_name(_named(named["prefix"], 1, count))
    return f"give the first part: {first}" if first.exists() else f"download all {count} parts; {first.name} is missing"


def _named(prefix: str, number: int, count: int) -> str:
    return f"{prefix}-{number:05d}-of-{count:05d}.gguf"


def _again(path: Path) -> str:
    return f"download all parts of the model into {path.parent} again"
