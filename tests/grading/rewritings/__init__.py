"""Rules that rewrite a ground truth into an answer that is equal to it, or that is near and different.

`kinds` says what a truth is, `spelling` and `value` hold the rules whose answers are equal, `near_misses` those whose
answers are different. A rule gives None, or the truth itself, where it does not apply.
"""

from __future__ import annotations

from tests.grading.rewritings.kinds import Rule
from tests.grading.rewritings.near_misses import DIFFERENT
from tests.grading.rewritings.spelling import SPELLING, blanks, left_and_right
from tests.grading.rewritings.value import VALUE

RULES: tuple[Rule, ...] = (
    *(Rule(name, rewrite, equal=True) for name, rewrite in (*SPELLING, *VALUE)),
    *(Rule(name, rewrite, equal=False) for name, rewrite in DIFFERENT),
)


def respaced(truth: str) -> str:
    """A truth with other blanks and with sized brackets; a truth without operators and brackets between blanks."""
    text = str(blanks(truth))
    text = str(left_and_right(text) or text)
    return text if text != truth else rf"\,{truth}\,"
