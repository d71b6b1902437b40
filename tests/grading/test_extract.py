r"""The last complete `\boxed{}` of a text, read as TeX reads braces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmath_cli.grading.extract import last_boxed, last_stated


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{42}.", "42"),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ 1, 2 \right.}", r"\left\{ 1, 2 \right."),
        (r"\boxed {7}", "7"),
        (r"\fbox{7}", "7"),
        (r"$\boxed 5$", "5"),
        (r"\(\boxed 5\) is it", "5"),
        ("\\boxed 12.\nMore words.", "12"),
        (r"\boxed{\boxed{3}}", "3"),
        (r"答案是 $\boxed{12 \text{元}}$。", r"12 \text{元}"),
        ("\\boxed{\n 9 \n}", "9"),
    ],
)
def test_the_last_box_is_the_answer(text: str, answer: str) -> None:
    """In every layout: the content of the last box without the blanks around it."""
    assert last_boxed(text) == answer


@pytest.mark.parametrize(
    "text", ["", "the answer is 5", r"\boxed{5", r"\boxed{}", r"\boxed{ }", r"\boxedx{5}", r"\boxed"]
)
def test_no_complete_box_is_no_answer(text: str) -> None:
    """An unfinished, empty or absent box gives no answer, whatever the prose states."""
    assert last_boxed(text) is None


def test_an_unfinished_box_does_not_hide_an_earlier_one() -> None:
    """A solution that is cut off while it repeats its answer keeps the earlier answer."""
    assert last_boxed(r"\boxed{8} and therefore \boxed{8") == "8"


def test_many_open_boxes_are_read_in_linear_time() -> None:
    """Ten thousand unclosed boxes before a closed one."""
    assert last_boxed("\\boxed{" * 10_000 + "6}") == "6"


@given(st.text(alphabet=st.sampled_from(list("\\{}$ box fed1\n,")), max_size=60))
def test_no_text_raises(text: str) -> None:
    """Any text gives a stripped, non-empty answer or none."""
    found = last_boxed("\\boxed" + text)
    assert found is None or found == found.strip() != ""


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So there are 28. The answer is 28", "28"),
        ("The answer is 28.\n\nQuestion:", "28"),
        (r"The answer is: $\frac{1}{2}$.", r"\frac{1}{2}"),
        ("Final Answer: The final answer is (B). I hope it is correct.", "B"),
        ("所以答案是：9。", "9"),
        ("故选:B.推理结束。", "B"),
        (r"答案是 $-\frac{1}{n}$", r"-\frac{1}{n}"),
        ("The answer is 3.5", "3.5"),
        ("no phrase here", None),
    ],
)
def test_few_shot_formats_state_their_answer(text: str, answer: str | None) -> None:
    """Each documented closing phrase gives its answer, bare."""
    assert last_stated(text) == answer
