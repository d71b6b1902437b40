"""`qmath render`: any text with LaTeX or Markdown, drawn as the terminal draws a solution. Without a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from qmath_cli.commands import options as o
from qmath_cli.commands.invocation import invocation
from qmath_cli.commands.problem import read_text, standard_input_is_a_person
from qmath_cli.errors import ExitCode, UsageError
from qmath_cli.settings import Render
from qmath_cli.terminal.bare_formula import is_bare_formula
from qmath_cli.terminal.markdown_stream import MarkdownStream, PieceKind
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.style import style_for
from qmath_cli.terminal.transcript import Transcript


def command(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="The text; - or nothing reads standard input.")
    ] = None,
    render: o.RenderOption = None,
) -> int:
    """Draw a text with LaTeX or Markdown as the terminal shows a solution, on a pipe too.

    Formulas stand between the usual delimiters or in an environment; a text that is one bare formula is drawn, too. A
    formula that cannot be drawn without changing it is shown as its source.
    """
    here = invocation(context)
    settings = here.settings_of(context)
    if file is None and standard_input_is_a_person():
        raise UsageError("there is nothing to draw", "qmath render FILE, or COMMAND | qmath render")
    path = None if file in {None, "-"} else Path(str(file))
    text, warning = read_text(path, "standard input" if path is None else str(path))
    if warning:
        here.terminal.note(f"warning: {warning}")
    style = replace(style_for(here.terminal, here.environ, settings.render), drawn=settings.render is not Render.OFF)
    if not style.drawn:
        here.terminal.write(clean(text))
        return ExitCode.OK
    transcript = Transcript(style)
    here.terminal.write(transcript.text(_delimited(text)))
    here.terminal.write(transcript.end())
    return ExitCode.OK


def _delimited(text: str) -> str:
    """A text that is one formula without delimiters as a displayed one; any other as it is."""
    stream = MarkdownStream()
    pieces = [*stream.feed(text), *stream.close()]
    formula = text.strip()
    if any(piece.kind is not PieceKind.PROSE for piece in pieces) or not is_bare_formula(formula):
        return text
    return f"\\[{formula}\\]\n"
