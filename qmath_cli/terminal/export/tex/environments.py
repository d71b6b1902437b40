r"""Environments: `\begin{cases}` and the like, inside a formula or alone as a display."""

from __future__ import annotations

import re

from qmath_cli.terminal.export.tex.cursor import NotWritable
from qmath_cli.terminal.export.tex.lines import FormulaReader, Lines

_ALIGNED = frozenset(("align", "aligned", "alignat", "alignedat", "split", "eqnarray", "flalign"))
_LINES = frozenset(("gather", "gathered", "multline"))
_ONE = frozenset(("equation", "displaymath", "math"))
#: Displays by themselves, which LaTeX refuses inside other mathematics; and what they are written as.
_DISPLAYS = {"align": "align", "alignat": "align", "flalign": "align", "eqnarray": "align"}
_DISPLAYS |= {"gather": "gather", "multline": "gather", "equation": "equation"}
_FENCES = {"": "..", "p": "()", "b": "[]", "v": "||", "B": ("\\{", "\\}"), "V": (r"\|", r"\|"), "small": ".."}
_CASES = {"cases": ("\\{", "."), "dcases": ("\\{", "."), "rcases": (".", "\\}")}
_ARRAYS = frozenset(("array", "tabular", "subarray"))
_MOST_COLUMNS = 10  # amsmath's MaxMatrixCols


def inner(reader: FormulaReader) -> str:
    r"""An environment inside a formula; its `\begin` was taken."""
    name, star, columns = _opened(reader)
    rows = _rows(reader, name + star, as_text=name == "tabular")
    if name in _ONE:
        return rows.body()
    if name in _ALIGNED or (name in _LINES and rows.columns > 1):
        return _written("aligned", rows)
    if name in _LINES:
        return _written("gathered", rows)
    if name in _CASES:
        return _written(name, rows) if rows.columns <= 2 else _fenced_array(rows, *_CASES[name])
    if name.endswith("matrix"):
        fence = _FENCES[name.removesuffix("matrix")]
        return _written(name, rows) if rows.columns <= _MOST_COLUMNS else _fenced_array(rows, *fence)
    return _array("array" if name == "subarray" else name, rows, columns)


def alone(reader: FormulaReader) -> str | None:
    """The formula as a display of its own, if it is a single environment for displays; None where it is not."""
    if reader.cursor.skip() != r"\begin":
        return None
    reader.cursor.take()
    name, star, _ = _opened(reader)
    if name not in _DISPLAYS:
        return None
    rows = _rows(reader, name + star)
    if reader.cursor.skip():
        return None
    written = _DISPLAYS[name]
    if rows.columns > 1:
        written = "align"
    elif written == "equation" and len(rows.rows) > 1:
        written = "gather"
    return _written(written + star, rows)


def _opened(reader: FormulaReader) -> tuple[str, str, str]:
    """The name, its star, and the columns of an array. Raises `NotWritable` for an unknown environment."""
    found = re.fullmatch(r"\s*(\w+)(\*?)\s*", reader.cursor.raw_group())
    name, star = (found[1], found[2]) if found else ("", "")
    known = name in _ALIGNED | _LINES | _ONE or name in _CASES or name in _ARRAYS
    if not known and not (name.endswith("matrix") and name.removesuffix("matrix") in _FENCES):
        raise NotWritable(f"unknown environment {name}")
    if name in {"array", "tabular", "aligned", "gathered", "split"} or (name.endswith("matrix") and star):
        _position(reader)
    if name in {"alignat", "alignedat"}:
        reader.cursor.raw_group()
    columns = reader.cursor.raw_group() if name in _ARRAYS else ""
    return name, star, columns


def _position(reader: FormulaReader) -> None:
    """Skip `[t]`; a bracket with anything else begins the first row."""
    mark = reader.cursor.mark()
    if (position := reader.cursor.raw_option()) is None or not re.fullmatch(r"\s*[tbclr]\s*", position):
        reader.cursor.back(mark)


def _rows(reader: FormulaReader, name: str, *, as_text: bool = False) -> Lines:
    rows = reader.lines(lambda sign: sign == r"\end", as_text=as_text)
    if not reader.cursor.take() or reader.cursor.raw_group().strip() != name:
        raise NotWritable(f"{name} is not closed")
    return rows


def _written(name: str, rows: Lines) -> str:
    body = rows.joined()
    if not body.strip():
        raise NotWritable(f"{name} is empty")
    return f"\\begin{{{name}}}\n{body}\n\\end{{{name}}}"


def _fenced_array(rows: Lines, left: str, right: str) -> str:
    return f"\\left{left}{_array('array', rows, 'l' if '.' in left + right else 'c')}\\right{right}"


def _array(name: str, rows: Lines, columns: str) -> str:
    """An array with a column for each of its cells; what is not left, centred or right is left out."""
    plain = re.sub(r"[@!>]\s*\{[^{}]*\}", "", columns)
    plain = "".join(re.findall(r"[lcr|]", re.sub(r"[pmb]\s*\{[^{}]*\}", "l", plain)))
    missing = rows.columns - len(plain.replace("|", ""))
    plain += (plain.replace("|", "")[-1:] or "c") * missing
    body = rows.joined(rules=True)
    return f"\\begin{{{name}}}{{{plain}}}\n{body}\n\\end{{{name}}}"
