"""A checkpoint's configuration and tensors, read and checked before any weight is.

Shard names must be plain names. A header must describe its file exactly: no gap, no overlap, no byte left over. Index
and shards must agree. The tensors must be the ones that the configuration calls for, with its shapes. Only headers are
read here; weights are read later, in blocks. Format: safetensors' README, "Format".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from qmath_convert import config as configuration
from qmath_convert import foreign, names
from qmath_convert.config import Config
from qmath_convert.errors import AGAIN, DamagedCheckpoint, UnsupportedModel
from qmath_convert.json_file import json_object
from qmath_convert.source import Source

_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_MAX_HEADER = 100_000_000  # bytes; safetensors' own limit
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*\.safetensors")
_NUMBERED = re.compile(r"model-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")


class Dtype(StrEnum):
    """The element types of a checkpoint."""

    BF16 = "BF16"
    F16 = "F16"
    F32 = "F32"

    @property
    def bytes(self) -> int:
        """Bytes per element."""
        return 4 if self is Dtype.F32 else 2


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor as a shard holds it; `offset` is in bytes from the start of the file."""

    shard: str
    offset: int
    dtype: Dtype
    dims: tuple[int, ...]

    @property
    def rows(self) -> int:
        """The number of rows; a vector is one row."""
        return self.dims[0] if len(self.dims) > 1 else 1

    @property
    def columns(self) -> int:
        """The length of a row."""
        return self.dims[-1]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor to convert: its GGUF name, and where the checkpoint holds it."""

    name: str
    stored: StoredTensor


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is known before the first weight is read. `shards` are in reading order; `head` is a reward model's."""

    source: Source
    config: Config
    shards: tuple[str, ...]
    body: tuple[Tensor, ...]
    head: tuple[Tensor, ...]


def open_checkpoint(source: Source) -> Checkpoint:
    """Read and check configuration, index and headers.

    Raises:
        DamagedCheckpoint: a file is missing or damaged, or contradicts another one.
        UnsupportedModel: the checkpoint is of another architecture or element type.
    """
    files = source.files()
    if not any(name.endswith(".safetensors") and not name.startswith("adapter_") for name in files):
        foreign.refuse_other_weights(files)
    if "config.json" not in files:
        raise DamagedCheckpoint("there is no config.json", "Give the folder of a Hugging Face checkpoint.")
    config = configuration.parse(source.read("config.json"))
    index = _index(source, files)
    shards = tuple(dict.fromkeys(index.values())) or _unlisted(files)
    stored: dict[str, StoredTensor] = {}
    for shard in shards:
        for name, tensor in _shard(source, shard).items():
            if index and index.get(name) != shard:
                raise DamagedCheckpoint(f"{shard} holds {name}, which the index does not list there", AGAIN)
            if name in stored:
                raise DamagedCheckpoint(f"{name} is in {stored[name].shard} and in {shard}", AGAIN)
            stored[name] = tensor
    if lost := [name for name in index if name not in stored]:
        raise DamagedCheckpoint(f"{lost[0]} is not in {index[lost[0]]}, where the index lists it", AGAIN)
    return _matched(source, config, shards, stored)


def _index(source: Source, files: frozenset[str]) -> Mapping[str, str]:
    """The index, tensor name to shard; empty if the checkpoint is a single file, or has none."""
    if _SINGLE in files or _INDEX not in files:
        return {}
    weight_map = json_object(source.read(_INDEX), _INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise DamagedCheckpoint(f"{_INDEX} has no weight_map", AGAIN)
    for name, shard in weight_map.items():
        if not isinstance(shard, str) or not _PLAIN_NAME.fullmatch(shard):
            raise DamagedCheckpoint(f"{_INDEX} lists {name} in {shard!r}, which is not a plain file name", AGAIN)
        if shard not in files:
            raise DamagedCheckpoint(f"the shard {shard} is missing", AGAIN)
    return weight_map


def _unlisted(files: frozenset[str]) -> tuple[str, ...]:
    """The shards of a checkpoint without an index: the single file, or all files of a numbered series."""
    if _SINGLE in files:
        return (_SINGLE,)
    series = [match for name in sorted(files) if (match := _NUMBERED.fullmatch(name))]
    if not series:
        there = sorted(name for name in files if name.endswith(".safetensors"))
        also = f", but {there[0]}" if there else ""
        raise DamagedCheckpoint(
            f"there is neither {_SINGLE} nor {_INDEX}{also}",
            "Give the folder of a whole checkpoint in safetensors files.",
        )
    count = int(series[0]["count"])
    shards = tuple(f"model-{number:05}-of-{count:05}.safetensors" for number in range(1, min(count, 9999) + 1))
    if lost := [shard for shard in shards if shard not in files]:
        raise DamagedCheckpoint(f"the shard {lost[0]} is missing, and so is {_INDEX}", AGAIN)
    return shards


def _shard(source: Source, shard: str) -> dict[str, StoredTensor]:
    """The tensors of one shard, by their names in the checkpoint."""
    size = source.size(shard)
    if size < 8:
        raise DamagedCheckpoint(f"{shard} has only {size} bytes", AGAIN)
    first = _bytes(source, shard, 0, 8)
    foreign.refuse_substitute(shard, first)
    length = int.from_bytes(first, "little")
    if length > min(size - 8, _MAX_HEADER):
        raise DamagedCheckpoint(f"{shard} announces a header of {length} bytes, but the file has {size}", AGAIN)
    header = _header(_bytes(source, shard, 8, length), shard)
    start = 8 + length
    tensors, end = {}, 0
    for begin, stop, name, dtype, dims in sorted(_entry(shard, *item) for item in header.items()):
        if begin != end:
            raise DamagedCheckpoint(f"{shard}: {name} begins at byte {begin}, the one before it ends at {end}", AGAIN)
        if stop - begin != math.prod(dims) * dtype.bytes:
            raise DamagedCheckpoint(f"{shard}: {name} has {stop - begin} bytes for the shape {list(dims)}", AGAIN)
        tensors[name] = StoredTensor(shard, start + begin, dtype, dims)
        end = stop
    if start + end != size:
        raise DamagedCheckpoint(f"{shard} has {size} bytes where its header describes {start + end}", AGAIN)
    return tensors


def _bytes(source: Source, shard: str, offset: int, length: int) -> bytes:
    buffer = bytearray(length)
    source.read_into(shard, offset, memoryview(buffer))
    return bytes(buffer)


def _header(text: bytes, shard: str) -> dict[str, object]:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a name occurs twice")
        return found

    try:
        header = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as exc:
        raise DamagedCheckpoint(f"{shard}: the header is not valid: {exc}", AGAIN) from exc
    if not isinstance(header, dict):
        raise DamagedCheckpoint(f"{shard}: the header is not an object", AGAIN)
    header.pop("__metadata__", None)
    return header


def _entry(shard: str, name: str, entry: object) -> tuple[int, int, str, Dtype, tuple[int, ...]]:
    """First and last byte offset within the data, name, type and shape; tuples sort by offset."""
    match entry:
        case {"dtype": str(dtype), "shape": [*dims], "data_offsets": [int(begin), int(stop)]} if all(
            isinstance(dim, int) and dim >= 0 for dim in dims
        ):
            if 0 in dims:
                raise foreign.empty_tensor(shard, name)
        case _:
            raise DamagedCheckpoint(f"{shard}: the header entry of {name} is not valid", AGAIN)
    if dtype not in Dtype.__members__:
        raise UnsupportedModel(
            f"{shard}: {name} has the type {dtype}",
            f"Weights must be BF16, F16 or F32. {foreign.ORIGINAL}",
        )
    if not 0 <= begin <= stop:
        raise DamagedCheckpoint(f"{shard}: {name} has the byte range {begin} to {stop}", AGAIN)
    return begin, stop, name, Dtype(dtype), tuple(dims)


def _matched(source: Source, config: Config, shards: tuple[str, ...], stored: dict[str, StoredTensor]) -> Checkpoint:
    """Match the tensors found with the ones that the configuration calls for."""
    foreign.refuse_adapter_tensors(stored)
    body = tuple(_match(expected, stored) for expected in names.body(config))
    head = tuple(_match(expected, stored) for expected in names.head(config))
    known = {expected.source for expected in (*names.body(config), *names.head(config))}
    if unexpected := [name for name in stored if name not in known and not names.is_ignored(name, config)]:
        raise DamagedCheckpoint(
            f"the checkpoint holds the unexpected tensor {unexpected[0]}" + _others(unexpected),
            "Either config.json does not belong to these weights, or this is not a plain Qwen2 model.",
        )
    return Checkpoint(source, config, shards, body, head)


def _match(expected: names.ExpectedTensor, stored: Mapping[str, StoredTensor]) -> Tensor:
    found = stored.get(expected.source)
    if found is None:
        raise DamagedCheckpoint(f"the tensor {expected.source} is missing", AGAIN)
    if found.dims != expected.dims:
        raise DamagedCheckpoint(
            f"{expected.source} has the shape {list(found.dims)}; config.json calls for {list(expected.dims)}",
            AGAIN,
        )
    return Tensor(expected.name, found)


def _others(names_: list[str]) -> str:
    return f" and {len(names_) - 1} more" if len(names_) > 1 else ""
