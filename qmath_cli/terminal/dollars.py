r"""Is the text after a single `$` a formula, or is the dollar a price?

The rule of pandoc's extension `tex_math_dollars` comes first: no blank inside either delimiter, no digit after the
closing one. The next dollar outside braces decides; a formula holds no further one. What then still reads as prose is
prose: a price in front of words, two words side by side (TeX would set them without a blank), a number that ends in
the sign before the next formula.
"""

from __future__ import annotations

import re

_WORDS_IN_MATHS = re.compile(r"\\(?:text[a-z]*|mbox|hbox|math[a-z]+|operatorname\*?|emph)\s*\{[^{}]*\}|\\[A-Za-z]+|\\.")
_FUNCTIONS = r"(?!(?:sin|cos|tan|cot|sec|csc|log|exp|lim|max|min|sup|inf|mod|gcd|lcm|det|dim|ker|deg|arc[a-z]+)\b)"
_TWO_WORDS = re.compile(
    rf"\b{_FUNCTIONS}(?:[a-z]{{3,}}[ ,;:]+{_FUNCTIONS}[a-z]{{2,}}|[a-z]{{2}} +{_FUNCTIONS}[a-z]{{3,}})\b"
)
_PRICE_AND_WORD = re.compile(rf"\d[\d,.]*[kKmMbB]? +{_FUNCTIONS}[A-Za-z]*[a-z]{{3,}}")
_CHINESE_STOPS = frozenset("，。；：、？！")
_STARTS_PROSE = frozenset(",.;:!?)]/")
_ENDS_BEFORE_FORMULA = frozenset(",.;:!?+-*/=(")


def closing(held: str, limit: int) -> int | None:
    """Find the dollar that could close a formula.

    Args:
        held: The text from the opening dollar on.
        limit: The number of characters that a formula may have.

    Returns:
        Its index; 0 if there can be none; None if later text decides.
    """
    at, depth = 1, 0
    while at < min(len(held), limit):
        char = held[at]
        if char == "\n" or held[at : at + 2] in {"\\(", "\\["} or depth < 0:
            return 0
        if char == "$" and depth == 0:
            return at
        depth += (char == "{") - (char == "}")
        at += 2 if char == "\\" else 1
    return 0 if len(held) >= limit else None


def is_formula(body: str, after: str) -> bool:
    """Whether `body` between two dollars is a formula; `after` is the character that follows, empty at the end."""
    if not body.strip() or body[-1].isspace() or after.isdigit():
        return False
    if len(body) > 1 and body[0] in _STARTS_PROSE and not body[1].isdigit():
        return False
    bare = _WORDS_IN_MATHS.sub(" ", body)
    if _TWO_WORDS.search(bare):
        return False
    return not (body[0].isdigit() and _follows_price(body, bare, after))


def _follows_price(body: str, bare: str, after: str) -> bool:
    """Whether a body that begins with a number is a price and the text up to the next formula."""
    if _PRICE_AND_WORD.match(body) or not _CHINESE_STOPS.isdisjoint(bare):
        return True
    unbalanced = body[-1] == ")" and body.count(")") > body.count("(") + body.count("[")
    return (unbalanced or body[-1] in _ENDS_BEFORE_FORMULA) and (after.isalpha() or after in {"\\", "<"})
