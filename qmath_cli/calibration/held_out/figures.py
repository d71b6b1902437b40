"""Held-out kinds about figures and functions: polygons, similarity, tangents, areas, inverse matrices, vectors."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, inside, line, nonzero, polynomial, signed


def polygons(rng: Random) -> Exercise:
    """The angle of a regular polygon."""
    n = rng.choice((5, 6, 8, 9, 10, 12, 15, 18, 20, 24, 30, 36))
    value = 180 - 360 // n
    return Exercise(
        (
            (
                f"How many degrees does each interior angle of a regular {n}-gon have?",
                f"正 {n} 边形的每个内角是多少度？",
            ),
            (
                f"A regular polygon has {n} sides. Give the size of one of its interior angles in degrees.",
                f"一个正多边形有 {n} 条边，求它的一个内角的度数。",
            ),
        ),
        str(value),
        (
            line(
                "Diagonals from one corner cut the polygon into triangles",
                "从一个顶点引对角线，把多边形分成三角形",
                f"{n} - 2 = {n - 2}",
            ),
            line(
                "Each of them adds 180 degrees", "每个三角形的内角和为 180 度", rf"{n - 2} \cdot 180 = {(n - 2) * 180}"
            ),
            line("All angles are equal", "各内角相等", rf"{(n - 2) * 180} : {n} = {value}"),
        ),
        (
            calculation(
                "divide the sum of the angles", "用内角和除以边数", f"n = {n}\nprint((n - 2) * 180 // n)", value
            ),
        ),
        ("each angle measures {} degrees", "每个内角为 {} 度"),
    )


def shadows(rng: Random) -> Exercise:
    """Similar triangles."""
    stick, shade, factor = rng.randint(1, 4), rng.randint(1, 5), rng.randint(3, 20)
    tall = Fraction(stick * factor, 1)
    return Exercise(
        (
            (
                f"A stick of {stick} m casts a shadow of {shade} m. At the same time the shadow of a tower is "
                f"{shade * factor} m long. How tall is the tower in metres?",
                f"同一时刻，一根 {stick} 米长的竹竿影长 {shade} 米，一座塔的影长 {shade * factor} 米。塔高多少米？",
            ),
        ),
        frac(tall),
        (
            line(
                "The sun's rays are parallel, so the triangles are similar",
                "太阳光线平行，两个三角形相似",
                rf"\frac{{h}}{{{shade * factor}}} = \frac{{{stick}}}{{{shade}}}",
            ),
            line(
                "Multiply both sides by the length of the long shadow",
                "两边同乘塔的影长",
                rf"h = \frac{{{stick} \cdot {shade * factor}}}{{{shade}}} = {frac(tall)}",
            ),
        ),
        (
            calculation(
                "solve the proportion",
                "解比例",
                f"stick, shade, long = {stick}, {shade}, {shade * factor}\nprint(stick * long // shade)",
                tall,
            ),
        ),
        ("the tower is {} metres tall", "塔高 {} 米"),
    )


def tangents(rng: Random) -> Exercise:
    """The tangent of a parabola."""
    a, b, c, x = nonzero(rng, -3, 3), rng.randint(-6, 6), rng.randint(-9, 9), rng.randint(-3, 3)
    slope, y = 2 * a * x + b, a * x * x + b * x + c
    offset = y - slope * x
    curve, tangent = polynomial((a, b, c)), polynomial((slope, offset))
    return Exercise(
        (
            (
                f"Give the equation of the tangent to the parabola $y = {curve}$ at the point with $x = {x}$.",
                f"求抛物线 $y = {curve}$ 在 $x = {x}$ 处的切线方程。",
            ),
        ),
        f"y = {tangent}",
        (
            line("The point of contact has the ordinate", "切点的纵坐标为", f"y({x}) = {y}"),
            line(
                "The derivative gives the slope",
                "导数给出斜率",
                rf"y' = {polynomial((2 * a, b))}, \quad y'({x}) = {slope}",
            ),
            line("By the point-slope form", "由点斜式", f"y = {slope}(x {signed(-x)}) {signed(y)}"),
            line("Simplified", "化简", f"y = {tangent}"),
        ),
        (
            calculation(
                "expand the point-slope form",
                "展开点斜式",
                f"import sympy as sp\n\nx = sp.Symbol('x')\ny = {polynomial((a, b, c), python=True)}\nm = "
                f"sp.diff(y, x).subs(x, {x})\nprint(m, y.subs(x, {x}) - m * ({x}))",
                f"{slope} {offset}",
            ),
        ),
        ("the tangent is {}", "切线方程是 {}"),
    )


def enclosed(rng: Random) -> Exercise:
    """The area between a parabola and a horizontal line."""
    r = rng.randint(1, 9)
    value = Fraction(4 * r**3, 3)
    return Exercise(
        (
            (
                f"What is the area of the region bounded by $y = x^2$ and $y = {r * r}$?",
                f"由曲线 $y = x^2$ 与直线 $y = {r * r}$ 围成的图形面积是多少？",
            ),
        ),
        frac(value),
        (
            line(
                "The curves meet where the square equals the height",
                "求交点",
                rf"x^2 = {r * r} \Rightarrow x = \pm {r}",
            ),
            line(
                "The region is symmetric, so twice the right half is enough",
                "图形关于 $y$ 轴对称，取右半部分的两倍",
                rf"A = 2\int_0^{{{r}}} ({r * r} - x^2)\,dx",
            ),
            line("Integrate", "积分", rf"A = 2\left({r * r} \cdot {r} - \frac{{{r**3}}}{{3}}\right) = {frac(value)}"),
        ),
        (
            calculation(
                "integrate the difference",
                "对两函数之差积分",
                f"import sympy as sp\n\nx = sp.Symbol('x')\nprint(sp.integrate({r * r} - x**2, (x, -{r}, {r})))",
                value,
            ),
        ),
        ("the enclosed area is {}", "围成的面积是 {}"),
    )


def inverse_matrices(rng: Random) -> Exercise:
    """An entry of an inverse."""
    while True:
        a, b, c, d = (rng.randint(-6, 6) for _ in range(4))
        if determinant := a * d - b * c:
            break
    value = Fraction(d, determinant)
    matrix = rf"\begin{{pmatrix}} {a} & {b} \\ {c} & {d} \end{{pmatrix}}"
    return Exercise(
        (
            (
                f"What is the upper left entry of the inverse of ${matrix}$?",
                f"矩阵 ${matrix}$ 的逆矩阵左上角的元素是多少？",
            ),
        ),
        frac(value),
        (
            line(
                "The determinant must not vanish",
                "行列式不为零",
                rf"{inside(a)} \cdot {inside(d)} - {inside(b)} \cdot {inside(c)} = {determinant}",
            ),
            line(
                "The inverse exchanges the diagonal and negates the rest",
                "二阶逆矩阵：主对角线互换，副对角线变号",
                rf"\frac{{1}}{{{determinant}}} \begin{{pmatrix}} {d} & {-b} \\ {-c} & {a} \end{{pmatrix}}",
            ),
            line("Its upper left entry", "左上角的元素", frac(value)),
        ),
        (
            calculation(
                "invert the matrix exactly",
                "精确求逆",
                f"import sympy as sp\n\nprint(sp.Matrix([[{a}, {b}], [{c}, {d}]]).inv()[0, 0])",
                value,
            ),
        ),
        ("the entry is {}", "该元素是 {}"),
    )


def vectors(rng: Random) -> Exercise:
    """The number that makes two vectors orthogonal."""
    a, b, c = rng.choice((-5, -4, -3, -2, 2, 3, 4, 5)), nonzero(rng, -6, 6), rng.randint(-6, 6)
    d, e = rng.randint(-6, 6), rng.randint(-6, 6)
    value = Fraction(-(b * d + c * e), a)
    return Exercise(
        (
            (
                f"For which $t$ are the vectors $({a}, {b}, {c})$ and $(t, {d}, {e})$ orthogonal?",
                f"$t$ 取何值时，向量 $({a}, {b}, {c})$ 与 $(t, {d}, {e})$ 垂直？",
            ),
        ),
        frac(value),
        (
            line(
                "Orthogonal vectors have the scalar product zero",
                "垂直的向量数量积为零",
                rf"{a}t + {inside(b)} \cdot {inside(d)} + {inside(c)} \cdot {inside(e)} = 0",
            ),
            line("Add up the known products", "合并已知的乘积", f"{a}t {signed(b * d + c * e)} = 0"),
            line("Solve for $t$", "解出 $t$", f"t = {frac(value)}"),
        ),
        (
            calculation(
                "solve the equation for t",
                "解关于 t 的方程",
                f"import sympy as sp\n\nt = sp.Symbol('t')\nu, v = sp.Matrix([{a}, {b}, {c}]), sp.Matrix([t, "
                f"{d}, {e}])\nprint(sp.solve(u.dot(v), t)[0])",
                value,
            ),
        ),
        ("they are orthogonal for $t = $ {}", "当 $t = $ {} 时两向量垂直"),
    )
