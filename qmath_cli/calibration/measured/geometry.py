"""Kinds of geometry: triangles, circles, lines in coordinates, solids."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, line, nonzero, signed

_TRIPLES = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41))
_HERON = ((13, 14, 15), (5, 5, 6), (9, 10, 17), (7, 15, 20), (10, 13, 13), (11, 13, 20), (4, 13, 15))


def right_triangles(rng: Random) -> Exercise:
    """A leg of a right triangle, and its area."""
    scale = rng.randint(1, 6)
    a, b, c = (scale * n for n in rng.choice(_TRIPLES))
    return Exercise(
        (
            (
                f"In triangle $ABC$ the angle at $C$ is a right angle, $AB = {c}$ and $BC = {a}$. Find the area "
                f"of the triangle.",
                f"在 $\\triangle ABC$ 中，$\\angle C = 90^\\circ$，$AB = {c}$，$BC = {a}$，求三角形的面积。",
            ),
            (
                f"A right triangle has a hypotenuse of {c} cm and a leg of {a} cm. What is its area in square "
                f"centimetres?",
                f"直角三角形的斜边长 {c} 厘米，一条直角边长 {a} 厘米，面积是多少平方厘米？",
            ),
        ),
        str(a * b // 2) if a * b % 2 == 0 else frac(Fraction(a * b, 2)),
        (
            line(
                "By the theorem of Pythagoras the square of the other leg is",
                "由勾股定理，另一条直角边的平方为",
                f"{c}^2 - {a}^2 = {c * c} - {a * a} = {b * b}",
            ),
            line("So the other leg is", "所以另一条直角边为", rf"\sqrt{{{b * b}}} = {b}"),
            line(
                "The legs are base and height",
                "两条直角边互为底和高",
                rf"S = \frac{{1}}{{2}} \cdot {a} \cdot {b} = {frac(Fraction(a * b, 2))}",
            ),
        ),
        (
            calculation(
                "compute the other leg and the area",
                "计算另一条直角边和面积",
                f"from math import isqrt\nfrom fractions import Fraction\n\nleg = isqrt({c}**2 - "
                f"{a}**2)\nprint(leg, Fraction({a} * leg, 2))",
                f"{b} {Fraction(a * b, 2)}",
            ),
        ),
        ("the area is {}", "面积是 {}"),
    )


def heron(rng: Random) -> Exercise:
    """The area of a triangle from its sides."""
    scale = rng.randint(1, 5)
    a, b, c = (scale * n for n in rng.choice(_HERON))
    half = Fraction(a + b + c, 2)
    square = half * (half - a) * (half - b) * (half - c)
    area = isqrt(int(square))
    return Exercise(
        (
            (
                f"The sides of a triangle are {a}, {b} and {c}. Find its area.",
                f"三角形的三边长为 {a}、{b}、{c}，求它的面积。",
            ),
        ),
        str(area),
        (
            line("Half of the perimeter is", "半周长为", rf"s = \frac{{{a} + {b} + {c}}}{{2}} = {frac(half)}"),
            line(
                "Heron's formula has the square of the area", "由海伦公式，面积的平方为", f"s(s-a)(s-b)(s-c) = {square}"
            ),
            line("Take the root", "开平方", rf"S = \sqrt{{{square}}} = {area}"),
        ),
        (
            calculation(
                "apply Heron's formula exactly",
                "用海伦公式精确计算",
                f"from sympy import Rational, sqrt\n\na, b, c = {a}, {b}, {c}\ns = Rational(a + b + c, "
                f"2)\nprint(sqrt(s * (s - a) * (s - b) * (s - c)))",
                area,
            ),
        ),
        ("the area of the triangle is {}", "三角形的面积是 {}"),
    )


def sectors(rng: Random) -> Exercise:
    """The area of a sector, as a multiple of pi."""
    radius, angle = rng.randint(2, 24), 15 * rng.randint(2, 20)
    value = Fraction(angle * radius * radius, 360)
    shown = (
        f"{value.numerator}\\pi" if value.denominator == 1 else rf"\frac{{{value.numerator}\pi}}{{{value.denominator}}}"
    )
    shown = shown.replace("1\\pi", "\\pi") if value.numerator == 1 else shown
    printed = ("pi" if value.numerator == 1 else f"{value.numerator}*pi") + (
        "" if value.denominator == 1 else f"/{value.denominator}"
    )
    return Exercise(
        (
            (
                f"A sector of a circle with radius {radius} has a central angle of ${angle}^\\circ$. What is its area?",
                f"半径为 {radius} 的扇形，圆心角为 ${angle}^\\circ$，求它的面积。",
            ),
        ),
        shown,
        (
            line(
                "The sector is this share of the circle",
                "扇形占整个圆的",
                rf"\frac{{{angle}}}{{360}} = {frac(Fraction(angle, 360))}",
            ),
            line("The area of the circle is", "圆的面积为", rf"\pi r^2 = {radius * radius}\pi"),
            line("Multiply the two", "两者相乘", shown),
        ),
        (
            calculation(
                "compute the share of the circle",
                "计算扇形面积",
                f"from sympy import Rational, pi\n\nprint(Rational({angle}, 360) * pi * {radius}**2)",
                printed,
            ),
        ),
        ("the area of the sector is {}", "扇形的面积是 {}"),
    )


def lines_in_coordinates(rng: Random) -> Exercise:
    """The intersection of a line with the x-axis, from two points."""
    m, b = nonzero(rng, -6, 6), nonzero(rng, -18, 18)
    p, q = rng.sample(range(-6, 7), 2)
    r, s = m * p + b, m * q + b
    root = Fraction(-b, m)
    return Exercise(
        (
            (
                f"A line passes through $({p}, {r})$ and $({q}, {s})$. At which $x$ does it meet the $x$-axis?",
                f"一条直线经过点 $({p}, {r})$ 和 $({q}, {s})$，它与 $x$ 轴交点的横坐标是多少？",
            ),
        ),
        frac(root),
        (
            line(
                "The slope is the quotient of the differences",
                "斜率为",
                rf"m = \frac{{{s} - ({r})}}{{{q} - ({p})}} = {m}",
            ),
            line(
                "The line has the equation",
                "直线方程为",
                f"y = {m}x {signed(b)}".replace("1x", "x") if abs(m) == 1 else f"y = {m}x {signed(b)}",
            ),
            line("Set $y = 0$ and solve for $x$", "令 $y = 0$，解出 $x$", f"x = {frac(root)}"),
        ),
        (
            calculation(
                "find slope, intercept and root",
                "求斜率、截距和交点",
                f"from fractions import Fraction\n\nm = Fraction({s} - ({r}), {q} - ({p}))\nb = {r} - m * "
                f"({p})\nprint(m, b, -b / m)",
                f"{m} {b} {root}",
            ),
        ),
        ("it meets the axis at $x = $ {}", "交点的横坐标是 {}"),
    )


def cylinders(rng: Random) -> Exercise:
    """A cone and a cylinder of equal base."""
    radius, height = rng.randint(2, 15), 3 * rng.randint(1, 12)
    volume = radius * radius * height // 3
    return Exercise(
        (
            (
                f"A cone has the radius {radius} and the height {height}. Find its volume in terms of $\\pi$.",
                f"圆锥的底面半径为 {radius}，高为 {height}，求它的体积（用 $\\pi$ 表示）。",
            ),
        ),
        f"{volume}\\pi",
        (
            line("The base is a circle of area", "底面积为", rf"\pi \cdot {radius}^2 = {radius * radius}\pi"),
            line(
                "A cylinder over it would have the volume",
                "同底等高的圆柱体积为",
                rf"{radius * radius}\pi \cdot {height} = {radius * radius * height}\pi",
            ),
            line("The cone has a third of it", "圆锥的体积是它的三分之一", rf"V = {volume}\pi"),
        ),
        (
            calculation(
                "use the formula for the volume",
                "用体积公式计算",
                f"import sympy as sp\n\nV = sp.Rational(1, 3) * sp.pi * {radius}**2 * {height}\nprint(V)",
                f"{volume}*pi",
            ),
        ),
        ("the volume of the cone is {}", "圆锥的体积是 {}"),
    )
