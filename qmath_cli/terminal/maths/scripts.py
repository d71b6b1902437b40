"""The small letters of Unicode: which strings can be raised or lowered, and the strings that do it.

There is no raised q in wide use, no lowered b, and no raised slash: what is missing here is written with ^ and _.
"""

from __future__ import annotations

_RAISED = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ′",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᵠᵡ′",
        strict=True,
    )
)
_LOWERED = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))


def raised(text: str) -> str | None:
    """`text` in superscript characters; None where one is missing. A lone degree circle is a degree sign."""
    return "°" if text in {"∘", "°"} else _mapped(text, _RAISED)


def lowered(text: str) -> str | None:
    """`text` in subscript characters; None where one is missing."""
    return _mapped(text, _LOWERED)


def _mapped(text: str, table: dict[str, str]) -> str | None:
    letters = [table.get(char, "") for char in text]
    return "".join(letters) if letters and all(letters) else None
