"""Kinds of probability and linear algebra: dice, urns, expected values, determinants, products, eigenvalues."""

from __future__ import annotations

from fractions import Fraction
from math import comb
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, inside, line, nonzero, polynomial, signed

Matrix = list[list[int]]


def dice(rng: Random) -> Exercise:
    """The probability of a sum of two dice."""
    wanted = rng.randint(3, 11)
    pairs = [(a, wanted - a) for a in range(1, 7) if 1 <= wanted - a <= 6]
    value = Fraction(len(pairs), 36)
    listed = ", ".join(map(str, pairs))
    return Exercise(
        (
            (
                f"Two fair dice are rolled. What is the probability that the numbers add up to {wanted}?",
                f"掷两枚均匀的骰子，点数之和为 {wanted} 的概率是多少？",
            ),
        ),
        frac(value),
        (
            line("There are 36 equally likely results", "共有 36 种等可能的结果", r"6 \times 6 = 36"),
            line("These have the wanted sum", "符合条件的结果有", listed),
            line("Divide their number by 36", "用个数除以 36", rf"\frac{{{len(pairs)}}}{{36}} = {frac(value)}"),
        ),
        (
            calculation(
                "list all results",
                "列举所有结果",
                f"from fractions import Fraction\nfrom itertools import product\n\ngood = [p for p in "
                f"product(range(1, 7), repeat=2) if sum(p) == {wanted}]\nprint(good)\nprint(Fraction(len(good), "
                f"36))",
                f"{pairs}\n{value}",
            ),
        ),
        ("the probability is {}", "所求概率是 {}"),
    )


def urns(rng: Random) -> Exercise:
    """Balls that are drawn without being put back."""
    red, blue, drawn = rng.randint(3, 9), rng.randint(3, 9), rng.choice((2, 3))
    good, total = comb(red, drawn), comb(red + blue, drawn)
    value = Fraction(good, total)
    return Exercise(
        (
            (
                f"A bag has {red} red and {blue} blue balls. {drawn} balls are drawn at random without "
                f"replacement. What is the probability that all of them are red?",
                f"袋中有 {red} 个红球和 {blue} 个蓝球，不放回地随机取出 {drawn} 个球，全是红球的概率是多少？",
            ),
        ),
        frac(value),
        (
            line("Count all ways to draw", "取法总数", rf"\binom{{{red + blue}}}{{{drawn}}} = {total}"),
            line("Count those with red balls only", "全是红球的取法", rf"\binom{{{red}}}{{{drawn}}} = {good}"),
            line("The probability is the quotient", "概率等于两者之比", rf"\frac{{{good}}}{{{total}}} = {frac(value)}"),
        ),
        (
            calculation(
                "divide the numbers of ways",
                "计算比值",
                f"from fractions import Fraction\nfrom math import comb\n\nprint(Fraction(comb({red}, {drawn}), "
                f"comb({red + blue}, {drawn})))",
                value,
            ),
        ),
        ("the probability is {}", "概率是 {}"),
    )


def expectations(rng: Random) -> Exercise:
    """The expected gain of a game."""
    n, win, cost = rng.randint(4, 12), rng.randint(10, 60), rng.randint(1, 9)
    value = Fraction(win, n) - cost
    return Exercise(
        (
            (
                f"A wheel has {n} equal fields, one of which wins {win} coins. A turn costs {cost} coins. What "
                f"is the expected gain per turn?",
                f"一个转盘有 {n} 个相等的区域，其中一个区域可赢 {win} 枚硬币，每转一次要付 {cost} 枚硬币。"
                f"每次的期望收益是多少？",
            ),
        ),
        frac(value),
        (
            line("The win has this probability", "赢的概率为", rf"\frac{{1}}{{{n}}}"),
            line("The expected win is", "期望所得为", rf"\frac{{1}}{{{n}}} \cdot {win} = {frac(Fraction(win, n))}"),
            line("Subtract the price of a turn", "减去费用", f"{frac(Fraction(win, n))} - {cost} = {frac(value)}"),
        ),
        (
            calculation(
                "add up the outcomes",
                "对所有结果求和",
                f"from fractions import Fraction\n\np = Fraction(1, {n})\nprint(p * {win} - {cost})",
                value,
            ),
        ),
        ("the expected gain is {}", "期望收益是 {}"),
    )


def _tex(rows: Matrix) -> str:
    body = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def determinants(rng: Random) -> Exercise:
    """A determinant of three rows."""
    rows = [[rng.randint(-6, 6) for _ in range(3)] for _ in range(3)]
    (a, b, c), (d, e, f), (g, h, i) = rows
    minors = (e * i - f * h, d * i - f * g, d * h - e * g)
    value = a * minors[0] - b * minors[1] + c * minors[2]
    return Exercise(
        ((f"Compute the determinant of $A = {_tex(rows)}$.", f"计算矩阵 $A = {_tex(rows)}$ 的行列式。"),),
        str(value),
        (
            line("Expand along the first row", "按第一行展开"),
            line(
                "The first minor",
                "第一个余子式",
                rf"{e} \cdot {inside(i)} - {inside(f)} \cdot {inside(h)} = {minors[0]}",
            ),
            line(
                "The second minor",
                "第二个余子式",
                rf"{d} \cdot {inside(i)} - {inside(f)} \cdot {inside(g)} = {minors[1]}",
            ),
            line(
                "The third minor",
                "第三个余子式",
                rf"{d} \cdot {inside(h)} - {inside(e)} \cdot {inside(g)} = {minors[2]}",
            ),
            line(
                "Add them with alternating signs",
                "按正负号相加",
                rf"{a} \cdot {inside(minors[0])} - {inside(b)} \cdot {inside(minors[1])} + {inside(c)} \cdot "
                rf"{inside(minors[2])} = {value}",
            ),
        ),
        (
            calculation(
                "compute the determinant",
                "计算行列式",
                f"from sympy import Matrix\n\nA = Matrix({rows})\nprint(A.det())",
                value,
            ),
        ),
        (r"the determinant is {}", "行列式的值是 {}"),
    )


def products(rng: Random) -> Exercise:
    """A product of two matrices, of which one entry is wanted."""
    p, q = ([[rng.randint(-5, 5) for _ in range(2)] for _ in range(2)] for _ in range(2))
    r = [[sum(p[i][k] * q[k][j] for k in range(2)) for j in range(2)] for i in range(2)]
    trace = r[0][0] + r[1][1]
    return Exercise(
        (
            (
                f"Let $A = {_tex(p)}$ and $B = {_tex(q)}$. Find the trace of $AB$.",
                f"设 $A = {_tex(p)}$，$B = {_tex(q)}$，求 $AB$ 的迹。",
            ),
        ),
        str(trace),
        (
            line("An entry of the product is a row times a column", "乘积的每个元素等于行乘以列", f"AB = {_tex(r)}"),
            line(
                "The trace is the sum of the diagonal", "迹是对角线元素之和", f"{r[0][0]} {signed(r[1][1])} = {trace}"
            ),
        ),
        (
            calculation(
                "multiply the matrices",
                "矩阵相乘",
                f"import numpy as np\n\nA = np.array({p})\nB = np.array({q})\nprint(A @ "
                f"B)\nprint(int(np.trace(A @ B)))",
                _numpy(r) + f"\n{trace}",
            ),
        ),
        ("the trace is {}", "迹是 {}"),
    )


def _numpy(rows: Matrix) -> str:
    width = max(len(str(n)) for row in rows for n in row)
    shown = ["[" + " ".join(f"{n:>{width}}" for n in row) + "]" for row in rows]
    return "[" + "\n ".join(shown) + "]"


def eigenvalues(rng: Random) -> Exercise:
    """The eigenvalues of a matrix of two rows."""
    p, q = sorted(rng.sample(range(-7, 10), 2))
    k = nonzero(rng, -3, 3)
    rows = (
        [[p, k * (p - q)], [0, q]]
        if rng.random() < 0.5
        else [[p + k * (q - p), q - p], [k * (1 - k) * (q - p), q - k * (q - p)]]
    )
    (a, b), (c, d) = rows
    shown = polynomial((1, -(p + q), p * q), r"\lambda")
    first, second = (polynomial((1, -root), r"\lambda") for root in (p, q))
    return Exercise(
        ((f"Find the eigenvalues of $A = {_tex(rows)}$.", f"求矩阵 $A = {_tex(rows)}$ 的特征值。"),),
        f"{p}, {q}",
        (
            line("The trace is the sum of the eigenvalues", "迹等于特征值之和", f"{a} {signed(d)} = {p + q}"),
            line(
                "The determinant is their product",
                "行列式等于特征值之积",
                rf"{inside(a)} \cdot {inside(d)} - {inside(b)} \cdot {inside(c)} = {p * q}",
            ),
            line("So the characteristic equation is", "特征方程为", f"{shown} = 0"),
            line("It factors", "因式分解", f"({first})({second}) = 0"),
        ),
        (
            calculation(
                "ask sympy for the eigenvalues",
                "用 sympy 求特征值",
                f"from sympy import Matrix\n\nprint(sorted(Matrix({rows}).eigenvals()))",
                f"[{p}, {q}]",
            ),
        ),
        ("the eigenvalues are {}", "特征值是 {}"),
    )
