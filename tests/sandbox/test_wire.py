"""Frames: what is packed is unpacked unchanged; what is not a frame is an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.sandbox.wire import MAX_FRAME_BYTES, ProtocolError, pack, unpack

RECORDS = st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text()))


@given(RECORDS, st.binary(max_size=20))
def test_a_frame_is_unpacked_with_its_length(record: dict[str, object], rest: bytes) -> None:
    """Whatever follows it in the pipe."""
    data = pack(record)
    assert unpack(data + rest) == (record, len(data))


@given(RECORDS, st.data())
def test_an_incomplete_frame_gives_none(record: dict[str, object], data: st.DataObject) -> None:
    """However little of it there is."""
    frame = pack(record)
    assert unpack(frame[: data.draw(st.integers(0, len(frame) - 1))]) is None


@pytest.mark.parametrize(
    "body",
    [b"[]", b"7", b"\xff\xfe", b"{", b"[" * 100_000, b'{"id": ' + b"1" * 10_000 + b"}", b'{"a": NaN'],
    ids=["list", "number", "not UTF-8", "half", "deep", "huge number", "unclosed"],
)
def test_what_is_not_an_object_is_a_protocol_error(body: bytes) -> None:
    """Lists, numbers, half JSON, JSON bombs."""
    with pytest.raises(ProtocolError):
        unpack(len(body).to_bytes(4, "big") + body)


def test_a_length_above_the_limit_is_an_error_before_the_body_arrives() -> None:
    """So a worker cannot make the parent wait for four gigabytes."""
    with pytest.raises(ProtocolError):
        unpack((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
