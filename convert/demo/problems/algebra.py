"""Kinds of algebra: equations and systems."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from random import Random

from .base import (
    Draft,
    Language,
    Step,
    frac,
    maths,
    nonzero,
    pick,
    polynomial,
    python_polynomial,
    say,
)


def _solve(rng: Random, language: Language, equation: str) -> str:
    """The question that linear and quadratic equations share."""
    return pick(
        rng,
        language,
        (
            f"Solve {equation}.",
            f"Solve the equation {equation}.",
            f"Solve for x: {equation}.",
            f"Find x if {equation}.",
            f"What is x if {equation}?",
            f"Find all solutions of {equation}.",
        ),
        (
            f"解方程 {equation}。",
            f"求解方程 {equation}。",
            f"求方程 {equation} 的解。",
            f"方程 {equation} 的解是什么？",
            f"解方程：{equation}",
            f"已知 {equation}，求 x。",
        ),
    )


def _roots(rng: Random, language: Language, equation: str) -> str:
    """Questions that speak of roots."""
    return pick(
        rng,
        language,
        (
            f"Find the roots of {equation}.",
            f"What are the roots of {equation}?",
            f"Find the roots of the equation {equation}.",
            f"What are the solutions of {equation}?",
        ),
        (
            f"求方程 {equation} 的根。",
            f"方程 {equation} 的根是什么？",
            f"求 {equation} 的根。",
            f"求一元二次方程 {equation} 的根。",
        ),
    )


def _solver(left: str, right: str) -> str:
    return (
        "from sympy import symbols, Eq, solve, latex\n\n"
        f"x = symbols('x')\nsolutions = solve(Eq({left}, {right}), x)\n"
        'print(", ".join(latex(s) for s in solutions))'
    )


def _by_sympy(language: Language) -> str:
    return say(language, "We solve the equation with sympy.", "用 sympy 解方程。")


def linear(rng: Random, language: Language) -> Draft:
    """A linear equation in x, with x on one side or on both."""
    a, b = nonzero(rng, -20, 20), rng.randint(-60, 60)
    c = rng.choice((0, 0, nonzero(rng, -20, 20)))
    c = 0 if c == a else c
    d = rng.randint(-60, 60) if rng.random() < 0.4 else (a - c) * rng.randint(-20, 20) + b
    value = Fraction(d - b, a - c)
    left, right = (a, b), (c, d)
    equation = maths(rng, f"{polynomial(left)} = {polynomial(right)}")
    moved = rf"{polynomial((a - c, 0))} = {d - b}"
    return Draft(
        _solve(rng, language, equation),
        frac(value),
        (
            Step(
                _by_sympy(language),
                _solver(python_polynomial(left), python_polynomial(right)),
            ),
        ),
        say(language, "The solution is $x = {box}$.", "方程的解是 $x = {box}$。"),
        f"${polynomial(left)} = {polynomial(right)}$\n${moved}$\n$x = {frac(value)}$",
    )


def quadratic(rng: Random, language: Language) -> Draft:
    """A quadratic equation: rational, irrational and complex roots."""
    a = rng.choice((1, 1, 1, 1, 2, 3, 4, 5, -1))
    if rng.random() < 0.6:
        p, q = rng.randint(-15, 15), rng.randint(-15, 15)
        b, c = -a * (p + q), a * p * q
    else:
        b, c = rng.randint(-15, 15), rng.randint(-20, 20)
    right = rng.choice((-c, rng.randint(-30, 30))) if rng.random() < 0.25 else 0
    left = (a, b, c + right)
    equation = maths(rng, f"{polynomial(left)} = {right}")
    asked = _solve if rng.random() < 0.5 else _roots
    return Draft(
        asked(rng, language, equation),
        quadratic_roots(a, b, c),
        (Step(_by_sympy(language), _solver(python_polynomial(left), str(right))),),
        say(language, "The roots are ${box}$.", "方程的根是 ${box}$。"),
        rf"$\Delta = ({b})^2 - 4 \times ({a}) \times ({c}) = {b * b - 4 * a * c}$" + "\n"
        rf"$x = \frac{{{-b} \pm \sqrt{{{b * b - 4 * a * c}}}}}{{{2 * a}}}$",
    )


def quadratic_roots(a: int, b: int, c: int, ascending: bool = False) -> str:
    """The roots by the formula, in sympy's LaTeX; in the order of `solve`, or ascending."""
    discriminant = b * b - 4 * a * c
    root = isqrt(abs(discriminant))
    if root * root == discriminant:
        values = {Fraction(-b - root, 2 * a), Fraction(-b + root, 2 * a)}
        return ", ".join(frac(v) for v in sorted(values))
    import sympy

    part = sympy.sqrt(discriminant) / (2 * a)
    roots = [sympy.expand(sympy.Rational(-b, 2 * a) + s * part) for s in (-1, 1)]
    x = sympy.Symbol("x")
    ordered = sorted(roots) if ascending else sympy.solve(a * x**2 + b * x + c)
    return ", ".join(sympy.latex(r) for r in sorted(roots, key=ordered.index))


def root_squares(rng: Random, language: Language) -> Draft:
    """The sum of the squares of the roots of a quadratic, in two programs."""
    p, q = rng.randint(-15, 15), rng.randint(-15, 15)
    q = q + 1 if p == q else q
    coefficients = (1, -(p + q), p * q)
    equation = maths(rng, f"{polynomial(coefficients)} = 0")
    question = pick(
        rng,
        language,
        (
            f"Find the sum of the squares of the roots of {equation}.",
            f"What is the sum of the squares of the roots of {equation}?",
        ),
        (
            f"求方程 {equation} 的两根的平方和。",
            f"方程 {equation} 的两个根的平方和是多少？",
        ),
    )
    first = (
        "from sympy import symbols, solve\n\nx = symbols('x')\n"
        f"roots = solve({python_polynomial(coefficients)}, x)\nprint(roots)"
    )
    return Draft(
        question,
        str(p * p + q * q),
        (
            Step(say(language, "First we find the roots.", "先求出方程的根。"), first),
            Step(
                say(language, "Now we add their squares.", "再求它们的平方和。"),
                "print(sum(r**2 for r in roots))",
            ),
        ),
        say(language, "The sum of the squares is ${box}$.", "平方和是 ${box}$。"),
        f"$x_1 + x_2 = {p + q}$\n$x_1 x_2 = {p * q}$\n"
        rf"$({p + q})^2 - 2 \times ({p * q}) = {p * p + q * q}$",
    )


def system(rng: Random, language: Language) -> Draft:
    """Two linear equations in x and y."""
    x, y = rng.randint(-20, 20), rng.randint(-20, 20)
    while True:
        a, b, c, d = (rng.choice((1, -1, nonzero(rng, -9, 9), nonzero(rng, -9, 9))) for _ in range(4))
        if a * d != b * c:
            break
    e, f = a * x + b * y, c * x + d * y
    left, right = _two(a, b), _two(c, d)
    first, second = maths(rng, f"{left} = {e}"), maths(rng, f"{right} = {f}")
    question = pick(
        rng,
        language,
        (
            f"Solve the system {first}, {second}.",
            f"Solve the system of equations {first} and {second}.",
            f"Solve {first} and {second} for x and y.",
            f"Find x and y if {first} and {second}.",
        ),
        (
            f"解方程组 {first}，{second}。",
            f"解方程组：{first}，{second}",
            f"求方程组 {first}，{second} 的解。",
            f"已知 {first}，{second}，求 x 和 y。",
        ),
    )
    code = (
        "from sympy import symbols, Eq, solve\n\nx, y = symbols('x y')\n"
        f"solution = solve([Eq({_two(a, b, '*')}, {e}), Eq({_two(c, d, '*')}, {f})], [x, y])\n"
        "print((solution[x], solution[y]))"
    )
    determinant = a * d - b * c
    return Draft(
        question,
        f"({x}, {y})",
        (Step(say(language, "We solve the system with sympy.", "用 sympy 解方程组。"), code),),
        say(language, "The solution is $(x, y) = {box}$.", "方程组的解是 $(x, y) = {box}$。"),
        f"$D = {determinant}$\n$x = {e * d - b * f} / {determinant} = {x}$\n"
        f"$y = {a * f - e * c} / {determinant} = {y}$",
    )


def _two(a: int, b: int, times: str = "") -> str:
    """`2x - 3y`, or with a sign of multiplication."""
    second = polynomial((abs(b), 0), "y") if not times else python_polynomial((abs(b), 0), "y")
    first = polynomial((a, 0)) if not times else python_polynomial((a, 0))
    return f"{first} {'-' if b < 0 else '+'} {second}"
