r"""Unicode mathematics as LaTeX text: `x⁴`, `⅓`, `√16`, `⩾`, `𝑥`, full-width digits.

Promises: one pass over the characters, text to text, and no sign changes its meaning. Compatibility forms (NFKC) are
applied character by character to letters, digits and full-width signs only: NFKC would also turn `x²` into `x2` and `①`
into `1`. Circled numbers and Chinese characters stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# fmt: off
_SUPERSCRIPTS: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵃᵇᶜᵈᵉᵏᵐᵖᵗˣʸᶻᵀ", "0123456789+-=()niabcdekmptxyzT", strict=True))
_SUBSCRIPTS: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-=()aeoxhklmnpstijruv", strict=True))
_SIGNS: Final = {
    "　": " ", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\u200e": "", "\u200f": "", "\ufeff": "",
    "\u2061": "", "\u2062": "",
    "、": ",", "。": ".", "，": ",", "．": ".", "；": ";", "：": ":", "∶": ":", "【": "[", "】": "]",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "－": "-", "﹢": "+",
    "“": "", "”": "", "‘": "'", "’": "'", "′": "'", "″": "''", "⁄": "/", "∕": "/",
    "×": r"\times ", "✕": r"\times ", "⨯": r"\times ", "÷": r"\div ", "·": r"\cdot ", "•": r"\cdot ", "⋅": r"\cdot ",
    "∙": r"\cdot ", "・": r"\cdot ", "∗": "*", "＊": "*", "π": r"\pi ", "∞": r"\infty ", "±": r"\pm ", "∓": r"\mp ",
    "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ", "≠": r"\ne ", "≈": r"\approx ",
    "≒": r"\approx ", "≡": r"\equiv ", "∪": r"\cup ", "⋃": r"\cup ", "∩": r"\cap ", "⋂": r"\cap ", "∈": r"\in ",
    "∉": r"\notin ", "∖": r"\setminus ", "∧": r"\wedge ", "∨": r"\vee ", "∣": "|", "｜": "|", "∥": r"\parallel ",
    "⊥": r"\perp ", "∅": r"\emptyset ", "Ø": r"\emptyset ", "ø": r"\emptyset ", "°": r"^\circ ", "º": r"^\circ ",
    "˚": r"^\circ ", "∘": r"^\circ ", "∠": r"\angle ", "△": r"\triangle ",
    "√": r"\sqrt ", "∛": r"\sqrt[3]", "∜": r"\sqrt[4]", "ℝ": r"\mathbb{R}", "ℕ": r"\mathbb{N}", "ℤ": r"\mathbb{Z}",
    "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "ϕ": r"\phi ", "φ": r"\varphi ", "ϵ": r"\epsilon ", "ε": r"\varepsilon ",
    "…": r"\ldots ", "⋯": r"\ldots ", "→": r"\to ", "⇒": r"\Rightarrow ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "〈": r"\langle ", "〉": r"\rangle ", "％": r"\%", "∂": r"\partial ", "µ": "μ", "Ω": "Ω", "Å": "Å",
}
_GREEK: Final = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ζ": "zeta", "η": "eta", "θ": "theta", "ι": "iota",
    "κ": "kappa", "λ": "lambda", "ν": "nu", "ξ": "xi", "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon",
    "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi",
    "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi",
}
# fmt: on
_RUNS: Final = (
    (re.compile(f"[{''.join(_SUPERSCRIPTS)}]+"), "^", str.maketrans(_SUPERSCRIPTS)),
    (re.compile(f"[{''.join(_SUBSCRIPTS)}]+"), "_", str.maketrans(_SUBSCRIPTS)),
)
_MATHEMATICAL_LETTERS: Final = range(0x1D400, 0x1D800)
_FULL_WIDTH: Final = range(0xFF01, 0xFF5F)
_SMALL_FORMS: Final = range(0xFE50, 0xFE70)
_SQUARED_UNITS: Final = range(0x3371, 0x33E0)
_LETTER_LIKE: Final = frozenset("ℎℊℋℐℒℓℛℬℯℰℱℳℴ")


def spelled(text: str) -> str:
    """`text` with its Unicode mathematics as LaTeX.

    Args:
        text: an answer as written; LaTeX in it stays as it is.

    Returns:
        The text, of which only words, Chinese characters and circled numbers may be outside ASCII.
    """
    if text.isascii():
        return text
    for run, mark, plain in _RUNS:
        text = run.sub(lambda found, m=mark, p=plain: f"{m}{{{found[0].translate(p)}}}", text)  # type: ignore[misc]
    return "".join(_SIGNS.get(char) or _as_letter(char) for char in text if _SIGNS.get(char) != "")


def _as_letter(char: str) -> str:
    """One character that is no sign of the table."""
    if char.isascii():
        return char
    if char in _GREEK:
        return f"\\{_GREEK[char]} "
    code = ord(char)
    if code in _SQUARED_UNITS:
        return rf"\text{{{unicodedata.normalize('NFKC', char)}}}"
    if code in _FULL_WIDTH or code in _SMALL_FORMS or char in _LETTER_LIKE:
        return unicodedata.normalize("NFKC", char)
    if code in _MATHEMATICAL_LETTERS:
        plain = unicodedata.normalize("NFKC", char)
        return plain if plain.isascii() else spelled(plain)
    return _fraction(char) or char


def _fraction(char: str) -> str | None:
    r"""`⅓` as `\frac{1}{3}`; None for any other character."""
    top, slash, bottom = unicodedata.normalize("NFKC", char).partition("⁄")
    return rf"\frac{{{top}}}{{{bottom}}}" if slash and top.isdecimal() and bottom.isdecimal() else None
