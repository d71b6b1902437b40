"""The strict rules against math-verify and against rules of rewriting, on the ground truths of real benchmarks.

Every pair on which they differ has a reason in `tests/data/third_opinion.toml`; `third_opinion` says how to bring that
file up to date. With `THIRD_OPINION=all` in the environment all pairs are judged, otherwise a sample.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mark
from qmath_cli.settings import Grade
from tests.grading import third_opinion
from tests.grading.rewritings import RULES, respaced
from tests.grading.third_opinion import Finding, Opinion, Pair, Reason, Reasons, Right, reason_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truths(shared: Path) -> list[str]:
    """The ground truths of all benchmarks."""
    if not (shared / "benchmarks").is_dir():
        pytest.skip("there is no folder ../shared/data/benchmarks")
    return third_opinion.truths()


@pytest.fixture(scope="module")
def findings(truths: list[str]) -> list[Finding]:
    """What both graders say about the rewritten truths."""
    most = None if os.environ.get("THIRD_OPINION") == "all" else third_opinion.SAMPLE
    return list(third_opinion.judge(third_opinion.pairs(truths, most)))


@pytest.fixture(scope="module")
def reasons() -> Reasons:
    """The reasons that are written down."""
    return third_opinion.load()


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One strict grader, with time enough for a busy machine."""
    with Grader(Grade.STRICT, limit=20) as one:
        yield one


def test_every_disagreement_has_a_reason(findings: list[Finding], reasons: Reasons) -> None:
    """No verdict differs from the rule's or from math-verify's without a reason in the data file."""
    missing = [one for one in findings if one.needs_a_reason and not third_opinion.justified(one, reasons)]
    assert not missing, f"{len(missing)} of {len(findings)} pairs\n" + "\n".join(map(str, missing))


def test_no_reason_is_left_over(findings: list[Finding], reasons: Reasons) -> None:
    """A truth that a reason names still has the verdicts that it explains."""
    named = {(key, truth) for key, several in reasons.items() for one in several for truth in one.truths or ()}
    judged = {(one.pair.rule, one.pair.truth) for one in findings}
    still = {(one.key, one.pair.truth) for one in findings if one.needs_a_reason}
    assert sorted((key, truth) for key, truth in named - still if (key[0], truth) in judged) == []


def test_every_reason_says_who_is_right_and_why(reasons: Reasons) -> None:
    """A reason has a sentence, and is for a rule that exists."""
    names = {rule.name for rule in RULES}
    for key, several in reasons.items():
        for one in several:
            assert key[0] in names, key
            assert one.right in set(Right), key
            assert len(one.why.split()) > 3, key


def test_the_rules_are_many_and_each_applies_to_a_truth(truths: list[str]) -> None:
    """At least 30 rules whose answers are equal and 30 of near misses, no two of one name, none without a pair."""
    names = [rule.name for rule in RULES]
    assert min(sum(rule.equal for rule in RULES), sum(not rule.equal for rule in RULES)) >= 30
    assert len(set(names)) == len(names)
    assert {pair.rule for pair in third_opinion.pairs(truths, 1)} == set(names)


def test_every_truth_equals_itself_with_other_blanks_and_brackets(truths: list[str], grader: Grader) -> None:
    """Layout decides nothing; the texts differ, so that equal text does not decide either."""
    changed = {truth: respaced(truth) for truth in truths}
    assert [truth for truth, text in changed.items() if text.strip() == truth] == []
    verdicts = {truth: grader(text, truth) for truth, text in changed.items()}
    assert {truth: one for truth, one in verdicts.items() if one.mark is not Mark.CORRECT} == {}


def test_hardly_a_truth_is_undecided_against_a_number(truths: list[str], grader: Grader) -> None:
    """At most one truth in 200 is undecided against a number that none of them is."""
    verdicts = {truth: grader("7919", truth) for truth in truths}
    undecided = {truth: one.why for truth, one in verdicts.items() if one.mark is Mark.UNDECIDED}
    assert len(undecided) <= len(truths) / 200, undecided
    assert [truth for truth, one in verdicts.items() if one.mark is Mark.CORRECT] == []


_PAIR = Pair("product", "6", "2(3)", "6", Opinion.EQUAL)


def test_a_reason_is_for_one_truth_and_two_verdicts() -> None:
    """Another truth or another verdict needs a reason of its own."""
    finding = Finding(_PAIR, Opinion.EQUAL, Opinion.DIFFERENT)
    known: Reasons = {finding.key: [Reason("qmath", "It is a product.", {"6"})]}
    assert reason_for(finding, known)
    assert reason_for(replace(finding, pair=replace(_PAIR, truth="7")), known) is None
    assert reason_for(replace(finding, ours=Opinion.UNREAD), known) is None


def test_a_reason_for_all_truths_excuses_math_verify_only() -> None:
    """It does not count where the strict rules do not say what the rule says."""
    right, wrong = (Finding(_PAIR, ours, Opinion.DIFFERENT) for ours in (Opinion.EQUAL, Opinion.DIFFERENT))
    assert reason_for(right, {right.key: [Reason("qmath", "It is a product.", None)]})
    assert reason_for(wrong, {wrong.key: [Reason("math-verify", "It is a product.", None)]}) is None


def test_new_findings_get_an_empty_reason_and_settled_ones_lose_theirs() -> None:
    """What `--write` writes holds exactly the pairs that need a reason, with the reasons that were given."""
    open_, new = Finding(_PAIR, Opinion.EQUAL, Opinion.DIFFERENT), replace(_PAIR, truth="12")
    settled = Finding(replace(_PAIR, truth="8"), Opinion.EQUAL, Opinion.EQUAL)
    known: Reasons = {open_.key: [Reason("qmath", "It is a product.", {"6", "8"})]}
    found = third_opinion.updated([open_, settled, replace(open_, pair=new)], known)
    assert found == {open_.key: [Reason("qmath", "It is a product.", {"6"}), Reason("qmath", "", {"12"})]}


def test_math_verify_has_three_opinions() -> None:
    """It reads mathematics, finds it different, or finds none."""
    assert third_opinion.math_verify(r"\frac12", "0.5") is Opinion.EQUAL
    assert third_opinion.math_verify(r"\frac13", "0.5") is Opinion.DIFFERENT
    assert third_opinion.math_verify("十二", "12") is Opinion.UNREAD
