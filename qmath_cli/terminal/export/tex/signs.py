r"""Unicode signs as LaTeX: `≥` as `\geq`, `½` as `\tfrac{1}{2}`, `𝑥` as `x`.

LaTeX's own fonts have hardly a sign of mathematics at its code point: pdfLaTeX stops there, XeLaTeX leaves it out.
Names and code points are those of Unicode's chart of mathematical operators and of its names list.
"""

from __future__ import annotations

import re
import unicodedata

_COMMANDS = """
α alpha β beta γ gamma δ delta ε varepsilon ϵ epsilon ζ zeta η eta θ theta ϑ vartheta ι iota κ kappa λ lambda μ mu µ mu
ν nu ξ xi π pi ϖ varpi ρ rho ϱ varrho σ sigma ς varsigma τ tau υ upsilon φ varphi ϕ phi χ chi ψ psi ω omega
Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega ∆ Delta Ω Omega ∏ prod ∑ sum ∐ coprod
∞ infty ∂ partial ∇ nabla ℓ ell ℏ hbar ℜ Re ℑ Im ℵ aleph ℘ wp ∅ varnothing ⌀ varnothing ∀ forall ∃ exists ∄ nexists
¬ neg ⊤ top ⊥ perp ∠ angle ∡ measuredangle ∢ sphericalangle △ triangle ▵ triangle ▽ triangledown □ square ◻ square
■ blacksquare ◆ blacklozenge ◇ Diamond ⋄ diamond ★ bigstar ☆ star † dagger ‡ ddagger ♣ clubsuit ♢ diamondsuit
♦ diamondsuit ♡ heartsuit ♥ heartsuit ♠ spadesuit ✓ checkmark ✔ checkmark ∁ complement ℧ mho … ldots ⋯ cdots ⋮ vdots
⋱ ddots ⋰ iddots ∵ because ∴ therefore ° degree ′ prime ‵ backprime ▱ parallelogram € euro ¢ cent ð eth
± pm ∓ mp × times ✕ times ⨯ times ⋅ cdot · cdot ∙ bullet • bullet ● bullet ÷ div ∗ ast ∘ circ ○ bigcirc ⊕ oplus
⊖ ominus ⊗ otimes ⊘ oslash ⊙ odot ∪ cup ∩ cap ∖ setminus ∧ wedge ∨ vee ⊎ uplus ⊔ sqcup ⊓ sqcap ⋉ ltimes ⋊ rtimes
≀ wr ◁ triangleleft ▷ triangleright ⨿ amalg ∔ dotplus ⊞ boxplus ⊟ boxminus ⊠ boxtimes ⊡ boxdot
≤ leq ≦ leqq ⩽ leqslant ≥ geq ≧ geqq ⩾ geqslant ≠ neq ≪ ll ≫ gg ≡ equiv ≢ not\\equiv ≈ approx ≊ approxeq ∼ sim ∽ backsim
≃ simeq ≅ cong ≇ ncong ∝ propto ≐ doteq ≜ triangleq ≔ coloneqq ≕ eqqcolon ∈ in ∉ notin ∋ ni ⊂ subset ⊆ subseteq
⊊ subsetneq ⊃ supset ⊇ supseteq ⊋ supsetneq ⊄ nsubset ⊅ nsupset ⊈ nsubseteq ⊉ nsupseteq ≺ prec ≻ succ ≼ preceq
≽ succeq ∣ mid ∤ nmid ∥ parallel ∦ nparallel ⊢ vdash ⊣ dashv ⊨ vDash ≍ asymp ⋈ bowtie ⌣ smile ⌢ frown ≶ lessgtr
≷ gtrless ≲ lesssim ≳ gtrsim ≮ nless ≯ ngtr ≰ nleq ≱ ngeq ≁ nsim ≉ not\\approx ⊴ trianglelefteq ⊵ trianglerighteq
→ rightarrow ⟶ longrightarrow ← leftarrow ⟵ longleftarrow ↔ leftrightarrow ⟷ longleftrightarrow ⇒ Rightarrow
⟹ Longrightarrow ⇐ Leftarrow ⟸ Longleftarrow ⇔ Leftrightarrow ⟺ Longleftrightarrow ↦ mapsto ⟼ longmapsto
↪ hookrightarrow ⇀ rightharpoonup ⇌ rightleftharpoons ↑ uparrow ↓ downarrow ↕ updownarrow ↗ nearrow ↘ searrow
↙ swarrow ↖ nwarrow ⇑ Uparrow ⇓ Downarrow ↛ nrightarrow ⇏ nRightarrow ⇋ leftrightharpoons ↠ twoheadrightarrow
∫ int ∬ iint ∭ iiint ∮ oint ∯ oiint ⋃ bigcup ⋂ bigcap ⋁ bigvee ⋀ bigwedge ⨁ bigoplus ⨂ bigotimes ⨀ bigodot
⟨ langle 〈 langle 〈 langle ⟩ rangle 〉 rangle 〉 rangle ⌊ lfloor ⌋ rfloor ⌈ lceil ⌉ rceil ‖ Vert √ surd
"""
_PLAIN = {
    "−": "-", "﹣": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "⁄": "/", "∕": "/", "∶": ":", "︰": ":", "＝": "=",
    "″": "''", "‴": "'''", "’": "'", "‘": "`", "\u00a0": "~", "∛": r"\sqrt[3]{}", "∜": r"\sqrt[4]{}",
    "∤": r"\nmid", "⟦": "[[", "⟧": "]]", "ı": r"\imath", "ȷ": r"\jmath",
}  # fmt: skip
_INVISIBLE = dict.fromkeys("\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\ufe0e\ufe0f", "")
_SPACES = dict.fromkeys("\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", r"\ ")

_PAIRS = _COMMANDS.split()
#: A sign and the LaTeX of it, commands of `commands` only.
SIGNS: dict[str, str] = {
    **{sign: f"\\{name}" for sign, name in zip(_PAIRS[::2], _PAIRS[1::2], strict=True)},
    **_PLAIN,
    **_INVISIBLE,
    **_SPACES,
}

_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₙₖₘᵢⱼ", "0123456789+-=()aeoxnkmij")
RAISED = frozenset(map(chr, _RAISED))
LOWERED = frozenset(map(chr, _LOWERED))
_STYLES = {
    "DOUBLE-STRUCK": "mathbb", "BOLD": "mathbf", "FRAKTUR": "mathfrak", "BLACK-LETTER": "mathfrak", "SCRIPT": "mathcal",
    "SANS-SERIF": "mathsf", "MONOSPACE": "mathtt",
}  # fmt: skip


def baseline(text: str) -> str:
    """Raised or lowered characters on the line: `⁻¹` as `-1`."""
    return text.translate(_RAISED).translate(_LOWERED)


def latex(char: str) -> str | None:
    """The LaTeX of a sign, for mathematics; None where there is none."""
    if (known := SIGNS.get(char)) is not None:
        return known
    plain = unicodedata.normalize("NFKC", char)
    name = unicodedata.name(char, "")
    if "FRACTION" in name and "⁄" in plain:
        top, _, bottom = plain.partition("⁄")
        return rf"\tfrac{{{top}}}{{{bottom}}}" if bottom else None
    if plain != char and {"MATHEMATICAL", "BLACK-LETTER", "DOUBLE-STRUCK", "SCRIPT"} & set(name.split()):
        return _styled(name, SIGNS.get(plain, plain))
    return None


def _styled(name: str, plain: str) -> str | None:
    """A letter of a mathematical alphabet. The italic one is that of formulas anyway."""
    if not re.fullmatch(r"[A-Za-z0-9]|\\[A-Za-z]+", plain):
        return None
    style = next((command for word, command in _STYLES.items() if word in name), None)
    if style is None or (style in {"mathbb", "mathcal"} and not plain.isupper()) or plain.startswith("\\"):
        return plain
    return rf"\{style}{{{plain}}}"
