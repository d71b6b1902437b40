r"""Commands with what they take: arguments, delimiters, limits."""

from __future__ import annotations

import re

from qmath_cli.terminal.export.tex.commands import ACCENTS, CAPITALS, COLOURS, COMMANDS, OPERATORS
from qmath_cli.terminal.export.tex.cursor import NotWritable
from qmath_cli.terminal.export.tex.lines import FormulaReader

_ACCENT = rf"\\(?:{'|'.join(ACCENTS)})\b"
_NO_LETTERS = frozenset(" ^_{}()[]=+-*/,.;:|&'!0123456789")  # what may follow a command's name at once


def known(reader: FormulaReader, name: str) -> str:
    """A command of the tables, whose name was taken."""
    kinds = COMMANDS[name]
    if kinds[:1] == "c":
        return _coloured(reader, name, kinds)
    if kinds == "l":
        number, unit = reader.cursor.length() or ("", "")
        return rf"\{'mspace' if unit == 'mu' else 'hspace'}{{{number}{unit}}}" if unit else ""
    arguments = "".join(_argument(reader, kind) for kind in kinds)
    if name in CAPITALS and not re.fullmatch(r"\{[A-Z\s]*\}", arguments):
        name = CAPITALS[name]
    if name in ACCENTS and len(re.findall(_ACCENT, arguments)) > 1:
        return f"{ACCENTS[name]}{arguments}"  # amsmath places an accent over one more accent, and stumbles over two
    written = f"\\{name}{arguments}"
    if name in OPERATORS or name.startswith(("operatorname", "mathop")):
        written += _limits(reader)
    return written if kinds or reader.cursor.ahead in _NO_LETTERS else f"{written} "


def number(reader: FormulaReader) -> str:
    r"""An argument; digits without braces are one number, as in `\pmod 10`."""
    digits = ""
    reader.cursor.skip()
    while reader.cursor.ahead.isdigit() and reader.cursor.ahead.isascii():
        digits += reader.cursor.take()
    return f"{{{digits}}}" if digits else reader.argument()


def fence(reader: FormulaReader) -> str:
    r"""What stands between `\left`, which was taken, and its `\right`."""
    written = r"\left" + (reader.cursor.delimiter() or ".")
    while True:
        body = reader.lines(lambda sign: sign in {r"\right", r"\middle"}).body()
        sign = reader.cursor.take()
        if not sign:
            raise NotWritable(r"\right is missing")
        written += f" {body} {sign}{reader.cursor.delimiter() or '.'}"
        if sign == r"\right":
            return written


def sized(reader: FormulaReader, name: str) -> str:
    r"""`\big` and the like, before a delimiter; nothing else has a size."""
    delimiter = reader.cursor.delimiter()
    return f"\\{name}{delimiter}" if delimiter else ""


def negation(reader: FormulaReader) -> str:
    r"""`\not` with what it crosses out."""
    if reader.cursor.skip() in {"", "}", "&", "^", "_", "{", r"\right"}:
        return ""
    found = reader.atom()
    return rf"\not{' ' if found[:1].isalpha() else ''}{found}"


def _argument(reader: FormulaReader, kind: str) -> str:
    match kind:
        case "m":
            return reader.argument()
        case "n":
            return number(reader)
        case "t":
            return reader.text_argument()
        case "r":
            return _stacked(reader)
        case _:
            return _option(reader)


def _stacked(reader: FormulaReader) -> str:
    if reader.cursor.skip() != "{":
        return reader.argument()
    reader.cursor.take()
    rows = reader.lines(lambda sign: sign == "}")
    if not reader.cursor.take():
        raise NotWritable("a brace is missing")
    return f"{{{rows.joined(between=' ')}}}"


def _option(reader: FormulaReader) -> str:
    if reader.cursor.skip() != "[":
        return ""
    reader.cursor.take()
    body = reader.lines(lambda sign: sign == "]").body()
    if not reader.cursor.take():
        raise NotWritable("a bracket is missing")
    return f"[{{{body}}}]"


def _limits(reader: FormulaReader) -> str:
    mark = reader.cursor.mark()
    if reader.cursor.skip() in {r"\limits", r"\nolimits"}:
        return reader.cursor.take() + " "
    reader.cursor.back(mark)
    return ""


def _coloured(reader: FormulaReader, name: str, kinds: str) -> str:
    colour = reader.cursor.raw_group().strip()
    body = reader.argument() if kinds == "cm" else ""
    return rf"\{name}{{{colour}}}{body}" if colour in COLOURS else body
