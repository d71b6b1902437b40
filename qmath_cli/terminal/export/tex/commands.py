r"""The commands of mathematics that LaTeX, amsmath and amssymb know, and what the others need.

A command that is in no table is not written into a document: it would stop the compilation, or do more than typeset
(`\input`). Names are those of LaTeX2e, of the packages named here, and of MathJax and KaTeX, for which models write.
"""

from __future__ import annotations

#: No arguments; LaTeX, amsmath and amssymb.
_SYMBOLS = r"""
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu xi pi varpi rho
varrho sigma varsigma tau upsilon phi varphi chi psi omega digamma Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi
Psi Omega varGamma varDelta varTheta varLambda varXi varPi varSigma varUpsilon varPhi varPsi varOmega infty partial
nabla ell hbar hslash Re Im aleph beth gimel wp emptyset varnothing forall exists nexists neg lnot top bot angle
measuredangle sphericalangle triangle triangledown square Box blacksquare diamond lozenge blacklozenge Diamond star
bigstar dagger ddagger clubsuit diamondsuit heartsuit spadesuit checkmark S P pounds yen imath jmath surd complement
mho eth Finv Game Bbbk backprime blacktriangle blacktriangledown bigcirc circledR circledS maltese flat natural sharp
copyright ldots dots dotsc dotsb dotsm dotso cdots vdots ddots prime colon backslash lbrack rbrack lbrace rbrace
langle rangle lvert rvert lVert rVert vert Vert lfloor rfloor lceil rceil lgroup rgroup lmoustache rmoustache ulcorner
urcorner llcorner lrcorner ldotp cdotp pm mp times cdot div ast circ bullet oplus ominus otimes oslash odot cup cap
setminus smallsetminus wedge land vee lor bmod uplus sqcup sqcap ltimes rtimes wr triangleleft triangleright
bigtriangleup bigtriangledown amalg dotplus boxtimes boxplus boxminus boxdot circledast circledcirc circleddash Cap
Cup barwedge veebar doublebarwedge divideontimes leftthreetimes rightthreetimes curlyvee curlywedge intercal lhd rhd
unlhd unrhd le leq leqslant ge geq geqslant ne neq ll gg lll ggg equiv approx approxeq sim simeq cong propto doteq
Doteq doteqdot triangleq in notin ni owns subset subseteq subseteqq subsetneq subsetneqq supset supseteq supseteqq
supsetneq supsetneqq nsubseteq nsupseteq sqsubset sqsubseteq sqsupset sqsupseteq prec succ preceq succeq preccurlyeq
succcurlyeq precsim succsim nprec nsucc npreceq nsucceq therefore because mid nmid parallel nparallel shortmid
shortparallel nshortmid nshortparallel perp vdash dashv models vDash Vdash Vvdash nvdash nvDash nVdash to rightarrow
longrightarrow leftarrow gets longleftarrow leftrightarrow longleftrightarrow Rightarrow Longrightarrow implies
Leftarrow Longleftarrow impliedby Leftrightarrow Longleftrightarrow iff mapsto longmapsto hookrightarrow hookleftarrow
rightharpoonup rightharpoondown leftharpoonup leftharpoondown rightleftharpoons leftrightharpoons leftrightarrows
rightleftarrows rightrightarrows leftleftarrows upuparrows downdownarrows uparrow downarrow updownarrow Uparrow
Downarrow Updownarrow nearrow searrow swarrow nwarrow nleftarrow nrightarrow nleftrightarrow nLeftarrow nRightarrow
nLeftrightarrow twoheadrightarrow twoheadleftarrow rightarrowtail leftarrowtail rightsquigarrow leadsto
leftrightsquigarrow curvearrowleft curvearrowright circlearrowleft circlearrowright dashrightarrow dashleftarrow
multimap upharpoonright upharpoonleft restriction asymp bowtie Join smile frown lessgtr gtrless lesseqgtr gtreqless
lesseqqgtr gtreqqless lesssim gtrsim lessapprox gtrapprox lessdot gtrdot nless ngtr nleq ngeq nleqslant ngeqslant lneq
gneq lneqq gneqq lnsim gnsim leqq geqq eqsim eqcirc circeq risingdotseq fallingdotseq bumpeq Bumpeq thicksim
thickapprox backsim backsimeq nsim ncong between pitchfork varpropto trianglelefteq trianglerighteq ntriangleleft
ntriangleright ntrianglelefteq ntrianglerighteq vartriangleleft vartriangleright blacktriangleleft blacktriangleright
vartriangle smallfrown smallsmile mathellipsis quad qquad enspace thinspace medspace thickspace negthinspace
negmedspace negthickspace displaystyle textstyle scriptstyle scriptscriptstyle strut mathstrut null rm bf it sf tt cal
nobreak allowbreak lnapprox gnapprox Lsh Rsh
"""

#: Operators, on which `\limits` may follow.
_OPERATORS = r"""
sum prod coprod int iint iiint iiiint oint idotsint bigcup bigcap bigvee bigwedge bigoplus bigotimes bigodot bigsqcup
biguplus intop smallint sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan log ln lg exp arg deg dim hom
ker lim limsup liminf max min sup inf gcd det Pr injlim projlim varlimsup varliminf
"""

#: Operators that LaTeX lacks.
_NEW_OPERATORS = r"""
arccot arcsec arccsc arsinh arcosh artanh arcoth arcsinh arccosh arctanh sech csch sgn sign lcm tr Tr rank diag ord
card Var Cov Aut End Hom Ker Gal Res adj dist vol area arctg tg ctg cosec arcctg ch cth nullity trace proj Arg
"""
_NEW_LIMIT_OPERATORS = {"argmax": r"arg\,max", "argmin": r"arg\,min", "esssup": r"ess\,sup", "essinf": r"ess\,inf"}
_NEW_LIMIT_OPERATORS |= {name: name for name in ("LCM", "GCD", "HCF", "mex")}

#: Arguments. m: mathematics; o: mathematics in brackets, if any; n: mathematics, a whole number without braces;
#: r: rows; t: text; l: a length; c: a colour.
_ARGUMENTS = {
    "m": r"""hat bar vec dot ddot dddot ddddot tilde widehat widetilde overline underline overrightarrow overleftarrow
        overleftrightarrow underrightarrow underleftarrow underleftrightarrow acute grave check breve mathring
        overbrace underbrace boxed mathrm mathbf mathit mathsf mathtt mathnormal mathbb mathcal mathfrak boldsymbol
        pmb operatorname operatorname* mathop mathbin mathrel mathord mathopen mathclose mathpunct mathinner phantom
        hphantom vphantom smash ensuremath cancel bcancel xcancel bm mathscr overarc wideparen widearc
        overparen abs norm ceil floor""",
    "mm": r"frac dfrac tfrac binom dbinom tbinom stackrel overset underset cancelto",
    "om": r"sqrt xrightarrow xleftarrow xlongequal",
    "n": r"mod pmod pod",
    "r": r"substack",
    "t": r"""text mbox hbox textrm textbf textit texttt textsf textnormal textup textsl textsc textmd emph fbox
        textsuperscript textsubscript textcircled""",
    "l": r"hspace hspace* kern mkern hskip mskip mspace",
    "c": r"color",
    "cm": r"textcolor",
}

_RENAMED = r"""
lparen ( rparen ) hdots dots dotsi dots empty emptyset isin in sub subset infin infty rarr rightarrow larr leftarrow
Rarr Rightarrow plusmn pm cfrac dfrac textregistered circledR Bbb mathbb mathds mathbb mathbbm mathbb bold mathbf
textgreater gt textless lt operatornamewithlimits operatorname* textasciitilde sim textbackslash backslash textbar
vert textdegree degree intertext text
"""
#: Names that are written as another one, which LaTeX has.
ALIASES = dict(zip(_RENAMED.split()[::2], _RENAMED.split()[1::2], strict=True))

FRACTION_BARS = frozenset((r"\over", r"\atop", r"\choose", r"\brace", r"\brack"))
RULES = frozenset((r"\hline", r"\toprule", r"\midrule", r"\bottomrule", r"\cline"))
ROW_ENDS = frozenset(("\\\\", r"\cr", r"\newline"))
#: Sizes, before a delimiter.
SIZES = frozenset(f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m"))
_DELIMITERS = r"""
( ) [ ] / | . < > \{ \} \| \langle \rangle \lfloor \rfloor \lceil \rceil \vert \Vert \lvert \rvert \lVert
\rVert \lbrace \rbrace \lbrack \rbrack \backslash \uparrow \downarrow \updownarrow \Uparrow \Downarrow
\Updownarrow \lgroup \rgroup \lmoustache \rmoustache \ulcorner \urcorner \llcorner \lrcorner
"""
DELIMITERS = frozenset(_DELIMITERS.split())
#: Commands of which nothing is seen, or only in a numbered formula; and how many arguments they have.
DROPPED = {
    **dict.fromkeys(("nonumber", "notag", "hfill", "hfil", "noindent", "centering", "par", "relax"), 0),
    **dict.fromkeys(("label", "vspace", "vspace*"), 1),
}
_COLOURS = """
black blue brown cyan darkgray gray green lightgray lime magenta olive orange pink purple red teal violet white
yellow
"""
#: Accents, and what has their form without being one for amsmath.
ACCENTS = {
    "vec": r"\overrightarrow",
    "bar": r"\overline",
    "hat": r"\overset{\wedge}",
    "widehat": r"\overset{\wedge}",
    "tilde": r"\overset{\sim}",
    "widetilde": r"\overset{\sim}",
    "dot": r"\overset{.}",
    "ddot": r"\overset{..}",
    "acute": r"\overset{\prime}",
    "grave": r"\overset{\backprime}",
    "check": r"\overset{\vee}",
    "breve": r"\overset{\smile}",
    "mathring": r"\overset{\circ}",
}
#: Alphabets of capitals only, whose fonts have signs in the places of other characters; and what has these.
CAPITALS = {"mathbb": "mathbf", "mathcal": "mathit", "mathscr": "mathit"}
#: The colours that xcolor knows without options.
COLOURS = frozenset(_COLOURS.split())

_DEFINITIONS = {
    "degree": r"\mathord{{}^{\circ}}",
    "celsius": r"\mathord{{}^{\circ}\mathrm{C}}",
    "lt": "<",
    "gt": ">",
    "iddots": r"\mathinner{\cdot^{\cdot^{\cdot}}}",
    "coloneqq": r"\mathrel{:=}",
    "coloneq": r"\mathrel{:=}",
    "eqqcolon": r"\mathrel{=:}",
    "vcentcolon": r"\mathrel{:}",
    "euro": r"\mathord{\mbox{EUR}}",
    "cent": r"\mathord{\mbox{\textcent}}",
    "parallelogram": r"\mathord{/\mkern-4mu{\overline{\underline{\phantom{xx}}}}\mkern-4mu/}",
    "oiint": r"\mathop{\oint\mkern-16mu\oint}\nolimits",
    "nsubset": r"\mathrel{\not\subset}",
    "nsupset": r"\mathrel{\not\supset}",
    "varangle": r"\angle",
    "ang": r"\angle",
    "reals": r"\mathbb{R}",
    "omicron": r"\mathrm{o}",
    **{letter: rf"\mathbb{{{letter}}}" for letter in "RNZQC"},
    **dict.fromkeys(("overarc", "wideparen", "widearc", "overparen"), r"\overset{\frown}{#1}"),
    "xlongequal": r"\overset{#2}{\underset{#1}{=\mkern-4mu=}}",
    "abs": r"\left\lvert #1\right\rvert",
    "norm": r"\left\lVert #1\right\rVert",
    "ceil": r"\left\lceil #1\right\rceil",
    "floor": r"\left\lfloor #1\right\rfloor",
    **{name: rf"\operatorname{{{name}}}" for name in _NEW_OPERATORS.split()},
    **{name: rf"\operatorname*{{{text}}}" for name, text in _NEW_LIMIT_OPERATORS.items()},
}


def _definition(name: str, body: str) -> str:
    if "#2" in body:
        return rf"\providecommand{{\{name}}}[2][]{{{body}}}"
    return rf"\providecommand{{\{name}}}{'[1]' if '#1' in body else ''}{{{body}}}"


#: The line of the preamble that a command or an environment needs.
NEEDS = {
    **{name: _definition(name, body) for name, body in _DEFINITIONS.items()},
    **dict.fromkeys(("cancel", "bcancel", "xcancel", "cancelto"), r"\usepackage{cancel}"),
    **dict.fromkeys(("color", "textcolor"), r"\usepackage{xcolor}"),
    **dict.fromkeys(("dcases", "rcases"), r"\usepackage{mathtools}"),
    "Verbatim": r"\usepackage{fancyvrb}",
    "bm": r"\usepackage{bm}",
    "mathscr": r"\usepackage{mathrsfs}",
}
OPERATORS = frozenset((_OPERATORS + _NEW_OPERATORS).split()) | _NEW_LIMIT_OPERATORS.keys()
#: Every command and its arguments.
COMMANDS: dict[str, str] = {
    **dict.fromkeys((_SYMBOLS + _OPERATORS).split(), ""),
    **dict.fromkeys(_DEFINITIONS, ""),
    **{name: kinds for kinds, names in _ARGUMENTS.items() for name in names.split()},
}
