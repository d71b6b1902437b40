"""The figures of the Qwen2.5-Math report, for comparison with a score.

Source: arXiv 2409.12122, tables 3-5, measured by Qwen in bf16 with vLLM. Only Instruct models have figures here. A
table has percentages for greedy / Maj@8 / RM@8; for competitions, the number of problems solved with greedy decoding.
Figures for one model and data set differ by about 0.3 points between Qwen's own publications.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from qmath_cli.records import Mode

_ENGLISH = ("gsm8k", "math", "minerva_math", "gaokao2023en", "olympiadbench", "college_math", "mmlu_stem")
_CHINESE = ("gaokao", "cmath", "cn_middle_school")
# The figures of _ENGLISH and of _CHINESE in their order, and the problems solved of AIME 2024 and of AMC 2023.
_TABLES = {
    ("1.5b-instruct", Mode.COT): (
        "84.8/89.5/94.1 75.8/80.3/83.9 29.4/32.0/37.5 65.5/68.8/73.0 38.1/43.9/47.3 47.7/48.9/50.2 57.5/60.7/65.2",
        "62.4/66.4/67.5 89.7/91.7/94.0 76.2/77.2/80.2",
        (3, 24),
    ),
    ("7b-instruct", Mode.COT): (
        "95.2/96.7/97.9 83.6/87.1/88.5 37.1/41.2/42.6 66.8/72.5/75.1 41.6/44.4/49.9 46.8/47.8/49.6 71.9/73.8/78.7",
        "66.3/68.1/72.2 91.8/92.7/94.5 73.3/78.2/81.2",
        (5, 25),
    ),
    ("72b-instruct", Mode.COT): (
        "95.9/96.0/96.4 85.9/88.6/89.8 44.1/47.8/47.4 71.9/73.8/76.9 49.0/50.1/54.5 49.5/50.2/50.6 80.8/84.9/80.1",
        "68.6/75.0/76.5 94.3/95.3/95.7 79.2/79.2/80.2",
        (9, 28),
    ),
    ("1.5b-instruct", Mode.TIR): (
        "83.7/90.0/93.3 79.9/85.3/88.9 33.5/35.3/39.7 67.8/71.9/78.7 49.2/54.3/59.3 54.8/56.3/58.8 56.9/60.4/76.6",
        "59.6/68.3/64.1 89.3/90.8/93.2 71.3/78.2/78.2",
        (7, 20),
    ),
    ("7b-instruct", Mode.TIR): (
        "94.6/96.4/97.6 85.2/89.9/91.4 39.0/40.8/42.3 71.4/76.4/80.8 55.6/58.6/63.1 56.0/57.2/58.7 70.1/71.3/82.2",
        "62.9/70.8/72.9 90.5/92.0/94.2 75.2/78.2/80.2",
        (6, 27),
    ),
    ("72b-instruct", Mode.TIR): (
        "95.8/96.7/96.4 88.1/91.8/92.9 48.2/48.2/49.3 75.3/83.1/83.4 60.6/64.5/65.9 57.7/58.3/59.7 82.3/85.0/90.0",
        "68.5/72.0/75.4 93.0/93.5/93.8 78.2/78.2/80.2",
        (12, 28),
    ),
}
_COMPETITIONS = {"aime24": (0, 30), "amc23": (1, 40)}  # index into the last tuple above, number of problems


class Method(StrEnum):
    """How the answers of a published figure were obtained: one greedy sample, a majority vote of 8, RM@8."""

    GREEDY = "greedy"
    MAJ8 = "maj@8"
    RM8 = "rm@8"


@dataclass(frozen=True, slots=True)
class Published:
    """One published figure. `accuracy` is a fraction between 0 and 1."""

    method: Method
    accuracy: float


def published(model: str, mode: Mode, data: str) -> tuple[Published, ...]:
    """Look up the published figures.

    Args:
        model: The model's short name without a quantization, such as `7b-instruct`.
        mode: CoT or TIR.
        data: The data set's name.

    Returns:
        Greedy, Maj@8 and RM@8 in this order; greedy only for a competition; empty if the report has no figure.
    """
    table = _TABLES.get((model, mode))
    if table is None:
        return ()
    english, chinese, solved = table
    if data in _COMPETITIONS:
        column, problems = _COMPETITIONS[data]
        return (Published(Method.GREEDY, solved[column] / problems),)
    for names, text in ((_ENGLISH, english), (_CHINESE, chinese)):
        if data in names:
            figures = text.split()[names.index(data)].split("/")
            return tuple(Published(method, float(figure) / 100) for method, figure in zip(Method, figures, strict=True))
    return ()
