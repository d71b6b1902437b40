r"""Plain text as LaTeX, for pdfLaTeX and XeLaTeX: `50% of A_1 ≥ 3` as `50\% of A\_1 \ensuremath{\geq} 3`.

Characters of Western Europe, Chinese and the signs of mathematics appear. One that LaTeX's fonts lack, such as an
emoji, appears as its code point.
"""

from __future__ import annotations

import re
import unicodedata

from qmath_cli.terminal.export.tex import signs

_ESCAPES = {char: f"\\{char}" for char in "{}$%#&_"}
_ESCAPES |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_ESCAPES |= {"`": r"\textasciigrave{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
_ESCAPES |= {"·": r"\textperiodcentered{}", "㎡": r"m\textsuperscript{2}", "㎥": r"m\textsuperscript{3}"}
_ESCAPES |= {"\u00a0": "~", "\t": " ", "\u3000": r"\quad{}", "′": "'", "″": "''", "‴": "'''", "„": ",,"}
#: Pieces of drawn boxes, brackets and roots, as sympy prints them: a character of ASCII in their column.
_DRAWN = {
    **dict.fromkeys("─━⎯⎺⎽—–", "-"),
    **dict.fromkeys("│┃⎜⎟⎢⎥⎪║⎮⎡⎣⎤⎦", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝", "+"),
    **dict.fromkeys("╱⎛⎠⌠", "/"),
    **dict.fromkeys("╲⎝⎞⌡", "\\"),
    **dict.fromkeys("⎧⎨⎩", "{"),
    **dict.fromkeys("⎫⎬⎭", "}"),
    "═": "=",
}
#: What stands for itself: letters with accents, and marks of text that both programs have.
_ITSELF = re.compile(r"[ -~\n¡¢£¥§¨©ª¬®¯´¶¸ºßæøœłÆØŒŁåÅ–—‘’“”„†‡…‰€№™]")
_ACCENTED = re.compile(r"[A-Za-zıȷ][\u0300-\u0304\u0306-\u0308\u030a-\u030c\u0327]")
CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffe6\U00020000-\U0003ffff]")
_MARKS = {"\u0304": "bar", "\u0305": "overline", "\u0302": "hat", "\u0303": "tilde", "\u0307": "dot", "\u20d7": "vec"}
_TOKEN = re.compile(
    rf"""√(?P<root>\d+(?:\.\d+)?|[A-Za-z])
      | (?P<base>\w)(?P<mark>[{"".join(_MARKS)}])
      | (?P<together>--+|\'\'+|[?!]`|<<|>>|,,)
      | .""",  # LaTeX makes one character of those together
    re.VERBOSE | re.DOTALL,
)


def words(text: str) -> str:
    """Text for a paragraph."""
    return _TOKEN.sub(_word, composed(text))


def verbatim(text: str) -> str:
    r"""Text for a `Verbatim` with the command characters `\{}`: every character, in its column where it has one."""
    return "".join(_in_code(_DRAWN.get(char, char)) for char in composed(text).expandtabs())


def composed(text: str) -> str:
    """The text with a letter and its accent in one character, where there is one."""
    return unicodedata.normalize("NFC", text)


def with_marks(latex: str) -> str:
    r"""Mathematics with its combining marks as commands: `\bar{x}` for an x with a macron."""
    return re.sub(rf"(\w)([{''.join(_MARKS)}])", lambda found: _marked(found.group(1), found.group(2)), composed(latex))


def _marked(base: str, mark: str) -> str:
    return rf"\{_MARKS[mark]}{{{base}}}"


def _word(found: re.Match[str]) -> str:
    if found["root"]:
        return rf"\ensuremath{{\sqrt{{{found['root']}}}}}"
    if found["mark"] and found["base"].isascii():
        return rf"\ensuremath{{{_marked(found['base'], found['mark'])}}}"
    if found["together"]:
        return "{}".join(map(_character, found.group()))
    return "".join(map(_character, found.group()))


def _in_code(char: str) -> str:
    if char.isascii():
        return rf"\char{ord(char)}{{}}" if char in "\\{}" else char
    return _character(char)


def _character(char: str) -> str:
    """One character."""
    if (escaped := _ESCAPES.get(char)) is not None:
        return escaped
    accented = char < "\u0180" and _ACCENTED.fullmatch(unicodedata.normalize("NFD", char))
    if _ITSELF.fullmatch(char) or CHINESE.fullmatch(char) or accented:
        return char
    if char in signs.RAISED or char in signs.LOWERED:
        script = "superscript" if char in signs.RAISED else "subscript"
        return rf"\text{script}{{{signs.baseline(char)}}}"
    latex = signs.latex(char)
    if latex is None:
        return _plainer(char)
    return rf"\ensuremath{{{latex}}}" if len(latex) > 1 else latex


def _plainer(char: str) -> str:
    """What Unicode calls a compatible form of ASCII characters becomes these: `Ⅱ` becomes II. Else its code point."""
    plain = unicodedata.normalize("NFKC", char)
    if not (plain.isascii() and plain.isprintable()):
        return rf"\texttt{{U+{ord(char):04X}}}"
    if unicodedata.name(char, "").startswith("CIRCLED"):
        return rf"\textcircled{{{plain}}}"
    return "".join(map(_character, plain))
