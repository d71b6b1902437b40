"""Scores: intervals, tests, Maj@k, RM@k, and recorded responses of a real model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from qmath_cli.errors import DataError
from qmath_cli.evaluation import datasets, responses, rewards, schedule
from qmath_cli.evaluation.comparison import remarks
from qmath_cli.evaluation.published import Method, published
from qmath_cli.evaluation.records import ItemSample
from qmath_cli.evaluation.score import Score, score
from qmath_cli.evaluation.statistics import mcnemar, pass_at, wilson
from qmath_cli.records import Finish, Mode, Pick, Prompt, Rating, Sample, Sampling, StepScore
from qmath_cli.runtime.evaluation import open_graders
from qmath_cli.settings import Grade


def test_the_interval_is_wilson_s() -> None:
    """8 of 10, none of 10, and all of 3, compared with published values."""
    assert [round(end, 4) for end in wilson(8, 10)] == [0.4902, 0.9433]
    assert [round(end, 4) for end in wilson(0, 10)] == [0.0, 0.2775]
    assert [round(end, 4) for end in wilson(3, 3)] == [0.4385, 1.0]


def test_the_paired_test_counts_only_differences() -> None:
    """Five problems that only the first run solves give p = 1/16, with any number of others; no difference gives 1."""
    found = mcnemar([True] * 5 + [True] * 20, [False] * 5 + [True] * 20)
    assert (found.first_only, found.second_only, found.p) == (5, 0, 0.0625)
    assert mcnemar([True, False], [True, False]).p == 1.0


def test_pass_at_n_is_the_unbiased_estimate() -> None:
    """Of 4 samples with 1 correct: one draw of 4 finds it in a quarter of the cases, two in half, four always."""
    assert [pass_at(n, 4, 1) for n in (1, 2, 4)] == [0.25, 0.5, 1.0]
    assert pass_at(2, 4, 0) == 0.0
    assert pass_at(1, 8, 5) == pytest.approx(5 / 8)


def test_recorded_responses_give_the_reference_figures(shared: Path) -> None:
    """50 MATH problems with 8 samples: accuracy 375/400, Maj@8 and RM@8 48/50, Maj@1 as recorded."""
    path = shared / "responses" / "math_cot_50.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    data, samples, k = responses.read(path)
    with open_graders("math") as graders:
        items = {item.id: item for item in data.items}
        graded = [graders.grade(one, items[one.item]) for one in samples]
        found = score(data, graded, k, Grade.OFFICIAL, graders)
    assert (found.items, k) == (50, 8)
    assert found.accuracy == pytest.approx(375 / 400)
    assert (found.maj[8], found.rm[8]) == (48 / 50, 48 / 50)
    assert found.maj[1] == pytest.approx(sum(row["score"][0] for row in rows) / 50)
    assert found.passed[1] == pytest.approx(found.accuracy)
    assert found.passed[8] == sum(any(row["score"]) for row in rows) / 50


def test_responses_without_texts_are_refused(tmp_path: Path) -> None:
    """A data set is not a file of responses."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"problem": "1+1", "answer": "2"}\n', encoding="utf-8")
    with pytest.raises(DataError, match="without responses"):
        responses.read(path)


@pytest.mark.parametrize(
    "row",
    [
        {"response": [None]},
        {"response": [1, "x"]},
        {"response": "x"},
        {"response": ["x", "y"], "pred_score": [1.0]},
        {"response": ["x"], "pred_score": ["high"]},
        {"response": ["x"], "pred_score": [float("nan")]},
        {"response": ["x"], "pred_score": {"0": 1}},
    ],
)
def test_responses_that_are_none_are_an_error(tmp_path: Path, row: dict[str, object]) -> None:
    """No text, or rewards that do not belong to them: in words."""
    path = tmp_path / "made.jsonl"
    path.write_text(json.dumps({"problem": "1+1?", "answer": "2", **row}) + "\n")
    with pytest.raises(DataError, match="problem 1"):
        responses.read(path)


def small(tmp_path: Path, *answers: tuple[str, ...], k: int, grade: Grade = Grade.OFFICIAL) -> Score:
    """The score of samples with these answers; 2 is correct."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"problem": "1+1?", "answer": "2", "subject": "sums"}\n' * len(answers), encoding="utf-8")
    data = datasets.load("mine", path)
    done = [
        ItemSample(item.id, Sample(rf"\boxed{{{text}}}" if text else "?", text or None, Finish.ANSWERED, index=i))
        for item, texts in zip(data.items, answers, strict=True)
        for i, text in enumerate(texts)
    ]
    with open_graders("") as graders:
        items = {item.id: item for item in data.items}
        return score(data, [graders.grade(one, items[one.item]) for one in done], k, grade, graders)


def test_only_whole_problems_count(tmp_path: Path) -> None:
    """A problem with a missing sample is not scored."""
    found = small(tmp_path, ("2", "2"), ("2",), k=2)
    assert (found.items, found.accuracy) == (1, 1.0)


def test_the_strict_vote_joins_equal_answers(tmp_path: Path) -> None:
    """`4/2` and `2` are equal, except as strings, which the official vote compares."""
    votes = ("3", "3", "4/2", "2", r"\frac{6}{3}")
    assert small(tmp_path, votes, k=5, grade=Grade.STRICT).maj[5] == 1.0
    assert small(tmp_path, votes, k=5).maj[5] == 0.0


def test_rewards_rank_and_make_the_headline(tmp_path: Path) -> None:
    """With `--pick rm` the sample with the highest reward counts; samples are scored as conversations."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"problem": "1+1?", "answer": "2"}\n', encoding="utf-8")
    data = datasets.load("mine", path)
    done = [
        ItemSample("0", Sample(rf"\boxed{{{text}}}", text, Finish.ANSWERED, index=i)) for i, text in enumerate("332")
    ]
    work = schedule.EvaluationPlan(data, Mode.COT, Sampling(), lambda _item: Prompt(()), k=3)
    with open_graders("") as graders:
        graded = [graders.grade(one, data.items[0]) for one in done]
        graded = list(rewards.reward(work, graded, PrefersTwo()))
        found = score(data, graded, 3, Grade.OFFICIAL, graders, Pick.RM)
    assert (found.maj[3], found.rm[3], found.headline) == (0.0, 1.0, 1.0)
    assert found.rm[2] == 0.0


def test_a_weighted_vote_is_neither_the_majority_nor_the_best_sample(tmp_path: Path) -> None:
    """Two samples with good rewards outweigh three with poor ones and one with the best, under either grade."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"problem": "1+1?", "answer": "2"}\n', encoding="utf-8")
    data = datasets.load("mine", path)
    rewards = ((3, -4.0), (2, 1.0), (3, -4.0), (4, 3.0), (3, -4.0), (2, 1.0))
    done = [
        ItemSample("0", Sample(rf"\boxed{{{answer}}}", str(answer), Finish.ANSWERED, reward=reward, index=i))
        for i, (answer, reward) in enumerate(rewards)
    ]
    with open_graders("") as graders:
        graded = [graders.grade(one, data.items[0]) for one in done]
        for grade in Grade:
            found = score(data, graded, 6, grade, graders, Pick.RM_VOTE)
            assert (found.maj[6], found.rm[6], found.rm_vote[6], found.headline) == (0.0, 0.0, 1.0, 1.0)
            assert found.rm_vote[1] == 0.0


def test_without_rewards_there_is_no_weighted_vote(tmp_path: Path) -> None:
    """RM@k and the weighted vote are absent, and the headline is the majority vote."""
    found = small(tmp_path, ("2", "2", "3"), k=3)
    assert (dict(found.rm), dict(found.rm_vote), found.headline) == ({}, {}, 1.0)


def test_scores_of_steps_are_ranked_under_their_own_name(tmp_path: Path) -> None:
    """PRM@k beside Maj@k, never RM@k, whose published figures are of another model; and where it pays is said."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"problem": "1+1?", "answer": "2"}\n', encoding="utf-8")
    data = datasets.load("mine", path)
    rewards = (("3", 0.1), ("2", 0.8), ("3", 0.2), ("4", 0.9))
    done = [
        ItemSample("0", Sample("", answer, Finish.ANSWERED, reward=reward, steps=(StepScore("a", reward),), index=i))
        for i, (answer, reward) in enumerate(rewards)
    ]
    with open_graders("") as graders:
        graded = [graders.grade(one, data.items[0]) for one in done]
        found = score(data, graded, 4, Grade.STRICT, graders, Pick.PRM_VOTE)
        assert (found.maj[4], found.prm[2], found.prm[4], found.prm_vote[4]) == (0.0, 1.0, 0.0, 0.0)
        assert (dict(found.rm), dict(found.rm_vote), found.ranked[0], found.headline) == ({}, {}, "prm", 0.0)
    run = SimpleNamespace(mode=Mode.TIR, model="72b-instruct:q4_k_m")
    said = " ".join(remarks(replace(found, setup=run), ""))
    assert "in words only" in said
    assert "for a 72B model" in said
    assert "PRM" not in " ".join(remarks(found, ""))


class PrefersTwo:
    """A reward model that gives 1 to the answer 2."""

    def rate(self, problem: str, mode: Mode, solutions: Sequence[str]) -> tuple[Rating, ...]:
        return tuple(Rating(float("boxed{2}" in text)) for text in solutions)


def test_missing_answers_are_rates_and_subjects_are_parts(tmp_path: Path) -> None:
    """Samples without an answer are counted, and the subject has a score."""
    found = small(tmp_path, ("2",), ("",), k=1)
    assert found.rates.no_answer == 0.5
    assert [(part.name, part.items, part.accuracy) for part in found.subjects] == [("sums", 2, 0.5)]


def test_published_figures_are_those_of_the_report() -> None:
    """Figures from the tables of the report."""
    assert [one.accuracy for one in published("7b-instruct", Mode.COT, "math")] == [0.836, 0.871, 0.885]
    assert published("72b-instruct", Mode.TIR, "aime24")[0].accuracy == pytest.approx(12 / 30)
    assert published("1.5b-instruct", Mode.COT, "cmath")[1].method is Method.MAJ8
    assert published("demo", Mode.TIR, "demo") == ()
