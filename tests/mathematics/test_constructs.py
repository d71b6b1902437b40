r"""The commands: every name has one meaning, and spellings of the same thing give the same tree."""

from __future__ import annotations

from collections import Counter

import pytest

from qmath_cli.mathematics.constructs import _COMMANDS, CONSTRUCTS, parse
from qmath_cli.mathematics.symbols import SYMBOLS
from qmath_cli.mathematics.tree import Atom, Fence, Grid, Refused, Role, Row, Script, Table, Text


def test_no_command_is_both_a_construct_and_a_symbol() -> None:
    """The parser looks among the constructs first, so a symbol of the same name would never be drawn."""
    assert set(CONSTRUCTS) & set(SYMBOLS) == set()


def test_no_command_is_listed_twice() -> None:
    """A second entry would replace the first without notice."""
    names = Counter(name for names, _ in _COMMANDS for name in names.split())
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\begin{smallmatrix}1&2\\3&4\end{smallmatrix}", r"\begin{matrix}1&2\\3&4\end{matrix}"),
        (r"\left(\begin{smallmatrix}1&2\\3&4\end{smallmatrix}\right)", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
        (r"\begin{bsmallmatrix}1&2\end{bsmallmatrix}", r"\begin{bmatrix}1&2\end{bmatrix}"),
        (r"\begin{pmatrix*}[r]1&2\end{pmatrix*}", r"\begin{pmatrix}1&2\end{pmatrix}"),
        (r"\pmatrix{1&2\cr3&4}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
        (r"\cases{x&y\cr z&w}", r"\begin{cases}x&y\\z&w\end{cases}"),
        (r"\eqalign{x&=1\cr y&=2}", r"\begin{aligned}x&=1\\y&=2\end{aligned}"),
        (r"\displaylines{x=1\\y=2}", r"\begin{gathered}x=1\\y=2\end{gathered}"),
        (r"\begin{gathered}x&=1\\y&=2\end{gathered}", r"\begin{aligned}x&=1\\y&=2\end{aligned}"),
        (r"\begin{array}[t]{cc}1&2\end{array}", r"\begin{array}{cc}1&2\end{array}"),
        (r"\begin{array}{*{2}{c}@{\quad}p{2cm}}1&2&3\end{array}", r"\begin{array}{ccl}1&2&3\end{array}"),
        (r"\textcircled{1}", "①"),
        (r"\textcircled{\small{2}}", "②"),
        (r"\overparen{AB}", r"\overset{\frown}{AB}"),
        (r"{\bf x}+y", r"\mathbf{x}+y"),
        (r"\bm{\hat n}", r"\hat{\boldsymbol n}"),
        (r"\mathbf{\frac{a}{b}}", r"\frac{\mathbf a}{\mathbf b}"),
        (r"{\rm lcm}", r"\mathrm{lcm}"),
        (r"\operatorname{\mathrm{atan}}", r"\operatorname{atan}"),
        (r"\operatorname*{arg\,max}", r"\argmax"),
        (r"\abs{x}", r"\left|x\right|"),
        (r"a\kern 3pt b", r"a\,b"),
        (r"\text{a \textbf{b}}", r"\text{a b}"),
        (r"\text{caf\'e}", r"\text{café}"),
        (r"D\text-A", r"D\text{-}A"),
        (r"x\textgreater0", "x>0"),
        (r"\begin{array}{*{20}{c}}1\end{array}", r"\begin{array}{" + 20 * "c" + r"}1\end{array}"),
        (r"\stackrel{\frown}{AB}", r"\overset{\frown}{AB}"),
        (r"\textcircled{\raisebox{-1pt}{3}}", "③"),
        (r"x\tag*{(1)}", r"x\tag{1}"),
        (r"\begin{tabular}{l}\hlineRed\\ \hline\end{tabular}", r"\begin{tabular}{l}\hline Red\\ \hline\end{tabular}"),
        (r"\begin{tabular}{l}\multicolumn{1}{|l|}{a b}\end{tabular}", r"\begin{tabular}{l}a b\end{tabular}"),
    ],
)
def test_two_spellings_of_one_thing_have_one_tree(one: str, other: str) -> None:
    """Environments, commands of plain TeX, switches, packages."""
    assert parse(one) == parse(other)


def test_a_point_that_stands_for_no_delimiter_leaves_the_number_after_it() -> None:
    r"""`\left.2x` is an invisible delimiter before 2x, not before .2."""
    two, x = Atom("2", Role.NUMBER, "2"), Atom("x", Role.ORDINARY, "x")
    assert parse(r"\left.2x\right|") == Fence("", Row((two, x)), "|")
    assert parse(r"\left.2.5\right\}") == Fence("", Atom("2.5", Role.NUMBER, "2.5"), "}")
    assert parse(r"\left.x\right.5") == Row((Fence("", x, ""), Atom("5", Role.NUMBER, "5")))


def test_a_bold_number_stays_one_number() -> None:
    """With its point; two numbers side by side stay two."""
    assert parse(r"\mathbf{3.14}") == Atom("𝟑.𝟏𝟒", Role.NUMBER, "bf(3.14)")
    row = parse(r"\mathbf{2 5}")
    assert isinstance(row, Row)
    assert [item.text for item in row.items if isinstance(item, Atom)] == ["𝟐", "𝟓"]


def test_a_style_leaves_signs_without_such_a_form() -> None:
    """A relation, a Chinese character, and a digit in a script alphabet."""
    assert parse(r"\mathcal{=}") == parse("=")
    assert parse(r"\mathbf{中}") == parse("中")
    assert parse(r"\mathcal{5}") == parse("5")


def test_a_definition_sign_is_one_relation() -> None:
    """`:=` is not a ratio of nothing."""
    found = parse("a:=b")
    assert isinstance(found, Row)
    assert found.items[1] == Atom(":=", Role.RELATION, ":=")


def test_a_bracket_in_the_first_cell_belongs_to_the_cell() -> None:
    """Only a position is an optional argument."""
    found = parse(r"\begin{array}{c}[1,2]\\3\end{array}")
    assert isinstance(found, Table)
    assert found.kind is Grid.ARRAY
    assert found.rows[0] == (parse("[1,2]"),)


def test_the_functions_that_sympy_prints_are_functions() -> None:
    """With an index, and with an argument in braces around a fence."""
    found = parse(r"\operatorname{atan}_{2}{\left(y,x \right)}")
    assert isinstance(found, Row)
    assert isinstance(found.items[0], Script)
    assert found.items[0].base == Atom("atan", Role.FUNCTION, "atan")


def test_words_keep_their_escaped_signs() -> None:
    """Braces that only group are dropped, escaped ones stay."""
    assert parse(r"\text{5\% of \{a\} {b} \$3}") == Text("5% of {a} b $3")


def test_cells_of_a_tabular_are_words() -> None:
    """With formulas between dollars; in an array they are formulas."""
    found = parse(r"\begin{tabular}{cc}a of & $x^2$ \\ 5\% & \textbf{b}\end{tabular}")
    assert isinstance(found, Table)
    assert found.rows == ((Text("a of"), parse("x^2")), (Text("5%"), Text("b")))


@pytest.mark.parametrize(
    "latex",
    [r"\text{\foo x}", r"\textcircled{xyz}", r"\displaylines{a\\b", r"\hskip x", r"\begin{array}{q}1\end{array}"],
)
def test_what_is_not_understood_is_refused(latex: str) -> None:
    """Never dropped."""
    with pytest.raises(Refused):
        parse(latex)
