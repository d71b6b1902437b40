"""Kinds of algebra: equations, inequalities, remainders of polynomials, functions."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, inside, line, nonzero, polynomial, signed


def linear(rng: Random) -> Exercise:
    """A linear equation with parentheses on one side."""
    a, b, x = rng.randint(2, 9), nonzero(rng, -12, 12), nonzero(rng, -15, 15)
    c = rng.choice([n for n in range(-9, 10) if n not in {0, a}])
    d = a * (x + b) - c * x
    left, right = f"{a}(x {signed(b)})", polynomial((c, d))
    return Exercise(
        (
            (f"Solve the equation ${left} = {right}$.", f"解方程 ${left} = {right}$。"),
            (f"For which $x$ does ${left} = {right}$ hold?", f"$x$ 取何值时 ${left} = {right}$ 成立？"),
        ),
        str(x),
        (
            line("Expand the left side", "展开左边", f"{polynomial((a, a * b))} = {right}"),
            line(
                "Bring the terms with $x$ to the left and the numbers to the right",
                "把含 $x$ 的项移到左边，常数项移到右边",
                f"{polynomial((a - c, 0))} = {d - a * b}",
            ),
            line("Divide by the coefficient of $x$", "两边除以 $x$ 的系数", f"x = {x}"),
            line(
                "Put it back into the equation to check",
                "代入原方程检验",
                rf"{a}({x} {signed(b)}) = {a * (x + b)} = {c} \cdot {inside(x)} {signed(d)}",
            ),
        ),
        (
            calculation(
                "solve the equation with sympy",
                "用 sympy 解方程",
                "from sympy import Eq, solve, symbols\n\nx = symbols('x')\n"
                f"print(solve(Eq({a}*(x + ({b})), {c}*x + ({d})), x))",
                f"[{x}]",
            ),
        ),
        ("the solution is $x = $ {}", "方程的解是 $x = $ {}"),
    )


def quadratic(rng: Random) -> Exercise:
    """A quadratic equation with whole roots."""
    p, q = sorted(rng.sample(range(-12, 13), 2))
    a = rng.choice((1, 1, 2, 3))
    b, c = -a * (p + q), a * p * q
    shown = f"{polynomial((a, b, c))} = 0"
    delta = b * b - 4 * a * c
    return Exercise(
        (
            (f"Find all real solutions of ${shown}$.", f"求方程 ${shown}$ 的所有实数解。"),
            (f"Solve the quadratic equation \\({shown}\\).", f"解一元二次方程 \\({shown}\\)。"),
        ),
        f"{p}, {q}",
        (
            line("The discriminant decides how many roots there are", "先求判别式", rf"\Delta = b^2 - 4ac = {delta}"),
            line(
                "It is positive, so the formula gives two roots",
                "判别式大于零，方程有两个不等的实根",
                rf"x = \frac{{{-b} \pm \sqrt{{{delta}}}}}{{{2 * a}}}",
            ),
            line("One of them is", "其中一个根是", rf"x_1 = {p}"),
            line("The other one is", "另一个根是", rf"x_2 = {q}"),
        ),
        (
            calculation(
                "find the roots symbolically",
                "求方程的根",
                "from sympy import solve, symbols\n\nx = symbols('x')\n"
                f"roots = sorted(solve({polynomial((a, b, c), python=True)}, x))\nprint(roots)",
                f"[{p}, {q}]",
            ),
            calculation(
                "check the roots in the equation",
                "把根代入方程检验",
                f"print([{polynomial((a, b, c), 'r', python=True)} for r in roots])",
                "[0, 0]",
            ),
        ),
        ("the solutions are {}", "方程的解是 {}"),
    )


def systems(rng: Random) -> Exercise:
    """Two linear equations, by elimination."""
    x, y = rng.randint(-9, 9), rng.randint(-9, 9)
    a, b, d = nonzero(rng, 2, 9), nonzero(rng, 1, 9), nonzero(rng, 1, 9)
    c = 1
    while a * d == b * c:
        d += 1
    e, f = a * x + b * y, c * x + d * y
    first, second = f"{a}x + {b}y = {e}".replace(" 1y", " y"), f"x + {d}y = {f}".replace(" 1y", " y")
    both = rf"\begin{{cases}} {first} \\ {second} \end{{cases}}"
    return Exercise(
        (
            (f"Solve the system of equations $${both}$$", f"解方程组 $${both}$$"),
            (f"Find $x$ and $y$ such that ${first}$ and ${second}$.", f"求满足 ${first}$ 且 ${second}$ 的 $x$、$y$。"),
        ),
        f"({x}, {y})",
        (
            line("Express $x$ by the second equation", "由第二个方程表示 $x$", f"x = {f} - {d}y".replace(" 1y", " y")),
            line(
                "Put it into the first equation",
                "代入第一个方程",
                f"{a}({f} - {d}y) + {b}y = {e}".replace(" 1y", " y"),
            ),
            line("Collect the terms with $y$", "合并含 $y$ 的项", f"{polynomial((b - a * d, 0), 'y')} = {e - a * f}"),
            line(
                "This gives $y$, and with it $x$",
                "求出 $y$，再求 $x$",
                f"y = {y}, \\quad x = {f} - {d} \\cdot {inside(y)} = {x}",
            ),
        ),
        (
            calculation(
                "solve both equations together",
                "联立求解",
                "from sympy import symbols, linsolve\n\nx, y = symbols('x y')\n"
                f"print(list(linsolve([{a}*x + {b}*y - ({e}), {c}*x + {d}*y - ({f})], x, y))[0])",
                f"({x}, {y})",
            ),
        ),
        ("the solution is $(x, y) = $ {}", "方程组的解是 $(x, y) = $ {}"),
    )


def remainders(rng: Random) -> Exercise:
    """The remainder of a polynomial by a linear factor."""
    a, b, c, d, r = (
        nonzero(rng, 1, 4),
        rng.randint(-8, 8),
        rng.randint(-8, 8),
        rng.randint(-20, 20),
        nonzero(rng, -4, 4),
    )
    value = ((a * r + b) * r + c) * r + d
    shown, by = polynomial((a, b, c, d)), polynomial((1, -r))
    return Exercise(
        (
            (f"Find the remainder when ${shown}$ is divided by ${by}$.", f"求 ${shown}$ 除以 ${by}$ 的余数。"),
            (f"What is left over in the division $({shown}) : ({by})$?", f"多项式 ${shown}$ 除以 ${by}$，余数是多少？"),
        ),
        str(value),
        (
            line(
                f"By the remainder theorem the remainder is the value of the polynomial at $x = {r}$",
                f"由余数定理，余数等于多项式在 $x = {r}$ 处的值",
            ),
            line(
                "Compute it by Horner's scheme, coefficient by coefficient",
                "用秦九韶算法逐项计算",
                f"{a} \\cdot {inside(r)} {signed(b)} = {a * r + b}",
            ),
            line(
                "The next coefficient", "下一项", f"{a * r + b} \\cdot {inside(r)} {signed(c)} = {(a * r + b) * r + c}"
            ),
            line("The last one", "最后一项", f"{(a * r + b) * r + c} \\cdot {inside(r)} {signed(d)} = {value}"),
        ),
        (
            calculation(
                "divide the polynomials",
                "做多项式除法",
                "from sympy import Poly, symbols, div\n\nx = symbols('x')\n"
                f"quotient, rest = div(Poly({polynomial((a, b, c, d), python=True)}, x), "
                f"Poly({polynomial((1, -r), python=True)}, x))\nprint(rest.as_expr())",
                value,
            ),
        ),
        ("the remainder is {}", "余数是 {}"),
    )


def logarithms(rng: Random) -> Exercise:
    """An equation with a logarithm."""
    base, power, b = rng.choice((2, 3, 4, 5)), rng.randint(2, 4), rng.randint(1, 9)
    a = rng.choice((1, 2, 4))
    x = Fraction(base**power - b, a)
    inner = polynomial((a, b))
    return Exercise(
        (
            (f"Solve $\\log_{base}({inner}) = {power}$ for $x$.", f"解方程 $\\log_{base}({inner}) = {power}$。"),
            (
                f"Which number $x$ satisfies $\\log_{{{base}}}({inner}) = {power}$?",
                f"若 $\\log_{{{base}}}({inner}) = {power}$，求 $x$。",
            ),
        ),
        frac(x),
        (
            line("By the definition of the logarithm", "由对数的定义", f"{inner} = {base}^{power}"),
            line("Compute the power", "计算右边", f"{inner} = {base**power}"),
            line("Solve for $x$", "解出 $x$", rf"x = \frac{{{base**power} - {b}}}{{{a}}} = {frac(x)}"),
            line("The argument of the logarithm is positive there, so the solution is valid", "此时真数大于零，解有效"),
        ),
        (
            calculation(
                "solve with exact fractions",
                "用精确分数求解",
                f"from fractions import Fraction\n\nprint(Fraction({base}**{power} - {b}, {a}))",
                x,
            ),
        ),
        ("the solution is $x = $ {}", "解为 $x = $ {}"),
    )


def inequalities(rng: Random) -> Exercise:
    """An absolute value below a bound: how many whole numbers?"""
    a, r = rng.randint(-20, 20), rng.randint(2, 15)
    shown = rf"|x {signed(-a)}| \le {r}"
    return Exercise(
        (
            (f"How many integers $x$ satisfy ${shown}$?", f"满足 ${shown}$ 的整数 $x$ 有多少个？"),
            (f"Count the integer solutions of ${shown}$.", f"求不等式 ${shown}$ 的整数解的个数。"),
        ),
        str(2 * r + 1),
        (
            line(
                "An absolute value is at most a number if it lies between its opposites",
                "去掉绝对值符号",
                rf"-{r} \le x {signed(-a)} \le {r}",
            ),
            line(f"Add ${a}$ on all sides", f"各边加上 ${a}$", rf"{a - r} \le x \le {a + r}"),
            line(
                "Count the integers from the lower to the upper bound, both included",
                "计算两端之间（包括端点）的整数个数",
                f"{a + r} - {inside(a - r)} + 1 = {2 * r + 1}",
            ),
        ),
        (
            calculation(
                "count them one by one",
                "逐个检验并计数",
                f"count = 0\nfor x in range({a - r - 20}, {a + r + 20}):\n    if abs(x - ({a})) <= {r}:\n       "
                f" count += 1\nprint(count)",
                2 * r + 1,
            ),
        ),
        ("the number of integer solutions is {}", "整数解的个数是 {}"),
    )


def compositions(rng: Random) -> Exercise:
    """A function of a function's value."""
    a, b, c, x = nonzero(rng, -5, 5), rng.randint(-9, 9), rng.randint(-9, 9), rng.randint(-5, 5)
    inner = a * x + b
    value = inner * inner + c
    f, g = polynomial((1, 0, c)), polynomial((a, b))
    return Exercise(
        (
            (
                f"Let $f(x) = {f}$ and $g(x) = {g}$. Find $f(g({x}))$.",
                f"设 $f(x) = {f}$，$g(x) = {g}$，求 $f(g({x}))$。",
            ),
            (
                f"If $f(x) = {f}$ and $g(x) = {g}$, what is $(f \\circ g)({x})$?",
                f"已知函数 $f(x) = {f}$ 和 $g(x) = {g}$，$(f \\circ g)({x})$ 等于多少？",
            ),
        ),
        str(value),
        (
            line("Work from the inside to the outside", "由内向外计算"),
            line("The inner function", "内层函数", rf"g({x}) = {a} \cdot {inside(x)} {signed(b)} = {inner}"),
            line(
                "The outer function at this value", "外层函数", f"f({inner}) = {inside(inner)}^2 {signed(c)} = {value}"
            ),
        ),
        (
            calculation(
                "define both functions",
                "定义两个函数",
                f"def g(x):\n    return {a} * x + ({b})\n\n\ndef f(x):\n    return x**2 + ({c})\n\n\nprint(f(g({x})))",
                value,
            ),
        ),
        ("the value is {}", "函数值是 {}"),
    )
