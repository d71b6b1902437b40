"""Frames: what is packed comes back; what is not a frame is refused, never believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.sandbox.wire import MAX_FRAME, Garbled, pack, unpack

RECORDS = st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.text()))


@given(RECORDS, st.binary(max_size=20))
def test_a_frame_comes_back_and_says_its_length(record: dict[str, object], rest: bytes) -> None:
    """Whatever follows it in the pipe."""
    data = pack(record)
    assert unpack(data + rest) == (record, len(data))


@given(RECORDS, st.data())
def test_an_incomplete_frame_is_waited_for(record: dict[str, object], data: st.DataObject) -> None:
    """However little of it there is."""
    frame = pack(record)
    assert unpack(frame[: data.draw(st.integers(0, len(frame) - 1))]) is None


@pytest.mark.parametrize(
    "body",
    [b"[]", b"7", b"\xff\xfe", b"{", b"[" * 100_000, b'{"id": ' + b"1" * 10_000 + b"}", b'{"a": NaN'],
    ids=["list", "number", "not UTF-8", "half", "deep", "huge number", "unclosed"],
)
def test_what_is_not_an_object_is_garbled(body: bytes) -> None:
    """Lists, numbers, half JSON, JSON bombs."""
    with pytest.raises(Garbled):
        unpack(len(body).to_bytes(4, "big") + body)


def test_a_length_beyond_the_cap_is_garbled_before_its_body_comes() -> None:
    """So that nobody makes us wait for, or hold, four gigabytes."""
    with pytest.raises(Garbled):
        unpack((MAX_FRAME + 1).to_bytes(4, "big"))
