"""math-verify as a third opinion: rewritten ground truths, judged by the strict rules, by math-verify and by the rule.

    python -m tests.grading.third_opinion --sample  the pairs of the ordinary test run that lack a reason
    python -m tests.grading.third_opinion --list    the same for all pairs, which takes minutes
    python -m tests.grading.third_opinion --write   the same, and brings tests/data/third_opinion.toml up to date

`--write` keeps the reasons that still apply, drops those of pairs on which all agree by now, and appends what is new
with an empty `why`, which fails the test until somebody fills it in.

A pair needs a reason if the strict rules do not say what the rule says, or if math-verify reads both answers and says
otherwise. A reason is for one rule, two verdicts and named truths. `truths = "all"` is for limits of math-verify that
show in every truth of a rule; it does not excuse a verdict of ours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tomllib
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from qmath_cli.evaluation import datasets
from qmath_cli.grading.grader import Grader
from qmath_cli.records import Mark
from qmath_cli.settings import Grade
from tests.grading.rewritings import RULES

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT.parent / "shared" / "data" / "benchmarks"
REASONS = ROOT / "tests" / "data" / "third_opinion.toml"

SAMPLE = 16
"""Truths for each rule in the ordinary test run; a third of them at most are plain numbers, where there are others."""

_MOST_NAMED = 20  # of a limit of math-verify; above it, a new reason is for all truths of its rule
_LIMIT_S = 20.0  # for one pair; a busy machine must not change a verdict
_OURS = {Mark.CORRECT: "equal", Mark.WRONG: "different", Mark.UNDECIDED: "unread"}


class Opinion(StrEnum):
    """What one grader says about two answers."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNREAD = "unread"


class Right(StrEnum):
    """Who is right about a pair; "neither" where the rule says what both do not."""

    QMATH = "qmath"
    MATH_VERIFY = "math-verify"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Pair:
    """A truth that was rewritten by a rule.

    Attributes:
        rule: The name of the rule.
        truth: The ground truth.
        answer: One answer.
        expected: The other; in most rules the truth itself.
        meant: What the rule says.
    """

    rule: str
    truth: str
    answer: str
    expected: str
    meant: Opinion


@dataclass(frozen=True, slots=True)
class Finding:
    """A pair and what the two graders say about it."""

    pair: Pair
    ours: Opinion
    theirs: Opinion

    @property
    def needs_a_reason(self) -> bool:
        """Whether ours is not what the rule says, or theirs is another opinion than ours."""
        return self.ours != self.pair.meant or self.theirs not in {self.ours, Opinion.UNREAD}

    @property
    def key(self) -> tuple[str, str, str]:
        """What a reason is for, apart from the truth."""
        return self.pair.rule, self.ours.value, self.theirs.value


@dataclass(slots=True)
class Reason:
    """Why two verdicts on the pairs of a rule are as they are.

    Attributes:
        right: Who is right; empty until somebody has decided.
        why: In a sentence.
        truths: Those it is for; None for all of the rule.
    """

    right: str
    why: str
    truths: set[str] | None = field(default_factory=set)


Reasons = dict[tuple[str, str, str], list[Reason]]


def truths() -> list[str]:
    """The different ground truths of all benchmark files, in the order of the files; empty ones left out."""
    found: dict[str, None] = {}
    for path in sorted(BENCHMARKS.glob("*.jsonl")):
        found |= dict.fromkeys(item.reference.strip() for item in datasets.load(path.stem, path).items)
    return [one for one in found if one]


def pairs(known: Iterable[str], most: int | None) -> list[Pair]:
    """What all rules make of the truths, without repetition; `most` is the largest number of pairs for one rule."""
    known, found = list(known), []
    for rule in RULES:
        meant = Opinion.EQUAL if rule.equal else Opinion.DIFFERENT
        made = {rule.pair(truth): truth for truth in reversed(known)}
        made.pop(None, None)
        chosen = _sample(rule.name, list(made.values()), most)
        found += [Pair(rule.name, truth, *pair, meant) for truth in chosen if (pair := rule.pair(truth)) is not None]
    return found


def _sample(rule: str, known: list[str], most: int | None) -> list[str]:
    """`most` of the truths, always the same ones, and not mainly plain numbers."""
    known.sort(key=lambda truth: hashlib.sha256(f"{rule} {truth}".encode()).digest())
    if most is None or len(known) <= most:
        return known
    others = [one for one in known if not one.replace(".", "").isdigit()][: 2 * most // 3]
    return (others + [one for one in known if one not in others])[:most]


def judge(found: list[Pair]) -> Iterator[Finding]:
    """What both graders say about the pairs, in their order. Ours runs in its own process, so the two run side by side.

    math-verify sets an alarm signal: call this in the main thread.
    """
    with Grader(Grade.STRICT, limit=_LIMIT_S) as grader, ThreadPoolExecutor(1) as pool:
        ours = pool.map(lambda pair: Opinion(_OURS[grader(pair.answer, pair.expected).mark]), found)
        theirs = [math_verify(pair.answer, pair.expected) for pair in found]
        yield from (Finding(*three) for three in zip(found, ours, theirs, strict=True))


def math_verify(answer: str, expected: str) -> Opinion:
    """math-verify's verdict; unread if it finds no mathematics in one of the two and their texts differ."""
    from math_verify import parse, verify

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = [parse(_delimited(text), parsing_timeout=20) for text in (expected, answer)]
        if verify(*read, timeout_seconds=20):
            return Opinion.EQUAL
    unread = any(all(isinstance(part, str) for part in one) for one in read)
    return Opinion.UNREAD if unread else Opinion.DIFFERENT


def _delimited(text: str) -> str:
    """`text` as math-verify wants it: LaTeX between delimiters, sentences as they are."""
    delimited = any(sign in text.replace(r"\$", "") for sign in ("$", r"\[", r"\(", r"\boxed"))
    return text if delimited else f"${text}$"


def load() -> Reasons:
    """The reasons that are written down."""
    found: Reasons = defaultdict(list)
    for one in tomllib.loads(REASONS.read_text(encoding="utf-8")).get("reason", []):
        named = None if one["truths"] == "all" else set(one["truths"])
        found[one["rule"], one["qmath"], one["math_verify"]].append(Reason(one["right"], one["why"], named))
    return found


def reason_for(finding: Finding, reasons: Reasons) -> Reason | None:
    """The reason for a finding; one for all truths of a rule counts only where ours is what the rule says."""
    for one in reasons.get(finding.key, []):
        if finding.pair.truth in one.truths if one.truths is not None else finding.ours == finding.pair.meant:
            return one
    return None


def updated(findings: list[Finding], reasons: Reasons) -> Reasons:
    """The reasons that the findings need: the known ones as far as they apply, and empty ones for the rest."""
    found: Reasons = defaultdict(list)
    kept: dict[int, Reason] = {}
    empty: dict[tuple[str, str, str], Reason] = {}
    for one in findings:
        if not one.needs_a_reason:
            continue
        as_meant = one.ours == one.pair.meant
        known = reason_for(one, reasons) or empty.setdefault(one.key, Reason(Right.QMATH if as_meant else "", ""))
        if id(known) not in kept:
            kept[id(known)] = Reason(known.right, known.why, None if known.truths is None else set())
            found[one.key].append(kept[id(known)])
        named = kept[id(known)].truths
        if named is not None:
            named.add(one.pair.truth)
    for several in found.values():
        for one in several:
            if not one.why and one.right and one.truths is not None and len(one.truths) > _MOST_NAMED:
                one.truths = None
    return found


def text(reasons: Reasons) -> str:
    """The reasons as TOML, in the order of the rules."""
    order = [rule.name for rule in RULES]
    blocks = [_HEADER]
    for (rule, ours, theirs), several in sorted(reasons.items(), key=lambda item: (order.index(item[0][0]), item[0])):
        for one in several:
            named = '"all"' if one.truths is None else "[" + ", ".join(map(_quoted, sorted(one.truths))) + "]"
            lines = {"rule": _quoted(rule), "qmath": _quoted(ours), "math_verify": _quoted(theirs)}
            lines |= {"right": _quoted(one.right), "why": _quoted(one.why), "truths": named}
            blocks.append("[[reason]]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    return "\n".join(blocks)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if "\\" not in value or "'" in value else f"'{value}'"


_HEADER = """\
# Why the strict rules, math-verify 0.9.0 and the rules of tests/grading/rewritings differ, pair by pair.
# Written by `python -m tests.grading.third_opinion --write`, except for `right` and `why`.
# A reason with `truths = "all"` is a limit of math-verify; ours is then what the rule says.
"""


def main(arguments: list[str]) -> int:
    """The command line; exits with 1 if reasons are missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.grading.third_opinion")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--list", action="store_true")
    action.add_argument("--write", action="store_true")
    action.add_argument("--sample", action="store_true")
    chosen = parser.parse_args(arguments)
    findings = list(judge(pairs(truths(), SAMPLE if chosen.sample else None)))
    reasons = load() if REASONS.is_file() else {}
    missing = [one for one in findings if one.needs_a_reason and not justified(one, reasons)]
    for one in missing:
        print(f"{one.pair.rule}: {one.pair.answer} | {one.pair.expected}: qmath {one.ours}, math-verify {one.theirs}")
    print(
        f"{len(findings)} pairs, {sum(one.needs_a_reason for one in findings)} need a reason, {len(missing)} have none"
    )
    if chosen.write:
        REASONS.write_text(text(updated(findings, reasons)), encoding="utf-8")
    return int(bool(missing))


def justified(finding: Finding, reasons: Reasons) -> bool:
    """Whether a finding has a reason with a `why`."""
    known = reason_for(finding, reasons)
    return known is not None and bool(known.why)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
