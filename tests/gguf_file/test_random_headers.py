"""Random headers: read as the gguf package reads them; damaged ones end in one error, without a memory peak."""

from __future__ import annotations

import random
import struct
import tracemalloc
from pathlib import Path

import gguf

from qmath_cli import gguf_file
from qmath_cli.errors import QmathError
from qmath_cli.gguf_file import Array, Header
from tests.gguf_file.made import random_file

FILES = 2000
MOST_MEMORY = 200 << 20  # bytes


def test_random_files_are_read_as_the_gguf_package_reads_them(tmp_path: Path) -> None:
    """All types of values and tensors, arrays within arrays, any order of keys, both versions."""
    path = tmp_path / "x.gguf"
    kinds, types = set(), set()
    for seed in range(FILES):
        header = gguf_file.read(random_file(path, seed))
        agrees(path, header)
        kinds |= {type(value) for value in header.metadata.values()}
        types |= {tensor.type_name for tensor in header.tensors}
    assert kinds == {str, int, float, bool, Array}
    assert types == {kind.name for kind in gguf.GGMLQuantizationType}


def test_damaged_headers_end_in_one_error_or_in_a_right_reading(tmp_path: Path) -> None:
    """Bytes flipped, overwritten by extreme numbers, left out, doubled, zeroed, cut off."""
    path = tmp_path / "x.gguf"
    read = 0
    for seed in range(FILES):
        chosen = random.Random(seed)
        damaged = damage(chosen, random_file(path, seed % 100).read_bytes())
        path.write_bytes(damaged)
        tracemalloc.start()
        found = outcome(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
        tracemalloc.stop()
        if isinstance(found, Header):
            read += 1
            agrees(path, found)
        else:
            assert str(path) in found.message
            assert "\n" not in found.message
            assert found.hint
    assert 0 < read < FILES


def outcome(path: Path) -> Header | QmathError:
    """What reading gives; any other exception fails the test."""
    try:
        return gguf_file.read(path)
    except QmathError as error:
        return error


def damage(chosen: random.Random, content: bytes) -> bytes:
    """The content with one to four faults; three of four are within the header."""
    data = bytearray(content)
    for _ in range(chosen.randrange(1, 5)):
        at = chosen.randrange(min(len(data), 600) if chosen.random() < 0.75 else len(data))
        match chosen.randrange(7):
            case 0:
                data[at] ^= 1 << chosen.randrange(8)
            case 1:
                big = chosen.choice([0, 1, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1, len(data), len(data) // 2])
                data[at : at + 8] = struct.pack("<Q", big)
            case 2:
                data[at : at + 4] = struct.pack("<I", chosen.randrange(14))
            case 3:
                del data[at : at + chosen.randrange(1, 9)]
            case 4:
                data[at:at] = data[at : at + chosen.randrange(1, 40)]
            case 5:
                data[at : at + 64] = bytes(64)
            case _:
                del data[max(at, 1) :]
        if not data:
            return b""
    return bytes(data)


def agrees(path: Path, header: Header) -> None:
    """The header is what the gguf package reads; that package refuses less, and may read nothing."""
    try:
        reader = gguf.GGUFReader(path)
    except (ValueError, IndexError, KeyError):  # strict where we are not: an alignment that is no uint32
        return
    fields = {name: field for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    assert [name.encode() for name in header.metadata] == [
        bytes(field.parts[1]).decode("utf-8", "replace").encode() for field in fields.values()
    ]
    for field, value in zip(fields.values(), header.metadata.values(), strict=True):
        if isinstance(value, Array):
            assert (value.length, value.kind) == (int(field.parts[4][0]), int(field.parts[3][0]))
            assert path.read_bytes()[value.start : value.end] == b"".join(part.tobytes() for part in field.parts[5:])
        elif isinstance(value, str):
            assert value == field.parts[-1].tobytes().decode("utf-8", "replace")
        else:
            assert repr(value) == repr(field.parts[-1][0].item())
    ours = [(t.name, t.shape, t.type_name, t.offset, t.size) for t in header.tensors]
    assert ours == [
        (t.name, tuple(int(n) for n in t.shape), t.tensor_type.name, int(t.data_offset), int(t.n_bytes))
        for t in reader.tensors
    ]
