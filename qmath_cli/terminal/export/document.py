"""The form that all formats share: a solution as blocks of prose, programs and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from qmath_cli.records import Language, ModelInfo, Pick, Solution
from qmath_cli.solving import vote
from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.panel import footer

_CODE = {PieceKind.CODE_OPEN, PieceKind.CODE, PieceKind.CODE_CLOSE}


@dataclass(frozen=True, slots=True)
class Prose:
    """A stretch of prose and mathematics."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A fenced block; `language` is empty where the fence has none."""

    code: str
    language: str


@dataclass(frozen=True, slots=True)
class Result:
    """The output of the program before it."""

    text: str


Block = Prose | Program | Result


@dataclass(frozen=True, slots=True)
class Titles:
    """The headings of a document, in its language."""

    problem: str
    working: str
    answer: str
    none: str


_TITLES = {
    Language.EN: Titles("Problem", "Working", "Answer", "no answer"),
    Language.ZH: Titles("题目", "解答", "答案", "没有答案"),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A solution ready to be written; `made` names the model and the settings."""

    titles: Titles
    problem: tuple[Block, ...]
    working: tuple[Block, ...]
    answer: str | None
    made: str

    @property
    def chinese(self) -> bool:
        """Whether it contains Chinese characters, which LaTeX needs a package for."""
        pieces = [piece.source for block in (*self.problem, *self.working) for piece in getattr(block, "pieces", ())]
        return any("\u3000" <= char <= "\u9fff" for text in pieces for char in text)


def document(solution: Solution, model: ModelInfo, pick: Pick = Pick.MAJ) -> Document:
    """The picked sample of a solution as a document."""
    picked = vote.shown(solution, pick)
    quantization = f" ({model.quantization})" if model.quantization and model.quantization not in model.name else ""
    made = f"{model.name}{quantization} · {solution.mode} · {footer(solution)} · seed {solution.sampling.seed}"
    return Document(
        titles=_TITLES[solution.problem.language],
        problem=tuple(blocks(solution.problem.text)),
        working=tuple(blocks(picked.text if picked else "")),
        answer=solution.answer,
        made=f"qmath · {made}",
    )


def blocks(text: str) -> Iterator[Block]:
    """Split a model's text into blocks, in order."""
    stream = MarkdownStream()
    pieces = [*stream.feed(clean(text)), *stream.close()]
    for is_code, group in groupby(pieces, key=lambda piece: piece.kind in _CODE):
        if is_code:
            yield from _fenced(group)
        else:
            yield Prose(tuple(group))


def _fenced(pieces: Iterable[Piece]) -> Iterator[Block]:
    language, code = "", ""
    for piece in pieces:
        if piece.kind is PieceKind.CODE_OPEN:
            language, code = piece.text.lower(), ""
        elif piece.kind is PieceKind.CODE:
            code += piece.text
        else:
            yield _block(language, code)
            code = ""
    if code:
        yield _block(language, code)


def _block(language: str, code: str) -> Block:
    body = code.rstrip("\n")
    return Result(body) if language == "output" else Program(body, language)
