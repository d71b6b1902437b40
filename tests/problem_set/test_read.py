"""Problems from files in any of the usual forms, and texts that look like several problems."""

from __future__ import annotations

import json

import pytest

from qmath_cli.errors import DataError
from qmath_cli.problem_set.plain_text import Division
from qmath_cli.problem_set.read import InputFormat, looks_like_many, read
from qmath_cli.records import Language

TWO = ["What is 1 + 1?", "What is 2 + 2?"]


def texts(text: str, source: str = "x", division: Division | None = None) -> list[str]:
    return [problem.text for problem in read(text, source, division=division).problems]


# ---------------------------------------------------------------- plain text


@pytest.mark.parametrize(
    "text",
    [
        "What is 1 + 1?\nWhat is 2 + 2?",
        "What is 1 + 1?\n\n  \nWhat is 2 + 2?\n\n",
        "1. What is 1 + 1?\n2. What is 2 + 2?\n",
        "(1) What is 1 + 1?\n\n(2) What is 2 + 2?",
        "7) What is 1 + 1?\n8) What is 2 + 2?",
        "**Problem 1.** What is 1 + 1?\n**Problem 2.** What is 2 + 2?",
        "Question 1: What is 1 + 1?\nQuestion 2: What is 2 + 2?",
    ],
)
def test_two_problems_however_they_are_divided(text: str) -> None:
    """Numbers and marks are no part of the problems."""
    assert texts(text) == TWO


@pytest.mark.parametrize(
    "text", ["1、求 1+1。\n2、求 2+2。", "第1题 求 1+1。\n第2题 求 2+2。", "1．求 1+1。\n2．求 2+2。"]
)
def test_chinese_numbers(text: str) -> None:
    """As in a Chinese worksheet."""
    assert texts(text) == ["求 1+1。", "求 2+2。"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna has 3 apples.\nHow many are 2 more?\n\nBen has 5.\nHow many are half?", 2),
        ("1. Solve\nx = 2.\n2. Factor x^2.\n", 2),
        ("1. Let x = 1. Find\n(a) x\n(b) 2x\n2. Find y.", 2),
        ("1. Consider\n1) one\n2) two\n2. Find y.", 2),
        ("Fractions\n\n1. Find a.\n2. Find b.\n3. Find c.", 3),
        ("Find a.\nFind b.\n\nFind c.\nFind d.", 4),
        ("\\[\nx = 1\n\\]\nFind x.\n\nFind y.", 2),
        ("Solve\n\\begin{cases}x=1\\\\\ny=2\\end{cases}", 1),
        ("Solve the system:\n2x + y = 5\nx - y = 1", 1),
        ("Let ABC be a triangle.\n1. Find a.\n2. Find b.", 1),
        ("A long sentence which goes\non in the next line and asks for x", 1),
        ("1.5 + 2\n2.5 + 3", 2),
        ("2 + 2\n3 * 3\n4 - 1", 3),
    ],
)
def test_how_many_problems_a_text_has(text: str, expected: int) -> None:
    """Blocks, numbers with lines of their own, parts, formulas and sentences over several lines."""
    assert len(texts(text)) == expected


def test_the_user_decides_how_a_text_is_divided() -> None:
    """Against what it looks like."""
    text = "Anna has 3.\nHow many?\n\nBen has 5.\nHow many?"
    assert len(texts(text, division=Division.LINES)) == 4
    assert len(texts("a?\nb?", division=Division.BLOCKS)) == 1


def test_it_is_said_how_a_text_was_divided() -> None:
    """And what was left out."""
    assert read("a?\nb?", "x").found == "one a line"
    assert "blocks" in read("a\nb\n\nc\nd", "x").found
    assert "'Fractions'" in read("Fractions\n\n1. a\n2. b\n3. c", "x").found


def test_numbers_are_ids_and_places_are_ids_otherwise() -> None:
    """Every id is there once."""
    assert [problem.id for problem in read("7. a\n8. b", "x").problems] == ["7", "8"]
    assert [problem.id for problem in read("a?\n\nb?", "x").problems] == ["1", "2"]
    rows = '{"id": "a", "problem": "p"}\n{"id": "a", "problem": "q"}\n{"problem": "r"}'
    assert [problem.id for problem in read(rows, "x").problems] == ["a", "a#2", "3"]


# ---------------------------------------------------------------- tables and JSON


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ('id,problem,answer\n7,"What is 1, or 2?",0.50\n', "x.csv"),
        ("ID;Question;Expected Answer\r\n7;What is 1, or 2?;0.50\r\n".replace("\r\n", "\n"), "x.csv"),
        ("No.\tPrompt\tground_truth\n7\tWhat is 1, or 2?\t0.50\n", "x.tsv"),
        ('id,problem,answer,,\n7,"What is 1, or 2?",0.50,,\n', "x"),
        ("编号\t题目\t答案\n7\tWhat is 1, or 2?\t0.50", "-"),
        ('{"id": 7, "question": "What is 1, or 2?", "answer": 0.50}', "x.jsonl"),
        ('{"idx": "7", "prompt": "What is 1, or 2?", "expected": "0.50", "answer": "1"}\n\n', "x"),
        ('[\n {"id": 7, "problem": "What is 1, or 2?", "final": 1, "target": ["0.50"]}\n]', "x.json"),
        ('{"id": 7, "question": "What is 1, or 2?", "answer": "We halve.\\n#### 0.50"}', "x"),
    ],
)
def test_fields_are_found_by_their_names(text: str, source: str) -> None:
    """In every format, with the digits as they are written."""
    (problem,) = read(text, source).problems
    assert (problem.id, problem.text, problem.reference) == ("7", "What is 1, or 2?", "0.50")


def test_texts_alone_are_problems() -> None:
    """In JSONL, in an array, and in a table of one column without a header."""
    assert texts("\n".join(map(json.dumps, TWO)), "x.jsonl") == TWO
    assert texts(json.dumps(TWO), "x.json") == TWO
    assert texts("\n".join(TWO), "x.csv") == TWO


@pytest.mark.parametrize(("said", "language"), [("zh-CN", Language.ZH), ("English", Language.EN), ("fr", Language.EN)])
def test_a_language_that_is_named_counts(said: str, language: Language) -> None:
    """One that the models do not have is found from the text."""
    (problem,) = read(json.dumps({"problem": "1+1", "language": said}), "x").problems
    assert problem.language is language


@pytest.mark.parametrize(
    ("text", "source", "why"),
    [
        ('{"problem": "a"}\n{"problem"\n', "x", "not JSON"),
        ('{"problem": "a"}\n[1]\n', "x", "not a JSON object"),
        ('{"problem": "a"}\n{"other": "b"}\n', "x", "no 'problem'"),
        ('{"problem": "a"}\n{"problem": {"b": 1}}\n', "x", "neither a text nor a number"),
        ('{"problem": "a"}\n{"problem": "\\ud800"}\n', "x", "not text"),
        ("problem,answer\nFind x, y,1\n", "x.csv", "cells"),
        ('problem,answer\n"a,1\n', "x.csv", "quotes"),
        ("problem,answer\n,1\n", "x.csv", "no 'problem'"),
    ],
)
def test_a_row_that_is_no_problem_says_why(text: str, source: str, why: str) -> None:
    """Where it stands in the file, and the rows around it are read."""
    (bad,) = read(text, source).bad
    assert bad.line == 2
    assert why in bad.why


@pytest.mark.parametrize(("text", "source"), [("", "x"), (" \n", "x.csv"), ("", "x.jsonl"), ("a,b\n1,2\n", "x.csv")])
def test_a_file_without_problems_is_refused(text: str, source: str) -> None:
    """Nothing in it, or no column that is named for them."""
    with pytest.raises(DataError):
        read(text, source)


def test_the_format_may_be_said() -> None:
    """Whatever the name is."""
    assert len(read("problem,answer\n1+1,2\n", "x.txt", InputFormat.CSV).problems) == 1


# ---------------------------------------------------------------- one problem, or many


@pytest.mark.parametrize(
    "text",
    [
        "What is 1 + 1?\nWhat is 2 + 2?",
        "Compute 1/2\nFind the roots of x^2 = 4.\nA train goes 5 km in 1 h. How fast is it?",
        "1. x + 1 = 2\n2. x + 2 = 3",
        "1 + 1\n2 + 2",
        "求 1+1 的值\n计算 2+2",
        "Anna has 3 apples. She eats 1.\nHow many are left?\n\nBen has 5.\nHow many are half?",
        "problem,answer\n1+1,2\n2+2,4",
        '{"question": "1+1"}\n{"question": "2+2"}',
        "Worksheet\n\n1. Find a.\n2. Find b.\n3. Find c.",
    ],
)
def test_a_text_looks_like_many_problems(text: str) -> None:
    """Each of them is a task of its own."""
    assert looks_like_many(text, "x") is not None


@pytest.mark.parametrize(
    "text",
    [
        "What is 1 + 1?",
        "Find all x such that\nx^2 = 4.",
        "Solve the system:\n2x + y = 5\nx - y = 1",
        "Solve\n2x + y = 5\nx - y = 1",
        "Let f(x) = x^2.\n(a) Find f'(x).\n(b) Find the minimum.",
        "Let ABC be a triangle.\n1. Find its area.\n2. Find its perimeter.",
        "Anna has 3 apples.\n\nHow many are left when she eats one?",
        "x + y = 3\nx - y = 1",
        "(a) Find x.\n(b) Find y.",
        "Which is larger?\nA. 1/2\nB. 1/3\nC. 2/3",
        "设 x = 1。\n求 2x 的值。",
        "\\documentclass{article}\n\\begin{document}\nFind $x$.\n\nThank you.\n\\end{document}",
    ],
)
def test_a_text_looks_like_one_problem(text: str) -> None:
    """Though it has several lines."""
    assert looks_like_many(text, "x") is None
