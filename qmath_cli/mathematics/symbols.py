r"""The commands without arguments: tables of signs, functions, marks, delimiters and alphabets.

Names and meanings are those of LaTeX, amsmath and amssymb; the ASCII column follows AsciiMath where it has a word.
The parser refuses a command that is in no table.
"""

from __future__ import annotations

from qmath_cli.mathematics.tree import AccentMark, Atom, Role

# Entries: name, Unicode, ASCII. A dash means that there is no ASCII form.
_ORDINARY = r"""
alpha α alpha; beta β beta; gamma γ gamma; delta δ delta; epsilon ϵ epsilon; varepsilon ε epsilon; zeta ζ zeta;
eta η eta; theta θ theta; vartheta ϑ theta; iota ι iota; kappa κ kappa; lambda λ lambda; mu μ mu; nu ν nu; xi ξ xi;
pi π pi; varpi ϖ varpi; rho ρ rho; varrho ϱ rho; sigma σ sigma; varsigma ς varsigma; tau τ tau; upsilon υ upsilon;
phi ϕ phi; varphi φ phi; chi χ chi; psi ψ psi; omega ω omega; omicron ο omicron;
Gamma Γ Gamma; Delta Δ Delta; Theta Θ Theta; Lambda Λ Lambda; Xi Ξ Xi; Pi Π Pi; Sigma Σ Sigma; Upsilon Υ Upsilon;
Phi Φ Phi; Psi Ψ Psi; Omega Ω Omega;
infty ∞ oo; partial ∂ del; nabla ∇ grad; ell ℓ ell; hbar ℏ hbar; Re ℜ Re; Im ℑ Im; aleph ℵ aleph; wp ℘ -;
emptyset ∅ {}; varnothing ∅ {}; forall ∀ AA; exists ∃ EE; nexists ∄ not-EE; neg ¬ not; lnot ¬ not; top ⊤ TT;
bot ⊥ _|_; angle ∠ /_; measuredangle ∡ /_; triangle △ triangle; square □ square; Box □ square; blacksquare ■ [];
diamond ⋄ diamond; star ⋆ *; bigstar ★ *; dagger † -; ddagger ‡ -; clubsuit ♣ -; diamondsuit ♢ -; heartsuit ♡ -;
spadesuit ♠ -; checkmark ✓ -; S § -; P ¶ -; pounds £ -; yen ¥ -; euro € -; imath ı -; jmath ȷ -; surd √ sqrt;
ldots … ...; dots … ...; dotsc … ...; dotsb ⋯ ...; dotsm ⋯ ...; cdots ⋯ ...; vdots ⋮ :; ddots ⋱ ...; hdots … ...;
complement ∁ -; mho ℧ -; backslash \ \; lbrack [ [; rbrack ] ]; Diamond ◇ diamond;
odot ⊙ -; circledR ® -; copyright © -; textregistered ® -; triangledown ▽ -; sphericalangle ∢ -;
AA Å angstrom; aa å -; R ℝ RR; N ℕ NN; Z ℤ ZZ; Q ℚ QQ; C ℂ CC; qed □ -; beth ℶ -; gimel ℷ -; digamma ϝ -;
varkappa ϰ kappa; lozenge ◊ -; blacktriangle ▲ -; blacktriangledown ▼ -; blacklozenge ⧫ -;
natural ♮ -; sharp ♯ -; flat ♭ -; eth ð -;
O Ø -; o ø -; ae æ -; AE Æ -; ss ß -; textdollar $ $; textsterling £ -; textbackslash \ \; textellipsis … ...;
textmu μ mu; micro μ mu; ohm Ω Omega; vartriangle △ triangle; celsius ℃ deg-C; iddots ⋰ ...;
varDelta Δ Delta; varGamma Γ Gamma; varOmega Ω Omega; varPhi Φ Phi; varPi Π Pi; varPsi Ψ Psi; varSigma Σ Sigma;
varTheta Θ Theta
"""
_POSTFIX = r"degree ° deg; prime ′ '; % % %; circ ° deg; textdegree ° deg; permil ‰ -; textperthousand ‰ -"
_BINARY = r"""
pm ± +-; mp ∓ -+; times × *; cdot ⋅ *; div ÷ /; ast ∗ *; circ ∘ o; bullet ∙ -; oplus ⊕ (+); ominus ⊖ (-);
otimes ⊗ (x); oslash ⊘ (/); cup ∪ union; cap ∩ intersect; setminus ∖ \; smallsetminus ∖ \; wedge ∧ and; land ∧ and;
vee ∨ or; lor ∨ or; bmod mod mod; mod mod mod; uplus ⊎ -; sqcup ⊔ -; sqcap ⊓ -; ltimes ⋉ -; rtimes ⋊ -; wr ≀ -;
triangleleft ◁ -; triangleright ▷ -; bigtriangleup △ -; amalg ⨿ -; dotplus ∔ -; cdotp ⋅ *; bigcirc ◯ -; barwedge ⊼ -;
veebar ⊻ xor; boxplus ⊞ -; boxtimes ⊠ -; divideontimes ⋇ -; intercal ⊺ -; lhd ⊲ -; rhd ⊳ -; centerdot ⋅ *; And & &
"""
_RELATION = r"""
le ≤ <=; leq ≤ <=; leqslant ⩽ <=; ge ≥ >=; geq ≥ >=; geqslant ⩾ >=; ne ≠ !=; neq ≠ !=; lt < <; gt > >; ll ≪ <<; gg ≫ >>;
equiv ≡ ==; approx ≈ ~~; approxeq ≊ ~~; sim ∼ ~; simeq ≃ ~=; cong ≅ ~=; propto ∝ prop; doteq ≐ -; triangleq ≜ -;
coloneqq ≔ :=; in ∈ in; notin ∉ not-in; ni ∋ -; subset ⊂ subset; subseteq ⊆ subseteq; subsetneq ⊊ -; supset ⊃ supset;
supseteq ⊇ supseteq; supsetneq ⊋ -; nsubseteq ⊈ -; nsubset ⊄ -; prec ≺ -; succ ≻ -; preceq ≼ -; succeq ≽ -;
therefore ∴ :.; because ∵ because; mid ∣ |;
nmid ∤ not-|; parallel ∥ ||; nparallel ∦ not-||; perp ⊥ _|_; vdash ⊢ |-; models ⊨ |=; to → ->; rightarrow → ->;
longrightarrow ⟶ -->; leftarrow ← <-; gets ← <-; longleftarrow ⟵ <--; leftrightarrow ↔ <->;
longleftrightarrow ⟷ <-->; Rightarrow ⇒ =>;
Longrightarrow ⟹ ==>; implies ⟹ ==>; Leftarrow ⇐ -; Longleftarrow ⟸ -; impliedby ⟸ -; Leftrightarrow ⇔ <=>;
Longleftrightarrow ⟺ <==>; iff ⟺ <==>; mapsto ↦ |->; longmapsto ⟼ |-->; hookrightarrow ↪ -; rightharpoonup ⇀ -;
rightleftharpoons ⇌ -; uparrow ↑ -; downarrow ↓ -; updownarrow ↕ -; nearrow ↗ -; searrow ↘ -; swarrow ↙ -; nwarrow ↖ -;
Uparrow ⇑ -; Downarrow ⇓ -; asymp ≍ -; bowtie ⋈ -; smile ⌣ -; frown ⌢ -; lessgtr ≶ -; gtrless ≷ -;
lesssim ≲ -; gtrsim ≳ -; nless ≮ -; ngtr ≯ -; nleq ≰ -; ngeq ≱ -; leqq ≦ <=; geqq ≧ >=; thicksim ∼ ~; thickapprox ≈ ~~;
backsim ∽ -; backsimeq ⋍ -; nRightarrow ⇏ -; nrightarrow ↛ -; trianglelefteq ⊴ -; vDash ⊨ |=; textgreater > >;
textless < <; textbar | |; owns ∋ -; hookleftarrow ↩ -; leftharpoonup ↼ -; leftharpoondown ↽ -; rightharpoondown ⇁ -;
leftrightharpoons ⇋ -;
leadsto ⇝ ~>; rightsquigarrow ⇝ ~>; twoheadrightarrow ↠ -; rightarrowtail ↣ -; leftrightarrows ⇆ -; rightleftarrows ⇄ -;
rightrightarrows ⇉ -; Updownarrow ⇕ -; dashv ⊣ -; Vdash ⊩ -; nvdash ⊬ -; nvDash ⊭ -; varpropto ∝ prop; sqsubset ⊏ -;
sqsubseteq ⊑ -; sqsupset ⊐ -; sqsupseteq ⊒ -; subseteqq ⫅ -; supseteqq ⫆ -; nsupset ⊅ -; nsupseteq ⊉ -; Subset ⋐ -;
Supset ⋑ -; preccurlyeq ≼ -; succcurlyeq ≽ -; precsim ≾ -; succsim ≿ -; lll ⋘ <<<; ggg ⋙ >>>; eqsim ≂ -; bumpeq ≏ -;
fallingdotseq ≒ -; risingdotseq ≓ -; doteqdot ≑ -; circeq ≗ -; between ≬ -; trianglerighteq ⊵ -;
ncong ≇ -; nprec ⊀ -; nsucc ⊁ -; nleqslant ≰ -; ngeqslant ≱ -; lneq ⪇ -; gneq ⪈ -; lneqq ≨ -; gneqq ≩ -; nsim ≁ -;
shortmid ∣ |; shortparallel ∥ ||; nshortmid ∤ not-|; nshortparallel ∦ not-||;
coloneq ≔ :=; colonequals ≔ :=; eqqcolon ≕ =:;
upharpoonright ↾ -; multimap ⊸ -
"""
_BIG = r"""
sum ∑ sum; prod ∏ prod; coprod ∐ -; bigcup ⋃ union; bigcap ⋂ intersect; bigvee ⋁ or; bigwedge ⋀ and; bigoplus ⨁ -;
bigotimes ⨂ -; bigodot ⨀ -; bigsqcup ⨆ -
"""
_INTEGRAL = "int ∫ int; iint ∬ iint; iiint ∭ iiint; oint ∮ oint; oiint ∯ -"
_FUNCTIONS = """
sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec arccsc arsinh arcosh artanh
arcsinh arccosh arctanh log ln lg exp arg deg dim hom ker sgn tg ctg cosec arctg arcctg sh ch th cth
"""
_LIMIT_FUNCTIONS = "lim limsup liminf max min sup inf gcd lcm det Pr argmax argmin"

_DELIMITERS = r"""
( (; ) ); [ [; ] ]; \{ {; \} }; \lbrace {; \rbrace }; | |; \| ‖; \vert |; \lvert |; \rvert |; \Vert ‖; \lVert ‖;
\rVert ‖; \langle ⟨; \rangle ⟩; < ⟨; > ⟩; \lfloor ⌊; \rfloor ⌋; \lceil ⌈; \rceil ⌉; / /; . ; \lbrack [; \rbrack ];
\backslash \; \uparrow ↑; \downarrow ↓; \lgroup (; \rgroup ); ⟨ ⟨; ⟩ ⟩; ⌊ ⌊; ⌋ ⌋; ⌈ ⌈; ⌉ ⌉; ‖ ‖; （ (; ） ); \mid |; ∣ |
"""
_OPENING = frozenset("([{⟨⌊⌈")
_CLOSING = frozenset(")]}⟩⌋⌉")
ASCII_DELIMITERS = {"⟨": "<", "⟩": ">", "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "‖": "||"}

MARKS = {
    "overline": AccentMark.BAR,
    "bar": AccentMark.BAR,
    "hat": AccentMark.HAT,
    "widehat": AccentMark.HAT,
    "tilde": AccentMark.TILDE,
    "widetilde": AccentMark.TILDE,
    "vec": AccentMark.VECTOR,
    "overrightarrow": AccentMark.VECTOR,
    "dot": AccentMark.DOT,
    "ddot": AccentMark.DOUBLE_DOT,
    "overleftrightarrow": AccentMark.LINE,
    "overarc": AccentMark.ARC,
    "overparen": AccentMark.ARC,
    "wideparen": AccentMark.ARC,
    "arc": AccentMark.ARC,
    "overleftarrow": AccentMark.LEFT_VECTOR,
    "check": AccentMark.CHECK,
    "widecheck": AccentMark.CHECK,
    "breve": AccentMark.BREVE,
    "acute": AccentMark.ACUTE,
    "grave": AccentMark.GRAVE,
    "mathring": AccentMark.RING,
    "dddot": AccentMark.TRIPLE_DOT,
    "underline": AccentMark.UNDERLINE,
    "underbar": AccentMark.UNDERLINE,
    "cancel": AccentMark.CANCEL,
    "bcancel": AccentMark.CANCEL,
    "xcancel": AccentMark.CANCEL,
    "sout": AccentMark.CANCEL,
    "not": AccentMark.CANCEL,
}

_NEGATED = {"=": "≠", "<": "≮", ">": "≯", "∈": "∉", "⊂": "⊄", "⊆": "⊈", "≡": "≢", "∼": "≁", "≈": "≉", "≅": "≇"}
_NEGATED |= {"≤": "≰", "≥": "≱", "∣": "∤", "|": "∤", "∥": "∦", "∃": "∄", "⊃": "⊅", "⊇": "⊉", "→": "↛", "⇒": "⇏"}


def _atoms(table: str, role: Role, *, limits: bool = False) -> dict[str, Atom]:
    found = {}
    for entry in table.replace("\n", " ").split(";"):
        if entry.strip():
            name, text, *ascii_form = entry.split()
            form = ascii_form[0] if ascii_form and ascii_form[0] != "-" else None
            found[name] = Atom(text, role, form, limits)
    return found


SYMBOLS: dict[str, Atom] = {
    **_atoms(_ORDINARY, Role.ORDINARY),
    **_atoms(_POSTFIX, Role.POSTFIX),
    **_atoms(_BINARY, Role.BINARY),
    **_atoms(_RELATION, Role.RELATION),
    **_atoms(_BIG, Role.BIG, limits=True),
    **_atoms(_INTEGRAL, Role.BIG),
    **{name: Atom(name, Role.FUNCTION, name) for name in _FUNCTIONS.split()},
    **{name: Atom(name, Role.FUNCTION, name, limits=True) for name in _LIMIT_FUNCTIONS.split()},
    "limsup": Atom("lim sup", Role.FUNCTION, "lim sup", limits=True),
    "liminf": Atom("lim inf", Role.FUNCTION, "lim inf", limits=True),
    "argmax": Atom("arg max", Role.FUNCTION, "arg max", limits=True),
    "argmin": Atom("arg min", Role.FUNCTION, "arg min", limits=True),
    **{char: Atom(char, Role.ORDINARY, char) for char in "$#&_@"},
    "%": Atom("%", Role.POSTFIX, "%"),
    "colon": Atom(":", Role.PUNCTUATION, ":"),
}

DEFINED_AS = Atom(":=", Role.RELATION, ":=")  # written with two characters, which belong together
_CIRCLED = {str(number): chr(0x2460 + number - 1) for number in range(1, 21)}
_CIRCLED |= {chr(start + at): chr(0x24B6 + 26 * (start == ord("a")) + at) for start in (65, 97) for at in range(26)}
CIRCLED = {inner: Atom(sign, Role.ORDINARY, f"({inner})") for inner, sign in _CIRCLED.items()}

_CHARACTERS: dict[str, Atom] = {
    **{atom.text: atom for atom in CIRCLED.values()},
    **{atom.text: atom for atom in SYMBOLS.values() if not atom.text.isascii()},
    **{char: Atom(char, Role.BINARY, char) for char in "+*"},
    "-": Atom("-", Role.BINARY, "-"),
    "−": Atom("-", Role.BINARY, "-"),
    "⋅": SYMBOLS["cdot"],
    "·": Atom("·", Role.BINARY, "*"),
    "°": SYMBOLS["degree"],
    "±": SYMBOLS["pm"],
    "∅": SYMBOLS["emptyset"],
    **{char: Atom(char, Role.RELATION, char) for char in "=<>"},
    **{char: Atom(char, Role.PUNCTUATION, char) for char in ",;:."},
    **{char: Atom(char, Role.OPEN, char) for char in "(["},
    **{char: Atom(char, Role.CLOSE, char) for char in ")]"},
    "|": Atom("|", Role.BAR, "|"),
    "/": Atom("/", Role.SLASH, "/"),
    "!": Atom("!", Role.POSTFIX, "!"),
    "%": Atom("%", Role.POSTFIX, "%"),
    "√": SYMBOLS["surd"],
    "×": SYMBOLS["times"],
}


def character(char: str) -> Atom:
    """The atom of one source character: a letter, a sign, or a Unicode mathematical symbol."""
    known = _CHARACTERS.get(char)
    return known if known is not None else Atom(char, Role.ORDINARY, char if char.isascii() else None)


def negated(atom: Atom) -> Atom | None:
    r"""The negation of a relation, for `\not`; None where Unicode has no such sign."""
    text = _NEGATED.get(atom.text)
    return None if text is None else Atom(text, Role.RELATION, f"not-{atom.ascii}" if atom.ascii else None)


def _delimiters() -> dict[str, str]:
    found = {}
    for entry in _DELIMITERS.replace("\n", " ").split(";"):
        name, *text = entry.split()
        found[name] = text[0] if text else ""
    return found


DELIMITERS: dict[str, str] = _delimiters()


def delimiter(text: str) -> Atom:
    """The atom of a delimiter character."""
    ascii_form = ASCII_DELIMITERS.get(text, text if text.isascii() else None)
    role = Role.OPEN if text in _OPENING else Role.CLOSE if text in _CLOSING else Role.BAR
    return Atom(text, role, ascii_form)


# ---------------------------------------------------------------- alphabets

_DOUBLE_STRUCK = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
_SCRIPT = dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True))
_FRAKTUR = dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True))
_GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡϴΣΤΥΦΧΨΩ∇αβγδεζηθικλμνξοπρςστυφχψω∂ϵϑϰϕϱϖ"  # in the order of Unicode's bold Greek
_BOLD_GREEK = {char: chr(0x1D6A8 + at) for at, char in enumerate(_GREEK)}
_BOLD_ITALIC_GREEK = {char: chr(0x1D71C + at) for at, char in enumerate(_GREEK)} | {"h": "𝒉"}
# code points of A, a and 0 (0: no digits); the letters that Unicode has at other code points; the ASCII name
_ALPHABETS = {
    "mathbb": (0x1D538, 0x1D552, 0x1D7D8, _DOUBLE_STRUCK, "bbb"),
    "mathbf": (0x1D400, 0x1D41A, 0x1D7CE, _BOLD_GREEK, "bf"),
    "boldsymbol": (0x1D468, 0x1D482, 0x1D7CE, _BOLD_ITALIC_GREEK, "bf"),
    "mathcal": (0x1D49C, 0x1D4B6, 0, _SCRIPT, "cal"),
    "mathfrak": (0x1D504, 0x1D51E, 0, _FRAKTUR, "frak"),
}
_SYNONYMS = {
    "mathbb": "Bbb mathds mathbbm symbb",
    "mathbf": "bold mathbold symbf",
    "boldsymbol": "bm pmb mathbfit mathbit",
    "mathcal": "mathscr",
    "mathfrak": "frak",
}
_ALPHABETS |= {new: _ALPHABETS[old] for old, names in _SYNONYMS.items() for new in names.split()}
ALPHABETS = frozenset(_ALPHABETS)


def in_alphabet(alphabet: str, char: str) -> Atom | None:
    """A letter or digit in one of the `ALPHABETS`; None where that alphabet has no such character."""
    capital, small, digit, elsewhere, name = _ALPHABETS[alphabet]
    ascii_form = char * 2 if name == "bbb" and char.isalpha() else f"{name}({_ascii_name(char)})"
    if char in elsewhere:
        return Atom(elsewhere[char], Role.ORDINARY, ascii_form)
    for first, start in (("A", capital), ("a", small), ("0", digit)):
        offset = ord(char) - ord(first)
        if start and 0 <= offset < (10 if first == "0" else 26):
            return Atom(chr(start + offset), Role.ORDINARY, ascii_form)
    return None


def _ascii_name(char: str) -> str:
    return char if char.isascii() else _CHARACTERS.get(char, Atom(char)).ascii or char
