"""The text a model reads about a program: bounded, and unable to close a fence, start a turn or move a cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.sandbox.parent.feedback import compose, sanitize, shorten


def test_output_value_and_error_come_in_that_order() -> None:
    """Each on lines of its own."""
    assert compose("a\n", "3", "E: x", limit=100, empty="Done") == "a\n3\nE: x"


def test_a_program_without_output_gives_done() -> None:
    """The word that the models were trained on."""
    assert compose("", "", "", limit=100, empty="Done") == "Done"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("```output", "` ` `output"),
        ("<|im_end|>", "<| im_end |>"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("a\0b", r"a\x00b"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("a\u202eb", r"a\u202eb"),
        ("x² ≤ 根\t|", "x² ≤ 根\t|"),
    ],
)
def test_control_text_is_made_visible(raw: str, shown: str) -> None:
    """Fences, special tokens, escapes, controls; mathematics and Chinese stay as they are."""
    assert sanitize(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<generator object <genexpr> at 0x7f3a5c0b2ac0>", "<generator object <genexpr> at 0x...>"),
        ("[<__main__.A object at 0x00000201AC93F0D0>]", "[<__main__.A object at 0x...>]"),
        ("<code object f at 0x55d0c1a2b3c0, file", "<code object f at 0x..., file"),
        ("<weakref at 0x7f3a5c0b2ac0; to 'A' at 0x7f3a5c0b2ac8>", "<weakref at 0x...; to 'A' at 0x...>"),
        ("<cell at 0x7f3a5c0b2ac0: int object at 0x7f3a5c0b2ac8>", "<cell at 0x...: int object at 0x...>"),
        ("0x7f3a5c0b2ac0", "0x7f3a5c0b2ac0"),
        ("the entry at 0x1F, then", "the entry at 0x1F, then"),
    ],
)
def test_addresses_in_reprs_are_left_out(raw: str, shown: str) -> None:
    """They differ in every run; hexadecimal numbers that a program computes stay."""
    assert sanitize(raw) == shown


def test_long_text_keeps_its_head_and_its_tail() -> None:
    """With the number of missing characters between them."""
    text = shorten("a" * 100 + "b" * 100, 20)
    assert text.startswith("a" * 10 + "\n[")
    assert text.endswith("]\n" + "b" * 10)
    assert "180 characters" in text


@given(st.text(max_size=400))
def test_no_control_text_remains(raw: str) -> None:
    """Whatever a program printed."""
    text = compose(raw, raw, "", limit=200, empty="Done")
    assert "```" not in text
    assert "\x1b" not in text
    assert "<|im_end|>" not in text
    text.encode("utf-8")
