"""Kinds of calculus: derivatives, integrals, limits, extrema."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, inside, line, nonzero, polynomial, signed


def derivatives(rng: Random) -> Exercise:
    """The derivative of a cubic at a point."""
    a, b, c, d, x = nonzero(rng, -5, 5), rng.randint(-8, 8), rng.randint(-9, 9), rng.randint(-9, 9), rng.randint(-4, 4)
    f, g = polynomial((a, b, c, d)), polynomial((3 * a, 2 * b, c))
    value = 3 * a * x * x + 2 * b * x + c
    return Exercise(
        (
            (f"Let $f(x) = {f}$. Find $f'({x})$.", f"设 $f(x) = {f}$，求 $f'({x})$。"),
            (
                f"What is the slope of the curve $y = {f}$ at $x = {x}$?",
                f"曲线 $y = {f}$ 在 $x = {x}$ 处的切线斜率是多少？",
            ),
        ),
        str(value),
        (
            line("Differentiate term by term with the power rule", "由幂函数的求导法则逐项求导", f"f'(x) = {g}"),
            line(
                f"Insert $x = {x}$",
                f"代入 $x = {x}$",
                rf"f'({x}) = {3 * a} \cdot {inside(x)}^2 {signed(2 * b)} \cdot {inside(x)} {signed(c)} = {value}",
            ),
        ),
        (
            calculation(
                "differentiate and insert the point",
                "求导并代入",
                f"from sympy import diff, symbols\n\nx = symbols('x')\nf = "
                f"{polynomial((a, b, c, d), python=True)}\nprint(diff(f, x).subs(x, {x}))",
                value,
            ),
        ),
        ("the derivative there is {}", "导数值是 {}"),
    )


def integrals(rng: Random) -> Exercise:
    """A definite integral of a quadratic."""
    a, b, c = 3 * nonzero(rng, -3, 3), 2 * rng.randint(-5, 5), rng.randint(-9, 9)
    low = rng.randint(-3, 2)
    high = low + rng.randint(1, 4)

    def primitive(x: int) -> int:
        return a // 3 * x**3 + b // 2 * x**2 + c * x

    value = primitive(high) - primitive(low)
    shown, antiderivative = polynomial((a, b, c)), polynomial((a // 3, b // 2, c, 0))
    return Exercise(
        (
            (
                f"Evaluate $\\int_{{{low}}}^{{{high}}} ({shown})\\,dx$.",
                f"计算定积分 $\\int_{{{low}}}^{{{high}}} ({shown})\\,dx$。",
            ),
        ),
        str(value),
        (
            line("An antiderivative is", "一个原函数为", f"F(x) = {antiderivative}"),
            line("Its value at the upper bound", "在上限处的值", f"F({high}) = {primitive(high)}"),
            line("Its value at the lower bound", "在下限处的值", f"F({low}) = {primitive(low)}"),
            line(
                "By the fundamental theorem of calculus the integral is their difference",
                "由微积分基本定理，定积分等于两者之差",
                f"{primitive(high)} - {inside(primitive(low))} = {value}",
            ),
        ),
        (
            calculation(
                "integrate symbolically",
                "符号积分",
                f"from sympy import integrate, symbols\n\nx = "
                f"symbols('x')\nprint(integrate({polynomial((a, b, c), python=True)}, (x, {low}, {high})))",
                value,
            ),
        ),
        ("the value of the integral is {}", "定积分的值是 {}"),
    )


def limits(rng: Random) -> Exercise:
    """A limit of a quotient that has a common factor."""
    p, q = rng.sample(range(-9, 10), 2)
    top, below = polynomial((1, -(p + q), p * q)), polynomial((1, -p))
    return Exercise(
        (
            (
                f"Compute $\\lim_{{x \\to {p}}} \\frac{{{top}}}{{{below}}}$.",
                f"求极限 $\\lim_{{x \\to {p}}} \\frac{{{top}}}{{{below}}}$。",
            ),
        ),
        str(p - q),
        (
            line(
                "Both numerator and denominator vanish there, so factor the numerator",
                "分子分母都趋于零，先将分子因式分解",
                f"{top} = ({below})({polynomial((1, -q))})",
            ),
            line("Cancel the common factor", "约去公因式", rf"\lim_{{x \to {p}}} ({polynomial((1, -q))})"),
            line(
                "The rest is continuous, so insert the point",
                "剩下的函数连续，直接代入",
                f"{p} - {inside(q)} = {p - q}",
            ),
        ),
        (
            calculation(
                "take the limit with sympy",
                "用 sympy 求极限",
                f"from sympy import limit, symbols\n\nx = "
                f"symbols('x')\nprint(limit(({polynomial((1, -(p + q), p * q), python=True)}) / "
                f"({polynomial((1, -p), python=True)}), x, {p}))",
                p - q,
            ),
        ),
        ("the limit is {}", "极限是 {}"),
    )


def extrema(rng: Random) -> Exercise:
    """The largest area with a given fence."""
    total = 4 * rng.randint(5, 60)
    width = total // 4
    area = width * (total - 2 * width)
    return Exercise(
        (
            (
                f"A farmer has {total} m of fence for a rectangular field along a river, where no fence is "
                f"needed. What is the largest possible area in square metres?",
                f"农场主用 {total} 米长的篱笆沿河围一块矩形地，靠河的一边不需要篱笆。最大面积是多少平方米？",
            ),
        ),
        str(area),
        (
            line(
                "Let $x$ be the length of the two sides that leave the river",
                "设垂直于河的边长为 $x$",
                f"A(x) = x({total} - 2x)",
            ),
            line("At the maximum the derivative vanishes", "最大值处导数为零", f"A'(x) = {total} - 4x = 0"),
            line("So the width is", "所以", f"x = {width}"),
            line(
                "The second derivative is negative, so this is a maximum",
                "二阶导数为负，故为最大值",
                rf"A({width}) = {width} \cdot {total - 2 * width} = {area}",
            ),
        ),
        (
            calculation(
                "find the critical point",
                "求驻点",
                f"from sympy import diff, solve, symbols\n\nx = symbols('x', positive=True)\narea = x * "
                f"({total} - 2 * x)\nbest = solve(diff(area, x), x)[0]\nprint(best, area.subs(x, best))",
                f"{width} {area}",
            ),
        ),
        ("the largest area is {}", "最大面积是 {}"),
    )


def series(rng: Random) -> Exercise:
    """An infinite geometric series."""
    first, n = rng.randint(1, 20), rng.randint(2, 9)
    ratio = Fraction(rng.randint(1, n - 1) if n > 2 else 1, n)
    value = first / (1 - ratio)
    return Exercise(
        (
            (
                f"Find the sum of the infinite geometric series with first term {first} and ratio ${frac(ratio)}$.",
                f"无穷等比级数的首项为 {first}，公比为 ${frac(ratio)}$，求它的和。",
            ),
        ),
        frac(value),
        (
            line(
                "The ratio is smaller than 1 in absolute value, so the series converges",
                "公比的绝对值小于 1，级数收敛",
                r"S = \frac{a}{1 - r}",
            ),
            line(
                "Insert the values",
                "代入数值",
                rf"S = \frac{{{first}}}{{1 - {frac(ratio)}}} = \frac{{{first}}}{{{frac(1 - ratio)}}}",
            ),
            line("Divide", "相除", f"S = {frac(value)}"),
        ),
        (
            calculation(
                "use exact fractions",
                "用精确分数计算",
                f"from fractions import Fraction\n\nr = Fraction({ratio.numerator}, "
                f"{ratio.denominator})\nprint({first} / (1 - r))",
                value,
            ),
        ),
        ("the sum of the series is {}", "级数的和是 {}"),
    )
