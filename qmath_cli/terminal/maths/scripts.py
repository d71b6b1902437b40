"""Superscript and subscript characters of Unicode.

Not every character has one in common fonts (q, subscript b, the slash): a script with such a character is written
after ^ or _.
"""

from __future__ import annotations

_SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθιφχ′",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᶥᵠᵡ′",
        strict=True,
    )
)
_SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_UNITS = "cm mm km dm nm kg mg mL ml kJ kW kV mA kPa Pa Hz kHz MHz mol min cd lm rad eV keV MeV GeV"
#: Units that are typed as a group of letters: a power of {cm} is no power of m alone.
UNITS = frozenset(_UNITS.split())


def superscript(text: str) -> str | None:
    """`text` in superscript characters; None if one is missing. A single circle is a degree sign."""
    return "°" if text in {"∘", "°"} else _mapped(text, _SUPERSCRIPTS)


def subscript(text: str) -> str | None:
    """`text` in subscript characters; None if one is missing."""
    return _mapped(text, _SUBSCRIPTS)


def _mapped(text: str, table: dict[str, str]) -> str | None:
    letters = [table.get(char, "") for char in text]
    return "".join(letters) if letters and all(letters) else None
