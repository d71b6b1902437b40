"""LaTeX documents compile, and show what was written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qmath_cli.records import Language
from qmath_cli.terminal.export.tex import formula
from qmath_cli.terminal.export.tex.commands import COMMANDS, NEEDS
from qmath_cli.terminal.export.tex.cursor import NotWritable
from qmath_cli.terminal.export.tex.words import verbatim, words
from tests.terminal.export.solutions import exported, solution

PACKAGES = ("amsmath", "amssymb", "bm", "cancel", "ctex", "fancyvrb", "mathrsfs", "mathtools", "xcolor")


@pytest.mark.parametrize(
    ("latex", "written"),
    [
        (r"\boxed{50%}", r"\boxed{50\%}"),
        (r"\text{5% off}", r"\text{5\% off}"),
        (r"\text{a_b}", r"\text{a\_b}"),
        (r"\text{A&B #1}", r"\text{A\&B \#1}"),
        (r"\text{if $x_1$ or \(y\)}", r"\text{if \(x_1\) or \(y\)}"),
        (r"\text{costs $5}", r"\text{costs \$5}"),
        (r"\text{ cm^2}", r"\text{ cm$^2$}"),
        ("x ≥ 2", r"x \geq  2"),
        ("√3 + √{x+1}", r"\sqrt{3} + \sqrt{x+1}"),
        ("x²y₁⁰", r"x^{2}y_{1}^{0}"),
        ("30° × α", r"30\degree  \times  \alpha "),
        ("αx", r"\alpha x"),
        ("x = 是", r"x = \text{是}"),
        ("x\u0304", r"\bar{x}"),
        ("x^2^3", "x^2{}^3"),
        ("f^2'", "f^2{}'"),
        ("f'^2", "f'^2"),
        (r"\frac12", r"\frac{1}{2}"),
        (r"\frac ab", r"\frac{a}{b}"),
        (r"x^\frac12", r"x^{\frac{1}{2}}"),
        (r"a \pmod 10", r"a \pmod{10}"),
        (r"\vec{\vec{a}+\vec{b}}", r"\overrightarrow{\vec{a}+\vec{b}}"),
        (r"\alpha\tag{1}k", r"\alpha \qquad\text{({1})}k"),
        (r"\left( x \right.", r"\left(  x  \right."),
        (r"\sum\limits_{i}", r"\sum\limits _{i}"),
        (r"x\limits_1", "x_1"),
        (r"\mathbb{1}", r"\mathbf{1}"),
        (r"x \tag{1}", r"x \qquad\text{({1})}"),
        (r"\begin{cases} a & b & c \end{cases}", "\\left\\{\\begin{array}{lll}\na & b & c\n\\end{array}\\right."),
        (r"\begin{array}{c} a & b \end{array}", "\\begin{array}{cc}\na & b\n\\end{array}"),
        (r"\begin{align} a &= b \end{align}", "\\begin{aligned}\na & = b\n\\end{aligned}"),
        ("\\begin{aligned} a \\\\[2pt]\n[1,2] \\end{aligned}", "\\begin{aligned}\na \\\\\n{}[1,2]\n\\end{aligned}"),
    ],
)
def test_a_formula_is_written_as_it_was_meant(latex: str, written: str) -> None:
    """Signs, scripts, text and environments that LaTeX would stop at."""
    assert formula.inline(latex) == rf"\({written}\)"


@pytest.mark.parametrize(
    ("latex", "first"),
    [
        (r"\begin{gathered} a \\ b \end{gathered}", r"\["),
        (r"\begin{align*} a &= b \tag{1} \end{align*}", r"\begin{align*}"),
        (r"\begin{eqnarray} a &=& b \end{eqnarray}", r"\begin{align}"),
        (r"\begin{multline} a \\ b \end{multline}", r"\begin{gather}"),
        (r"\left\{\begin{align} a &= b \end{align}\right.", r"\["),
        (r"x \tag{1}", r"\["),
        (r"a &= b \\ c &= d", r"\["),
    ],
)
def test_a_display_is_opened_once(latex: str, first: str) -> None:
    """An environment that is a display stands alone; everything else is between brackets."""
    lines = formula.display(latex).split("\n")
    assert lines[0] == first
    assert lines[-1] == {r"\[": r"\]"}.get(first, first.replace("begin", "end"))


@pytest.mark.parametrize(
    "latex",
    [
        *(
            r"\input{x}",
            r"\foo{x}",
            r"\begin{foo} x \end{foo}",
            r"\def\x{y}",
            r"\csname x\endcsname",
            r"\catcode`\%=12",
        ),
        *(
            r"\frac{1",
            r"\frac{1}",
            "x^",
            "}",
            r"\left( x",
            r"\right)",
            r"\begin{align} x",
            r"\sqrt[3",
            "",
            "\\",
            r"\text",
        ),
        *(r"\end{align}", r"a \over b \over c", r"\text{\input{x}}", r"\verb|x|", r"^^5cinput"[:2]),
    ],
)
def test_what_cannot_be_written_is_said(latex: str) -> None:
    """Unknown commands, and what is not closed."""
    with pytest.raises(NotWritable):
        formula.inline(latex)


def test_an_unwritable_formula_appears_as_its_source(tmp_path: Path) -> None:
    """Escaped, in the place of the formula."""
    text = exported(solution(text=r"So \(\foo{x_1}\) and \[\begin{foo}\]."), tmp_path, ".tex")
    assert r"\texttt{\textbackslash{}(\textbackslash{}foo\{x\_1\}\textbackslash{})}" in text
    assert r"\foo{" not in text
    assert r"\begin{foo}" not in text


def test_text_keeps_its_characters() -> None:
    """Those that mean something in LaTeX, those that it joins, and those that its fonts lack."""
    assert words("50% & a_b #1 $5 ~ ^ {x} \\y") == (
        r"50\% \& a\_b \#1 \$5 \textasciitilde{} \textasciicircum{} \{x\} \textbackslash{}y"
    )
    assert words("x ≥ √3, m² ½ ① Ⅱ é “是” 😀") == (
        r"x \ensuremath{\geq} \ensuremath{\sqrt{3}}, m\textsuperscript{2} \ensuremath{\tfrac{1}{2}} \textcircled{1} II"
        r" é “是” \texttt{U+1F600}"
    )
    assert words("a--b ''c''") == "a-{}-b '{}'c'{}'"
    assert verbatim("π = {1}\t# \\") == r"\ensuremath{\pi} = \char123{}1\char125{} # \char92{}"


def test_the_preamble_has_what_is_used(tmp_path: Path) -> None:
    """Packages and definitions of the commands in the document, and no others."""
    text = exported(solution(text=r"\(\lcm(a, b) \coloneqq \bm{x} + \cancel{y}\)"), tmp_path, ".tex")
    preamble = text.partition(r"\begin{document}")[0]
    assert re.findall(r"\\usepackage\{(.*?)\}", preamble) == ["amsmath,amssymb", "bm", "cancel"]
    assert re.findall(r"\\providecommand\{\\(.*?)\}", preamble) == ["coloneqq", "lcm"]


def test_a_chinese_character_anywhere_asks_for_xelatex(tmp_path: Path) -> None:
    """In the prose, in a program, in the answer, in a title; a document without one needs nothing."""
    for found in (
        solution("求 x。"),
        solution(text="```python\n# 结果\n```"),
        solution(answer=r"\text{是}"),
        solution(text="，"),
        solution(language=Language.ZH),
    ):
        assert "ctex" in exported(found, tmp_path, ".tex")
    assert "ctex" not in exported(solution(), tmp_path, ".tex")


# ------------------------------------------------------------ with TeX

PROSE = r"""
## Plan \[x^2\] for **all \[y\]**
We pay \$5 for 50% & more: a_1 #2 ~ ^ {x} \foo <a> "q" `c` -- ''. x ≥ √3, ½ m², 30°, π, é, “it”, … ① Ⅱ 😀 Ж x̄
- first **bold
- second
```python
	x = "π ≤ é {}"  # \ tab
print('\end{Verbatim}')
```
```output
⎡1  2⎤
√2⋅x²
```
"""
FORMULAS = r"""
\boxed{50%} ; \text{5% off} ; \text{a_b} ; \text{A&B} ; \text{$x$ \(y\) $5 \% \pi \frac12 \textbf{a} \\ \'e ^2}
x ≥ 2 ; √3 ; x²y₁^3
\bm{x}\mathscr{L}\cancel{x} 30\degree^2 \coloneqq \overarc{AB} \lcm \argmax_x \arccot
\textcolor{red}{x} \textcolor{foo}{y}
\begin{gathered} a \\ b \end{gathered} ; \begin{multline} a \\ b \end{multline}
\begin{eqnarray} a &=& b \end{eqnarray} ; \begin{align} a &= b \tag{1} \\ c &= d \tag{2} \end{align}
x \tag{1} \tag{2} ; \boxed{\begin{align} a &= b \end{align}}
\left\{\begin{align} a &= b \\ c &= d \end{align}\right. ; a & b \\ c ; \boxed{a \\ b} ; {a & b}
\left( a \\ b \middle| c \right] ; \begin{cases} a & b & c \end{cases} ; \begin{array}{c} a & b \end{array}
\begin{pmatrix} 1&2&3&4&5&6&7&8&9&10&11 \end{pmatrix}
\begin{array}{|c|c|} \hline a & b \\ \hline c & d \\ \hline \end{array} ; \begin{dcases} 1 \end{dcases} ; \hline x
\begin{tabular}{|l|r|} \hline A_1 & 5% of $x$ \\ \hline \end{tabular}
\begin{alignat}{2} a &= b & c &= d \end{alignat} ; x^2^3_1_2 ; f^2' ; f''_1' ; x^\sqrt2 ; x_\text{max} ; x^\bar y
\sqrt[3] 8 ; \sqrt[{]}]{2} ; \frac{a \over b}{c} ; n \choose k ; \not= \not\in ; \big x \bigl\{ ; \left x \right)
x\limits_1 \sum\limits_1 ; \hspace{1em}\kern3mu\hspace{foo} ; \substack{a \\ b}
\mathbb{1}\mathcal{l}\mathds{R} ; \hat{\bar{a}+\vec{b}}
\xlongequal[a]{b} ; \abs{x}\norm{y} ; 𝑥𝐱ℝ½∛8∞ ; [1,2] \\ [3,4] ; \\ ; \foo ; \input{x} ; \frac{1
"""


def compiled(text: str, folder: Path, engine: str) -> str:
    """The log of a compilation; skips where this machine cannot compile."""
    if shutil.which(engine) is None or shutil.which("kpsewhich") is None:
        pytest.skip(f"{engine} is not installed")
    for package in PACKAGES:
        if subprocess.run(["kpsewhich", f"{package}.sty"], capture_output=True, check=False).returncode:
            pytest.skip(f"the LaTeX package {package} is not installed")
    (folder / "x.tex").write_text(text, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-no-shell-escape", "x.tex"]
    subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
    return (folder / "x.log").read_text(encoding="utf-8", errors="replace")


def faults(log: str) -> list[str]:
    """The errors of a compilation, and the characters that no font had."""
    return re.findall(r"^!.*|^Missing character.*", log, re.MULTILINE) + ["nothing written"] * (
        "Output written" not in log
    )


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_what_models_write_compiles(tmp_path: Path, engine: str) -> None:
    """Each formula as a display and in a line; prose, programs and outputs with any character."""
    found = [latex.strip() for line in FORMULAS.strip().splitlines() for latex in line.split(" ; ")]
    text = PROSE + "".join(f"\n\\[{latex}\\]\n\\({latex}\\)\n" for latex in found)
    document = exported(solution("A pen costs $5 & 3 < x_1^2?\n- 5 + 3 = #", text, "50%"), tmp_path, ".tex")
    assert faults(compiled(document, tmp_path, engine)) == []


def test_a_chinese_solution_compiles(tmp_path: Path) -> None:
    """Prose, formulas, a program and the answer in Chinese."""
    text = "所以 \\(x = \\text{三} ≥ 2，y\\)。\n```python\n# 结果\n```\n```output\n共 3 个\n```\n\\[\\boxed{是}\\]"
    document = exported(solution("求 $x$ 的值（ ）。", text, r"\text{是}", Language.ZH), tmp_path, ".tex")
    assert faults(compiled(document, tmp_path, "xelatex")) == []


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_every_command_compiles(tmp_path: Path, engine: str) -> None:
    """All names of the tables, with as many arguments as the tables say."""
    forms = {"m": "{X}", "n": "{7}", "t": "{x}", "o": "[x]", "r": r"{x \\ y}", "c": "{red}", "l": "{1em}"}
    found = [f"\\{name} " + "".join(forms[kind] for kind in kinds) + " y" for name, kinds in COMMANDS.items()]
    text = "".join(f"\\({latex}\\)\n\n" for latex in found)
    document = exported(solution(text=text), tmp_path, ".tex")
    assert faults(compiled(document, tmp_path, engine)) == []
    missing = [name for name in NEEDS if name in COMMANDS and f"\\{name}" not in document]
    assert missing == []


def test_recorded_solutions_compile(shared: Path, tmp_path: Path) -> None:
    """Eight solutions of each of 50 problems, in one document."""
    rows = [
        json.loads(row) for row in (shared / "responses/math_cot_50.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    latin = [text for row in rows for text in row["code"] if all(char < "\u2000" for char in text)]
    document = exported(solution(text="\n\n".join(latin)), tmp_path, ".tex")
    assert len(latin) > 350
    assert faults(compiled(document, tmp_path, "pdflatex")) == []
