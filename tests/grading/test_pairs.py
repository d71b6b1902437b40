"""Files of pairs: three formats, each line a pair or what is wrong with it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from qmath_cli.errors import DataError
from qmath_cli.grading.pairs.pair import BadLine, Pair
from qmath_cli.grading.pairs.read import PairFormat, read


def pairs_of(content: str | bytes, name: str = "pairs") -> list[tuple[int, str, str] | tuple[int, str]]:
    """What a file gives: pairs as (line, answer, expected), bad lines as (line, why)."""
    raw = content.encode() if isinstance(content, str) else content
    rows = read(io.BytesIO(raw), name)
    return [(r.line, r.answer, r.expected) if isinstance(r, Pair) else (r.line, r.why) for r in rows]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.tsv", "1/2\t0.5\n(1,2)\t(2,1)\n"),
        ("p.tsv", "1/2\t0.5\r\n(1,2)\t(2,1)\tfrom Tuesday"),  # the last newline may be missing, more columns do no harm
        ("p.tsv", '1/2\t0.5\n"(1,2)"\t"(2,1)"\n'),
        ("p.csv", '1/2,0.5\n"(1,2)","(2,1)"\n'),
        ("p.csv", '1/2, 0.5\n"(1,2)", "(2,1)"\n'),
        ("p.jsonl", '{"answer": "1/2", "expected": 0.5}\n{"expected": "(2,1)", "id": [3], "answer": "(1,2)"}\n'),
        ("p.jsonl", '{"answer": "1/2", "reference": "0.5"}\n{"answer": "(1,2)", "ground_truth": "(2,1)"}\n'),
    ],
)
def test_every_format_gives_the_same_pairs(name: str, content: str) -> None:
    """By the name of the file, by the option, and by the first line of a file without a telling name."""
    wanted = [(1, "1/2", "0.5"), (2, "(1,2)", "(2,1)")]
    assert pairs_of(content, name) == wanted
    assert pairs_of(content, "standard input") == wanted
    kind = PairFormat(name.rpartition(".")[2])
    rows = list(read(io.BytesIO(content.encode()), "misleading.csv.txt", kind))
    assert [row.line for row in rows if isinstance(row, Pair)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", 'answer,expected\n"1,000",1000\n'),
        ("p.csv", 'id,Expected,note,"Answer"\n7,1000,"a, b","1,000"\n'),
        ("p.csv", 'reference;answer\n1000;"1,000"\n'),
        ("p.tsv", "ground_truth\tanswer\tid\n1000\t1,000\n"),
        ("p.tsv", "reference\texpected\tanswer\nEuler\t1000\t1,000\n"),
    ],
)
def test_a_header_names_the_columns(name: str, content: str) -> None:
    """In any order, with more columns between them; the header is no pair."""
    assert pairs_of(content, name) == [(2, "1,000", "1000")]
    assert pairs_of(content) == [(2, "1,000", "1000")]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("p.csv", "answer,id\n5,1\n", "there is no 'expected'"),
        ("p.tsv", "prediction\treference\n5\t5\n", "there is no 'answer'"),
        ("p.csv", "answer,reference,ground_truth\n5,5,5\n", "both name the expected answer"),
        ("p.json", '[{"answer": 1, "expected": 1}]\n', "one JSON array"),
        ("p.txt", "5 and 5\n", "no pair in TSV, CSV or JSONL"),
    ],
)
def test_a_file_that_cannot_be_one_of_pairs_is_refused_at_once(name: str, content: str, why: str) -> None:
    """Before any pair of it is compared."""
    with pytest.raises(DataError, match=why):
        read(io.BytesIO(content.encode()), name)


@pytest.mark.parametrize(
    ("name", "bad", "why"),
    [
        ("p.tsv", "5", "the row ends too early"),
        ("p.tsv", "5\t", "the expected answer is empty"),
        ("p.csv", "(1,2),(1,2)", "4 cells where 2 are expected"),
        ("p.csv", '"5,5', "the quotes of this row do not match"),
        ("p.csv", '"5"6,5', "the quotes of this row do not match"),
        ("p.jsonl", "{'answer': 5}", "this is not JSON"),
        ("p.jsonl", "[5, 5]", "this is not a JSON object"),
        ("p.jsonl", "[" * 100_000, "this is not JSON"),
        ("p.jsonl", '{"answer": 5}', "there is no 'expected'"),
        ("p.jsonl", '{"expected": 5}', "there is no 'answer'"),
        ("p.jsonl", '{"answer": 5, "expected": null}', "'expected' is neither a text nor a number"),
        ("p.jsonl", '{"answer": [5], "expected": 5}', "'answer' is neither a text nor a number"),
        ("p.jsonl", '{"answer": true, "expected": 5}', "'answer' is neither a text nor a number"),
        ("p.jsonl", '{"answer": NaN, "expected": 5}', "this is not JSON"),
    ],
)
def test_a_bad_line_costs_itself_only(name: str, bad: str, why: str) -> None:
    """It is named with its number, and the lines around it are pairs."""
    good = '{"answer": 1, "expected": 2}' if name.endswith("jsonl") else "1\t2" if name.endswith("tsv") else "1,2"
    assert pairs_of(f"{good}\n\n{bad}\n{good}\n", name) == [(1, "1", "2"), (3, why), (4, "1", "2")]


def test_a_cell_in_quotes_may_have_lines_and_quotes() -> None:
    """The row is named by its first line."""
    assert pairs_of('1,2\n"a\nb","say ""c"""\n3,4\n', "p.csv") == [(1, "1", "2"), (2, "a\nb", 'say "c"'), (4, "3", "4")]


def test_numbers_in_json_keep_their_digits() -> None:
    """A number is the text that it is written as: no rounding, no limit."""
    long = "12345678901234567890.10"
    assert pairs_of(f'{{"answer": {long}, "expected": 1e400}}', "p.jsonl") == [(1, long, "1e400")]
    digits = "7" * 5000
    assert pairs_of(f'{{"answer": {digits}, "expected": -0}}', "p.jsonl") == [(1, digits, "-0")]


def test_an_empty_answer_is_an_answer() -> None:
    """A model may give none; that nothing is expected is a mistake."""
    assert pairs_of("\t5\n", "p.tsv") == [(1, "", "5")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_texts_may_begin_with_a_byte_order_mark(encoding: str) -> None:
    """PowerShell writes UTF-16."""
    assert pairs_of("3 元\t3\nπ\t\\pi\n".encode(encoding), "p.tsv") == [(1, "3 元", "3"), (2, "π", r"\pi")]


def test_a_line_in_another_encoding_is_a_bad_line() -> None:
    """The others are read."""
    content = b"1\t2\n" + "3 平方米\t3\n".encode("gb18030") + "3 元\t3\n".encode()
    assert pairs_of(content, "p.tsv") == [(1, "1", "2"), (2, "this is not UTF-8 text"), (3, "3 元", "3")]


def test_a_line_without_an_end_is_cut() -> None:
    """Memory is bounded; the numbers of the lines stay right."""
    rows = pairs_of("x" * (1 << 22) + "\t1\n5\t6\n", "p.tsv")
    assert rows == [(1, "the row ends too early"), (2, "5", "6")]


def test_a_pair_is_there_before_the_next_line_is_read() -> None:
    """A pipe that stays open gives its pairs as they come."""

    class Slow(io.RawIOBase):
        """A stream that gives one line at a time, and fails at the third."""

        lines: Iterator[bytes] = iter([b"1\t2\n", b"3\t4\n"])

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            line = next(self.lines)
            buffer[: len(line)] = line
            return len(line)

    rows = read(Slow(), "standard input")  # type: ignore[arg-type]
    assert [next(rows).line, next(rows).line] == [1, 2]


def test_an_empty_file_has_no_pairs() -> None:
    """Empty lines are none either."""
    assert [pairs_of(content, name) for content in ("", "\n \n") for name in ("p.tsv", "p.csv", "p.jsonl", "-")] == [
        []
    ] * 8


def test_every_bad_line_has_a_hint() -> None:
    """What to do about it."""
    rows = list(read(io.BytesIO(b'5\n"1,2\n(1,2),3\n5,\n'), "p.csv"))
    assert all(isinstance(row, BadLine) and row.hint for row in rows)
    assert len(rows) == 4
