"""Kinds of calculus: derivatives, definite integrals, sums of series."""

from __future__ import annotations

from fractions import Fraction
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
from .polynomials import spaced


def _coefficients(rng: Random, degree: int, most: int = 9) -> list[int]:
    middle = [rng.choice((0, rng.randint(-most, most))) for _ in range(degree)]
    return [nonzero(rng, -most, most), *middle]


def derived(coefficients: list[int]) -> list[int]:
    """The coefficients of the derivative."""
    degree = len(coefficients) - 1
    return [c * (degree - i) for i, c in enumerate(coefficients[:-1])]


def derivatives(rng: Random, language: Language) -> Draft:
    """The derivative of a polynomial of degree two to five."""
    coefficients = _coefficients(rng, rng.randint(2, 5))
    left = rng.choice(("", "", "f(x) = ", "y = "))
    formula = maths(rng, left + polynomial(coefficients))
    question = pick(
        rng,
        language,
        (
            f"Find the derivative of {formula}.",
            f"What is the derivative of {formula}?",
            f"Differentiate {formula}.",
            f"Compute the derivative of {formula} with respect to x.",
        ),
        (
            f"求 {formula} 的导数。",
            f"求函数 {formula} 的导数。",
            f"{formula} 的导数是什么？",
            f"对 {formula} 求导。",
        ),
    )
    code = (
        "from sympy import symbols, diff, latex\n\nx = symbols('x')\n"
        f"print(latex(diff({python_polynomial(coefficients)}, x)))"
    )
    answer = spaced(derived(coefficients))
    return Draft(
        question,
        answer,
        (Step(say(language, "We differentiate with sympy.", "用 sympy 求导。"), code),),
        say(language, "The derivative is ${box}$.", "导数是 ${box}$。"),
        say(language, "We differentiate term by term.", "逐项求导。"),
    )


def slopes(rng: Random, language: Language) -> Draft:
    """The derivative of a polynomial at a point."""
    coefficients, at = _coefficients(rng, rng.randint(2, 4)), rng.randint(-9, 9)
    formula = maths(rng, "f(x) = " + polynomial(coefficients))
    question = pick(
        rng,
        language,
        (
            f"If {formula}, what is f'({at})?",
            f"Let {formula}. Find $f'({at})$.",
            f"Find the slope of {formula} at x = {at}.",
        ),
        (
            f"已知 {formula}，求 f'({at})。",
            f"设 {formula}，求 $f'({at})$。",
            f"求 {formula} 在 x = {at} 处的导数。",
        ),
    )
    code = (
        "from sympy import symbols, diff\n\nx = symbols('x')\n"
        f"print(diff({python_polynomial(coefficients)}, x).subs(x, {at}))"
    )
    value = 0
    for c in derived(coefficients):
        value = value * at + c
    return Draft(
        question,
        str(value),
        (Step(say(language, "We differentiate, then put x in.", "先求导，再代入 x。"), code),),
        say(language, "The value is ${box}$.", "导数值是 ${box}$。"),
        f"$f'(x) = {polynomial(derived(coefficients))}$",
    )


def integrals(rng: Random, language: Language) -> Draft:
    """The definite integral of a polynomial between whole bounds."""
    coefficients, low = _coefficients(rng, rng.randint(1, 3)), rng.randint(-5, 5)
    high = low + rng.randint(1, 6)
    plain = polynomial(coefficients)
    tex = rf"$\int_{{{low}}}^{{{high}}} ({plain}) \, dx$"
    formula = maths(rng, plain)
    question = pick(
        rng,
        language,
        (
            f"Compute the integral of {formula} from {low} to {high}.",
            f"Find the definite integral of {formula} from x = {low} to x = {high}.",
            f"Integrate {formula} from {low} to {high}.",
            f"Evaluate {tex}.",
            f"Compute {tex}.",
        ),
        (
            f"求 {formula} 从 {low} 到 {high} 的定积分。",
            f"计算 {formula} 在 [{low}, {high}] 上的定积分。",
            f"计算定积分 {tex}。",
            f"求 {tex}。",
        ),
    )
    code = (
        "from sympy import symbols, integrate, latex\n\nx = symbols('x')\n"
        f"print(latex(integrate({python_polynomial(coefficients)}, (x, {low}, {high}))))"
    )
    parts = [_primitive(coefficients, at) for at in (high, low)]
    return Draft(
        question,
        frac(parts[0] - parts[1]),
        (Step(say(language, "We integrate with sympy.", "用 sympy 积分。"), code),),
        say(language, "The integral is ${box}$.", "积分值是 ${box}$。"),
        f"$F({high}) = {frac(parts[0])}$\n$F({low}) = {frac(parts[1])}$",
    )


def _primitive(coefficients: list[int], at: int) -> Fraction:
    degree = len(coefficients) - 1
    return sum(
        (Fraction(c * at ** (degree - i + 1), degree - i + 1) for i, c in enumerate(coefficients)),
        Fraction(0),
    )


def series(rng: Random, language: Language) -> Draft:
    """The sum of a polynomial in k over a range of k, or of a run of whole numbers."""
    first, last = rng.randint(0, 5), rng.randint(6, 200)
    if rng.random() < 0.3:
        return _run(rng, language, first * 7 + 1, last + first * 7)
    coefficients = _coefficients(rng, rng.randint(1, 3), 5)
    plain = polynomial(coefficients, "k")
    formula, tex = maths(rng, plain), rf"$\sum_{{k={first}}}^{{{last}}} ({plain})$"
    question = pick(
        rng,
        language,
        (
            f"Find the sum of {formula} for k from {first} to {last}.",
            f"Compute the sum of {formula} from k = {first} to {last}.",
            f"Compute {tex}.",
            f"Evaluate {tex}.",
        ),
        (
            f"求 {formula} 从 k = {first} 到 {last} 的和。",
            f"当 k 从 {first} 到 {last} 时，求 {formula} 的和。",
            f"计算 {tex}。",
            f"求和 {tex}。",
        ),
    )
    return _summed(language, question, python_polynomial(coefficients, "k"), coefficients, first, last)


def _run(rng: Random, language: Language, first: int, last: int) -> Draft:
    question = pick(
        rng,
        language,
        (
            f"Find the sum of the integers from {first} to {last}.",
            f"What is the sum of all integers from {first} to {last}?",
            f"Compute {first} + {first + 1} + ... + {last}.",
        ),
        (
            f"求从 {first} 到 {last} 的整数之和。",
            f"计算 {first} + {first + 1} + ... + {last}。",
            f"{first} 到 {last} 的所有整数的和是多少？",
        ),
    )
    return _summed(language, question, "k", [1, 0], first, last)


def _summed(language: Language, question: str, code: str, coefficients: list[int], first: int, last: int) -> Draft:
    degree = len(coefficients) - 1
    sums = [sum(k**p for k in range(first, last + 1)) for p in range(degree + 1)]
    parts = [(c, degree - i) for i, c in enumerate(coefficients) if c]
    value = sum(c * sums[p] for c, p in parts)
    rows = [rf"$\sum k^{p} = {sums[p]}$" for _, p in parts]
    rows.append("$" + " + ".join(rf"({c}) \times {sums[p]}" for c, p in parts) + f" = {value}$")
    program = f"print(sum({code} for k in range({first}, {last} + 1)))"
    return Draft(
        question,
        str(value),
        (Step(say(language, "We add the terms with a loop.", "用循环把各项相加。"), program),),
        say(language, "The sum is ${box}$.", "和是 ${box}$。"),
        "\n".join(rows),
    )
