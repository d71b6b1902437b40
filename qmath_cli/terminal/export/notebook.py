"""Solutions as a Jupyter notebook (nbformat 4.5): prose in Markdown cells, programs in code cells with outputs."""

from __future__ import annotations

import json
from typing import Any

from qmath_cli.terminal.export import markdown
from qmath_cli.terminal.export.document import Block, Program, Result, Sheet
from qmath_cli.terminal.export.markdown_escapes import JUPYTER_DOLLAR

Cell = dict[str, Any]


def write(sheet: Sheet) -> str:
    """The documents as one notebook."""
    cells: list[Cell] = []
    below = "##" if len(sheet.documents) > 1 else "#"
    for title, document in sheet.numbered:
        problem = markdown.body(document.problem, JUPYTER_DOLLAR)
        cells += [_markdown(f"# {title}\n\n{problem}"), _markdown(f"{below} {document.titles.working}")]
        for block in document.working:
            _append(cells, block)
        closing = markdown.closing(document, JUPYTER_DOLLAR)
        cells.append(_markdown(f"{below} {document.titles.answer}\n\n{closing}"))
    return json.dumps(_notebook(cells), ensure_ascii=False, indent=1) + "\n"


def _append(cells: list[Cell], block: Block) -> None:
    if isinstance(block, Program) and block.language in {"python", "py"}:
        cells.append(_code(block.code, 1 + sum(cell["cell_type"] == "code" for cell in cells)))
    elif isinstance(block, Result) and cells[-1]["cell_type"] == "code":
        cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": _lines(block.text + "\n")}]
    elif text := markdown.block_text(block, JUPYTER_DOLLAR):
        cells.append(_markdown(text))


def _markdown(text: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(text)}


def _code(code: str, count: int) -> Cell:
    return {"cell_type": "code", "execution_count": count, "metadata": {}, "outputs": [], "source": _lines(code)}


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _notebook(cells: list[Cell]) -> dict[str, Any]:
    named = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells, 1)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": named, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
