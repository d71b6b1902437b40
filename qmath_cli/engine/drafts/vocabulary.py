"""Whether two models have the same vocabulary, so that one can draft for the other."""

from __future__ import annotations

from qmath_cli.engine.llama.tokenizer import Tokenizer

#: Rows of padding at the end of a vocabulary by which models of a family differ: the released 7B has 128 more than the
#: 1.5B. llama.cpp allows as many (SPEC_VOCAB_MAX_SIZE_DIFFERENCE in common/speculative.cpp).
_PADDING = 128


def difference(one: Tokenizer, other: Tokenizer) -> str:
    """What differs between two vocabularies, in words; empty if nothing does but padding."""
    if abs(one.size - other.size) > _PADDING:
        return f"{other.size} tokens against {one.size}"
    for token in range(min(one.size, other.size)):
        if one.text(token) != other.text(token):
            shown = [text.decode("utf-8", "replace") for text in (other.text(token), one.text(token))]
            return f"token {token} is {shown[0]!r} there and {shown[1]!r} here"
    return ""
