"""The form that all formats share: a solution as blocks of prose, programs and outputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from qmath_cli.records import Language, ModelInfo, Pick, Sample, Solution
from qmath_cli.solving import vote
from qmath_cli.terminal.markdown_stream import MarkdownStream, Piece, PieceKind
from qmath_cli.terminal.one_line import one_line
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.panel import footer
from qmath_cli.terminal.step_scores import first_doubtful

#: Ideographs with their punctuation, kana, full-width forms.
_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]")
_TITLE_WIDTH = 80  # columns
_CODE = {PieceKind.CODE_OPEN, PieceKind.CODE, PieceKind.CODE_CLOSE}


@dataclass(frozen=True, slots=True)
class Prose:
    """A stretch of prose and mathematics; `typed` where it is a person's plain text, in which nothing is Markdown."""

    pieces: tuple[Piece, ...]
    typed: bool = False


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
class ScoredStep:
    """A step of a solution, the probability that it is right, and whether it is the first doubtful one."""

    blocks: tuple[Block, ...]
    score: float
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Titles:
    """The headings of a document, in its language."""

    problem: str
    working: str
    answer: str
    none: str
    several: str


_TITLES = {
    Language.EN: Titles("Problem", "Working", "Answer", "no answer", "{} problems"),
    Language.ZH: Titles("题目", "解答", "答案", "没有答案", "{} 题"),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A solution ready to be written; `made` names the model and the settings.

    `steps` are the working's steps with their scores, where a process reward model scored them.
    """

    titles: Titles
    problem: tuple[Block, ...]
    working: tuple[Block, ...]
    answer: str | None
    made: str
    steps: tuple[ScoredStep, ...] = ()

    @property
    def text(self) -> str:
        """All that stands in it: for questions about its characters."""
        written = [self.titles.problem, self.answer or self.titles.none, self.made]
        for block in (*self.problem, *self.working):
            match block:
                case Prose():
                    written += [piece.source for piece in block.pieces]
                case Program():
                    written.append(block.code)
                case Result():
                    written.append(block.text)
        return "\n".join(written)

    @property
    def chinese(self) -> bool:
        """Whether it contains Chinese characters, which LaTeX needs a package for."""
        return _CHINESE.search(self.text) is not None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The documents of one file, at least one."""

    documents: tuple[Document, ...]

    @property
    def chinese(self) -> bool:
        """Whether one of them contains Chinese characters."""
        return any(one.chinese for one in self.documents)

    @property
    def numbered(self) -> Iterator[tuple[str, Document]]:
        """The documents with the headings of their problems, which are numbered where there are several."""
        for number, one in enumerate(self.documents, 1):
            yield f"{one.titles.problem} {number}" if len(self.documents) > 1 else one.titles.problem, one

    @property
    def title(self) -> str:
        """The first problem on one line, and how many there are."""
        first, count = self.documents[0], len(self.documents)
        text = "".join(piece.source for block in first.problem if isinstance(block, Prose) for piece in block.pieces)
        name = one_line(text, _TITLE_WIDTH) or "qmath"
        return f"{name} ({first.titles.several.format(count)})" if count > 1 else name


def document(solution: Solution, model: ModelInfo | None, pick: Pick = Pick.MAJ) -> Document:
    """The picked sample of a solution as a document; without a model where nobody knows which it was."""
    picked = vote.shown(solution, pick)
    made = f"{solution.mode} · {footer(solution)} · seed {solution.sampling.seed}"
    if model is not None:
        known = model.quantization and model.quantization not in model.name
        made = f"{model.name}{f' ({model.quantization})' if known else ''} · {made}"
    return Document(
        titles=_TITLES[solution.problem.language],
        problem=tuple(blocks(solution.problem.text, typed=True)),
        working=tuple(blocks(picked.text if picked else "")),
        answer=solution.answer,
        made=f"qmath · {made}",
        steps=_scored(picked),
    )


def _scored(sample: Sample | None) -> tuple[ScoredStep, ...]:
    steps = (sample.steps if sample is not None else None) or ()
    doubtful = first_doubtful(steps)
    return tuple(ScoredStep(tuple(blocks(one.text)), one.score, i == doubtful) for i, one in enumerate(steps))


def blocks(text: str, *, typed: bool = False) -> Iterator[Block]:
    """Split a text into blocks, in order.

    Args:
        text: A model's Markdown, or a problem.
        typed: The text is a problem: its asterisks, hashes and dashes are mathematics and no Markdown.
    """
    stream = MarkdownStream()
    pieces = [*stream.feed(clean(text)), *stream.close()]
    for is_code, group in groupby(pieces, key=lambda piece: piece.kind in _CODE):
        if is_code:
            yield from _fenced(group)
        else:
            yield Prose(tuple(_as_typed(piece) if typed else piece for piece in group), typed)


def _as_typed(piece: Piece) -> Piece:
    if piece.kind in {PieceKind.STRONG, PieceKind.HEADING, PieceKind.BULLET}:
        return Piece(PieceKind.PROSE, piece.source, piece.source)
    return piece


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
