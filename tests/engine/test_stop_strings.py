"""Stop strings and characters, wherever the tokens divide them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.engine.stop_strings import StopMatch, StopScanner

STOP = "```output"


def scan(pieces: list[bytes], stops: tuple[str, ...] = (STOP,)) -> tuple[str, StopMatch | None]:
    scanner = StopScanner(stops)
    whole = ""
    for piece in pieces:
        text, match = scanner.add(piece)
        whole += text
        if match is not None:
            return whole, match
    return whole + scanner.finish(), None


def split(data: bytes, offsets: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(offset % (len(data) + 1) for offset in offsets)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_a_stop_string_inside_one_token_ends_the_text_before_it() -> None:
    """The text ends where the stop string begins; the match has the bytes before it in the same token."""
    assert scan([b"x = 1\n", b"\n```output\n5"]) == ("x = 1\n\n", StopMatch(1, b"\n"))


def test_no_part_of_a_stop_string_over_several_tokens_is_returned() -> None:
    """Text that may become a stop string is held back."""
    scanner = StopScanner((STOP,))
    assert scanner.add(b"a```")[0] == "a"
    assert scanner.add(b"out")[0] == ""
    assert scanner.add(b"put") == ("", StopMatch(0, b"a"))


def test_the_beginning_of_a_stop_string_alone_is_text() -> None:
    """Text that was held back is returned as soon as it is certain."""
    assert scan([b"```", b"python", b"\n1\n", b"```", b"\n"]) == ("```python\n1\n```\n", None)


def test_the_end_returns_text_that_was_held_back() -> None:
    """An unfinished stop string at the end of a continuation is text."""
    assert scan([b"done ```"]) == ("done ```", None)


def test_only_whole_characters_are_returned() -> None:
    """A token can end inside a character; its text does not."""
    scanner = StopScanner(())
    euro, emoji = "€".encode(), "🙂".encode()
    assert [scanner.add(euro[:1])[0], scanner.add(euro[1:2])[0], scanner.add(euro[2:] + emoji[:3])[0]] == ["", "", "€"]
    assert scanner.add(emoji[3:])[0] == "🙂"


def test_invalid_bytes_become_replacement_characters() -> None:
    """They are not dropped, and the text continues."""
    assert scan([b"a\xffb", b"\x80c"]) == ("a�b�c", None)


def test_a_stop_that_begins_in_the_middle_of_a_split_character_keeps_the_whole_character() -> None:
    """The tokens before the stop end at a character's boundary, so that the rest can be tokenized again."""
    sign = "数".encode()
    text, match = scan([b"1", sign[:2], sign[2:] + STOP.encode()])
    assert (text, match) == ("1数", StopMatch(1, sign))


def test_the_earliest_of_several_stops_counts() -> None:
    """Two stop strings in one token: the text ends before the first."""
    assert scan([b"one STOP two END"], ("END", "STOP"))[0] == "one "


@given(st.text(max_size=60), st.text(max_size=20), st.lists(st.integers(0, 400), max_size=30))
def test_the_text_before_a_stop_does_not_depend_on_the_tokens(before: str, after: str, offsets: list[int]) -> None:
    """For every division of every text: exactly the text before the first stop string."""
    whole = before + STOP + after
    expected = whole[: whole.index(STOP)]
    pieces = split(whole.encode(), offsets)
    text, match = scan(pieces)
    assert text == expected
    assert match is not None
    assert b"".join(pieces[: match.tokens]) + match.rest == expected.encode()


@given(st.text(max_size=80), st.lists(st.integers(0, 400), max_size=40))
def test_text_without_a_stop_does_not_depend_on_the_tokens(text: str, offsets: list[int]) -> None:
    """For every division of every text, the whole text is returned."""
    if STOP not in text:
        assert scan(split(text.encode(), offsets)) == (text, None)
