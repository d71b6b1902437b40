"""Data sets: expected answers as in Qwen's evaluation, prompts, damaged lines, selections."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qmath_cli.errors import DataError
from qmath_cli.evaluation import datasets
from qmath_cli.evaluation.layouts import layout_of
from qmath_cli.prompting.select import select
from qmath_cli.records import Language, Mode, ModelInfo, ModelKind, Prompt

SIZES = {"aime24": 30, "amc23": 40, "cmath": 600, "gaokao2023en": 385, "gaokao2024_I": 14, "gaokao_math_cloze": 118,
         "gaokao_math_qa": 351, "gsm8k": 1319, "mmlu_stem": 3018}  # fmt: skip


def benchmark(shared: Path, name: str) -> datasets.Dataset:
    """A benchmark from the shared data."""
    return datasets.load(name, shared / "benchmarks" / f"{name}.jsonl")


def built(name: str, item: datasets.Item, mode: Mode | None, kind: ModelKind = ModelKind.INSTRUCT) -> Prompt:
    """The prompt of a model of this kind for a problem."""
    layout = layout_of(name)
    info = ModelInfo("x", Path("x.gguf"), kind=kind)
    return datasets.build_prompt(name, item, select(info, layout.language, mode, base_style=layout.base))


@pytest.mark.parametrize("name", list(SIZES))
def test_a_benchmark_loads_whole(shared: Path, name: str) -> None:
    """Every problem of the published file has a text and a unique id."""
    data = benchmark(shared, name)
    assert len(data.items) == SIZES[name]
    assert len({item.id for item in data.items}) == SIZES[name]
    assert all(item.problem for item in data.items)


@pytest.mark.parametrize("name", list(SIZES))
@pytest.mark.parametrize("mode", list(Mode))
def test_every_problem_has_a_prompt_in_each_mode(shared: Path, name: str, mode: Mode) -> None:
    """A chat prompt ends with the problem; a few-shot prompt contains it."""
    for item in benchmark(shared, name).items[:20]:
        text = built(name, item, mode).text
        assert text.endswith(f"{item.problem}<|im_end|>\n<|im_start|>assistant\n")
        assert item.problem in built(name, item, None, ModelKind.BASE).text


@pytest.mark.parametrize(
    ("name", "position", "official"),
    [
        ("gsm8k", 0, "18"),
        ("aime24", 1, "113"),
        ("amc23", 0, "27"),
        ("cmath", 0, "9"),
        ("gaokao_math_qa", 0, "D"),
        ("mmlu_stem", 0, "C"),
        ("gaokao2024_I", 0, "A"),
        ("gaokao2023en", 0, r"{x|-2\lex<1}"),
        ("gaokao2023en", 167, ""),  # empty in the data
        ("gaokao2023en", 83, ""),  # `b > a > c`, whose letters the official rules take for units
    ],
)
def test_the_expected_answer_is_the_official_one(shared: Path, name: str, position: int, official: str) -> None:
    """The normal form is that of Qwen's evaluation."""
    assert benchmark(shared, name).items[position].official == official


def test_the_named_oddities_are_counted(shared: Path) -> None:
    """GaoKao 2023 (EN) has 37 one-letter answers and 3 empty ones; 7 answers of the QA set have several letters."""
    english = [item.official for item in benchmark(shared, "gaokao2023en").items]
    assert (sum(len(one) == 1 and one in "ABCDE" for one in english), english.count("")) == (37, 3)
    assert sum(len(item.official) > 1 for item in benchmark(shared, "gaokao_math_qa").items) == 7


def test_choice_questions_carry_their_options_and_examples(shared: Path) -> None:
    """The options are part of the problem; five examples precede it in CoT, and none in TIR."""
    item = benchmark(shared, "mmlu_stem").items[0]
    assert "\nAnswer Choices: (A) maintain the population" in item.problem
    assert built("mmlu_stem", item, Mode.COT).text.count("The answer is (") == 5
    assert "The answer is (" not in built("mmlu_stem", item, Mode.TIR).text


def test_several_letters_are_asked_without_examples(shared: Path) -> None:
    """As in Qwen's evaluation, only questions with one correct letter get examples."""
    several = next(item for item in benchmark(shared, "gaokao_math_qa").items if len(item.official) > 1)
    assert "答案是" not in built("gaokao_math_qa", several, Mode.COT).text


def test_the_demo_set_is_embedded() -> None:
    """It is part of the package, in both languages, and every problem has a kind."""
    data = datasets.load("demo", datasets.EMBEDDED)
    assert len(data.items) >= 500
    assert {item.language for item in data.items} == set(Language)
    assert all(item.subject for item in data.items)


def written(tmp_path: Path, *lines: str) -> Path:
    """A data set with these lines."""
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


GOOD = json.dumps({"problem": "1+1?", "answer": "2"})


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('{"problem": "x"', "not JSON"),
        ('{"problem": "x"}', "no field 'answer' or 'expected'"),
        ("[1]", "a list"),
        ("null", "nothing"),
        ("3", "a number"),
        ('{"problem": "", "answer": "2"}', "the problem is empty"),
        ('{"problem": null, "answer": "2"}', "'problem' holds nothing"),
        ('{"problem": 5, "answer": "2"}', "a number, not a text"),
        ('{"problem": "x", "answer": null}', "'answer' holds nothing"),
        ('{"problem": "x", "answer": null, "expected": null}', "holds nothing"),
        ('{"problem": "x", "answer": ""}', "empty"),
        ('{"problem": "x", "answer": "  \\n"}', "empty"),
        ('{"problem": "x", "answer": NaN}', "not a number"),
        ('{"problem": "x", "answer": -Infinity}', "not a number"),
        ('{"problem": "x", "answer": 1e999}', "not a number"),
        ('{"problem": "x", "answer": "nan"}', "no answer"),
        ('{"problem": "x", "answer": "NULL"}', "no answer"),
        ('{"problem": "x", "answer": {"value": 2}}', "an object"),
        ('{"problem": "x", "answer": ["2"]}', "a list"),
        ('{"problem": "x\\ud800", "answer": "2"}', "surrogate"),
        ('{"problem": "x", "answer": ' + "9" * 5000 + "}", "digits"),
        ("[" * 100_000, "nested"),
    ],
)
def test_a_damaged_line_is_named_in_words(tmp_path: Path, bad: str, why: str) -> None:
    """The error has the number of the line and what is wrong; with `skip_bad` it is skipped and counted."""
    path = written(tmp_path, GOOD, bad, GOOD)
    with pytest.raises(DataError, match=r"line 2: .*" + re.escape(why)) as caught:
        datasets.load("mine", path)
    assert "--skip-bad" in caught.value.hint
    data = datasets.load("mine", path, skip_bad=True)
    assert (len(data.items), data.skipped) == (2, 1)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("mmlu_stem", {"question": "?", "choices": ["1", "2", "3", "4"], "answer": -1}),
        ("mmlu_stem", {"question": "?", "choices": ["1", "2", "3", "4"], "answer": 4}),
        ("mmlu_stem", {"question": "?", "choices": ["1", "2", "3", "4"], "answer": 1.0}),
        ("mmlu_stem", {"question": "?", "choices": ["1", "2", "3", "4"], "answer": True}),
        ("mmlu_stem", {"question": "?", "choices": ["1", "2", "3"], "answer": 0}),
        ("aqua", {"question": "?", "options": ["A)1", "B)2"], "correct": "F"}),
        ("sat_math", {"question": "?", "options": "A) 1 B) 2", "Answer": "E"}),
        ("gaokao_math_qa", {"question": "?", "options": {"A": "1", "B": "2"}, "label": "C"}),
        ("gaokao_math_qa", {"question": "?", "options": {"A": "1", "B": "2"}, "label": None}),
        ("gsm8k", {"question": "?", "answer": "so #### "}),
        ("gsm8k", {"question": "?", "answer": "18"}),
        ("olympiadbench", {"question": "?", "final_answer": []}),
        ("olympiadbench", {"question": "?", "final_answer": ["$$"]}),
        ("college_math", {"question": "?", "answer": "$$"}),
        ("math", {"problem": "?", "solution": ""}),
        ("math", {"problem": "?", "solution": "x", "answer": float("nan")}),
        ("cn_middle_school", {"question": "?", "choice_answer": None, "answer": None}),
    ],
)
def test_an_answer_out_of_range_is_none(tmp_path: Path, name: str, row: dict[str, object]) -> None:
    """In every layout: no letter, no number, no text that a model could be graded against; no word of Python."""
    with pytest.raises(DataError) as caught:
        datasets.load(name, written(tmp_path, json.dumps(row)))
    assert not re.search(r"index|NoneType|float|attribute|Error|None", caught.value.message)


@pytest.mark.parametrize(
    ("name", "row", "official"),
    [
        ("mmlu_stem", {"question": "?", "choices": ["1", "2", "3", "infinity"], "answer": 3}, "D"),
        ("mmlu_stem", {"question": "?", "choices": [1, 2, 3, 4], "answer": "B"}, "B"),
        ("olympiadbench", {"question": "?", "final_answer": "$12$"}, "12"),
        ("gaokao2023en", {"question": "?", "answer": ""}, ""),
        ("cn_middle_school", {"question": "?", "choice_answer": "", "answer": "$3$"}, "3"),
        ("gaokao2024_mix", {"question": "?", "choice_answer": "C", "answer": "$3$"}, "C"),
        ("mine", {"problem": "?", "answer": 0}, "0"),
        ("mine", {"problem": "?", "answer": "infinity"}, r"\infty"),
        ("mine", {"problem": "?", "answer": None, "expected": 3.5}, "3.5"),
    ],
)
def test_an_unusual_answer_is_one(tmp_path: Path, name: str, row: dict[str, object], official: str) -> None:
    """Zero, infinity, letters for numbers; and the published set that has two problems without an answer."""
    assert datasets.load(name, written(tmp_path, json.dumps(row))).items[0].official == official


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (json.dumps([json.loads(GOOD)] * 2).encode(), "one JSON list"),
        (json.dumps([json.loads(GOOD)] * 2, indent=1).encode(), "one JSON list"),
        (json.dumps(json.loads(GOOD), indent=1).encode(), "several lines"),
        (b"problem,answer\n1+1?,2\n", ".csv"),
        (b'{"prompt": "1+1?", "completion": "2"}\n' * 3, '{"problem": "What is 1/2 + 1/3?", "answer": "5/6"}'),
        (GOOD.encode("utf-16"), "iconv"),
        (b"PAR1\x15\x04", "as JSON"),
        (b"\x1f\x8b\x08\x00", "as JSON"),
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_file_of_another_format_is_named_as_one(tmp_path: Path, content: bytes, hint: str, *, skip_bad: bool) -> None:
    """Skipping its lines would leave nothing of it."""
    path = tmp_path / "mine.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        datasets.load("mine", path, skip_bad=skip_bad)
    assert hint in caught.value.hint
    assert "--skip-bad" not in caught.value.hint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.csv", "Problem,Answer,Nr.\r\n1+1?,2,a\r\n\r\n\"What is 1,000 + 1?\",1001,b\r\n"),
        ("own.csv", "题目;参考答案;编号\n1+1?;2;a\nWhat is 1,000 + 1?;1001;b\n"),
        ("OWN.TSV", "question\texpected\tid\n1+1?\t2\ta\nWhat is 1,000 + 1?\t1001\tb\n"),
        ("own.jsonl", '{"Question": "1+1?", "gold": 2, "No": "a"}\n'
         '{"task": "What is 1,000 + 1?", "target": 1001, "nr": "b"}'),
        ("own.ndjson", '{"text": "1+1?", "answer": "1 and 1: #### 2", "id": "a"}\n'
         '{"question": "What is 1,000 + 1?", "answer": 1001, "expected": null, "id": "b"}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_ones_own_has_the_names_of_batch(tmp_path: Path, name: str, content: str, encoding: str) -> None:
    """JSONL in UTF-8, and tables in what spreadsheets write; problem, answer and id under any of their names."""
    if encoding == "utf-16" and "json" in name:
        pytest.skip("JSON is UTF-8")
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    found = datasets.load_file(path)
    assert [(item.problem, item.reference, item.id, item.label) for item in found.items] == [
        ("1+1?", "2", "a", "a"),
        ("What is 1,000 + 1?", "1001", "b", "b"),
    ]
    assert found.name == path.stem


def test_rows_of_a_table_that_are_no_problems_are_named(tmp_path: Path) -> None:
    """Too many cells, quotes that do not match, an empty answer, and what is no UTF-8."""
    path = tmp_path / "own.csv"
    path.write_bytes(b'problem,answer\n1+1?,2\n1,000+1?,1001\n"1+2?,3\n1+3?,\n\xff?,1\n')
    with pytest.raises(DataError, match="line 3: 3 cells where 2 are expected"):
        datasets.load_file(path)
    found = datasets.load_file(path, skip_bad=True)
    assert ([item.label for item in found.items], found.skipped) == (["1"], 4)


@pytest.mark.parametrize(("name", "content"), [("own.csv", "a,b\n1,2\n"), ("own.csv", "problem\n1+1?\n")])
def test_a_table_without_the_columns_is_an_error_that_names_them(tmp_path: Path, name: str, content: str) -> None:
    """The hint has a first line that would do."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        datasets.load_file(path)
    assert "problem,answer" in caught.value.hint


def test_a_file_of_ones_own_may_have_the_name_of_a_published_set(tmp_path: Path) -> None:
    """Its lines decide; what is no published set has a name that none has, and is compared with no published figure."""
    own, published = tmp_path / "math.jsonl", tmp_path / "gsm8k.jsonl"
    own.write_text(GOOD + "\n", encoding="utf-8")
    published.write_text('{"question": "1+1?", "answer": "#### 2"}\n', encoding="utf-8")
    assert datasets.load_file(own).name == "math.jsonl"
    assert datasets.load_file(published).name == "gsm8k"
    published.write_text('{"question": "1+1?", "answer": "#### 2"}\n{"question": "1+1?", "answer": "2"}\n')
    with pytest.raises(DataError, match="line 2: not a problem of gsm8k"):
        datasets.load_file(published)


def test_what_is_said_of_a_file_of_ones_own_has_no_word_of_layouts(tmp_path: Path) -> None:
    """The error names line and field."""
    with pytest.raises(DataError) as caught:
        datasets.load_file(written(tmp_path, '{"problem": "1+1?"}'))
    assert "line 1: it has no field 'answer' or 'expected'" in caught.value.message
    assert "layout" not in caught.value.message + caught.value.hint


def test_a_byte_order_mark_and_ids_that_are_nothing_do_no_harm(tmp_path: Path) -> None:
    """The first line is a problem; a problem without an id is named by its position."""
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": null, "problem": "1+1?", "answer": 2}\r\n')
    (item,) = datasets.load("mine", path).items
    assert (item.id, item.reference) == ("0", "2")


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    """The second of two problems with the same id gets another one."""
    row = json.dumps({"id": 7, "problem": "1+1?", "answer": "2"})
    assert [item.id for item in datasets.load("mine", written(tmp_path, row, row)).items] == ["7", "7#2"]


def test_a_true_or_false_question_says_so(tmp_path: Path) -> None:
    """The hint of Qwen's evaluation for such questions is appended to the problem."""
    row = json.dumps({"problem": "Is 7 prime?", "answer": "True"})
    assert datasets.load("mine", written(tmp_path, row)).items[0].problem == "Is 7 prime? (True or False)"


def test_a_worked_solution_gives_the_official_answer(tmp_path: Path) -> None:
    """The official answer is extracted from the solution; the reference is the stored answer."""
    solution = r"So $\boxed{\dfrac12\text{ m}}$."
    row = {"problem": "?", "solution": solution, "answer": r"\dfrac12", "subject": "Algebra", "level": 2}
    path = tmp_path / "math500.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    item = datasets.load("math500", path).items[0]
    assert (item.official, item.reference, item.subject, item.level) == (r"\frac{1}{2}", r"\dfrac12", "Algebra", "2")


def test_shards_part_the_problems(tmp_path: Path) -> None:
    """Every problem up to the limit is in exactly one shard; an empty shard is an error."""
    rows = [json.dumps({"problem": f"{i}?", "answer": str(i)}) for i in range(10)]
    data = datasets.load("mine", written(tmp_path, *rows))
    shards = [datasets.select(data, 7, (part, 3)).items for part in (1, 2, 3)]
    assert sorted(int(item.id) for shard in shards for item in shard) == list(range(7))
    with pytest.raises(DataError):
        datasets.select(data, 2, (3, 3))
