"""Written solutions as passages for a comparison of models: the prompt that leads to each, and the tokens that it has.

A solution is asked for as every command asks (`prompting.select`), and its tokens follow those of the prompt as if the
model had written them. Scored are the solution's own tokens and the end of the turn; the prompt and the output of
programs are not predictions of the model's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qmath_cli.benchmark.divergence.passage import Passage
from qmath_cli.engine.llama.model import Model
from qmath_cli.errors import DataError
from qmath_cli.evaluation.datasets import Item
from qmath_cli.prompting import chat
from qmath_cli.prompting.prompt_format import PromptFormat, PromptStyle
from qmath_cli.prompting.select import select
from qmath_cli.records import Mode, ModelInfo, Prompt, Segment

_LEAST = 16  # tokens that a solution must have beyond its prompt
_OUTPUT = re.compile(rf"(?<={chat.OUTPUT_FENCE})\n.*?\n```\n?", re.DOTALL)  # what an executor wrote
_END = Prompt((Segment("<|im_end|>", special=True),))


def solution_passages(solutions: Iterable[tuple[Item, str]], model: Model, info: ModelInfo) -> list[Passage]:
    """One passage per solution; a solution that does not fit into the context is cut at its end.

    Args:
        solutions: problems, each with the text of a solution.
        model: the loaded model whose tokens are taken.
        info: its description.

    Raises:
        DataError: no solution is left.
    """
    found = (_passage(item, text, model, info) for item, text in solutions)
    passages = [passage for passage in found if len(passage.tokens) - passage.first > _LEAST]
    if not passages:
        raise DataError("there is no solution to compare the models on", "each line needs a problem and a response")
    return passages


def _passage(item: Item, text: str, model: Model, info: ModelInfo) -> Passage:
    asked = _format(info, item, text)
    tokens = model.tokenize(asked.build(item.problem))
    first, given = len(tokens) - 1, []
    for piece, written in _pieces(text):
        start = len(tokens)
        tokens += model.tokenize_plain(piece.encode())
        if not written:
            given.append((start, len(tokens)))
    if not asked.style.few_shot:
        tokens += model.tokenize(_END)
    return Passage(tuple(tokens[: model.context_length]), first, tuple(given))


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """A solution in pieces, as the engine gets them, each with whether the model wrote it."""
    start = 0
    for match in _OUTPUT.finditer(text):
        yield text[start : match.start()], True
        yield match.group(), False
        start = match.end()
    yield text[start:], True


def _format(info: ModelInfo, item: Item, text: str) -> PromptFormat:
    """With programs if the solution has the output of one, and the model is asked so."""
    plain = select(info, item.language, Mode.COT)
    programs = chat.OUTPUT_FENCE in text and plain.style is PromptStyle.CHAT
    return select(info, item.language, Mode.TIR) if programs else plain
