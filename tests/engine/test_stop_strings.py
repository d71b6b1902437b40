"""Text out of tokens: stop strings and characters, however the tokens cut them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.engine.stop_strings import Found, Stretch

STOP = "```output"


def speak(pieces: list[bytes], stops: tuple[str, ...] = (STOP,)) -> tuple[str, Found | None]:
    stretch = Stretch(stops)
    said = ""
    for piece in pieces:
        text, found = stretch.add(piece)
        said += text
        if found is not None:
            return said, found
    return said + stretch.finish(), None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def test_a_stop_string_inside_one_token_ends_the_text_before_it() -> None:
    """The text ends where the stop begins, and what its token held before is reported."""
    assert speak([b"x = 1\n", b"\n```output\n5"]) == ("x = 1\n\n", Found(1, b"\n"))


def test_a_stop_string_over_several_tokens_is_never_given_out_in_part() -> None:
    """Nothing that may become the stop string is text yet."""
    stretch = Stretch((STOP,))
    assert stretch.add(b"a```")[0] == "a"
    assert stretch.add(b"out")[0] == ""
    assert stretch.add(b"put") == ("", Found(0, b"a"))


def test_what_only_looked_like_a_stop_string_is_text() -> None:
    """Held-back characters come as soon as they are certain."""
    assert speak([b"```", b"python", b"\n1\n", b"```", b"\n"]) == ("```python\n1\n```\n", None)


def test_the_end_gives_out_what_was_held_back() -> None:
    """An unfinished stop string at the end of a stretch is text."""
    assert speak([b"done ```"]) == ("done ```", None)


def test_a_character_is_given_out_whole() -> None:
    """Tokens may end inside a character; text does not."""
    stretch = Stretch(())
    euro, emoji = "€".encode(), "🙂".encode()
    assert [stretch.add(euro[:1])[0], stretch.add(euro[1:2])[0], stretch.add(euro[2:] + emoji[:3])[0]] == ["", "", "€"]
    assert stretch.add(emoji[3:])[0] == "🙂"


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    """Invalid UTF-8 neither stops the stream nor is lost without a sign."""
    assert speak([b"a\xffb", b"\x80c"]) == ("a�b�c", None)


def test_a_stop_that_begins_in_the_middle_of_a_split_character_keeps_the_whole_character() -> None:
    """The tokens before the stop end at a character's boundary, so that the rest can be tokenised again."""
    sign = "数".encode()
    said, found = speak([b"1", sign[:2], sign[2:] + STOP.encode()])
    assert (said, found) == ("1数", Found(1, sign))


def test_the_earliest_of_several_stops_counts() -> None:
    """Two stop strings in one token: the text ends before the first."""
    assert speak([b"one STOP two END"], ("END", "STOP"))[0] == "one "


@given(st.text(max_size=60), st.text(max_size=20), st.lists(st.integers(0, 400), max_size=30))
def test_however_tokens_cut_it_the_text_before_a_stop_is_the_same(before: str, after: str, places: list[int]) -> None:
    """For every cut of every text: exactly the text before the first stop string, and nothing of the stop string."""
    whole = before + STOP + after
    expected = whole[: whole.index(STOP)]
    pieces = cut(whole.encode(), places)
    said, found = speak(pieces)
    assert said == expected
    assert found is not None
    assert b"".join(pieces[: found.tokens]) + found.rest == expected.encode()


@given(st.text(max_size=80), st.lists(st.integers(0, 400), max_size=40))
def test_however_tokens_cut_it_text_without_a_stop_comes_whole(text: str, places: list[int]) -> None:
    """Nothing is lost, doubled or broken."""
    if STOP not in text:
        assert speak(cut(text.encode(), places)) == (text, None)
