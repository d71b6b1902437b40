"""Kinds about polynomials: values, expansion, factoring."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .base import Draft, Language, Step, maths, nonzero, pick, polynomial, python_polynomial, say


def evaluation(rng: Random, language: Language) -> Draft:
    """The value of a polynomial at a point."""
    coefficients = (nonzero(rng, -9, 9), *(rng.randint(-12, 12) for _ in range(rng.randint(1, 3))))
    at = rng.randint(-12, 12)
    value = 0
    rows = []
    for c in coefficients:
        rows.append(f"${value} \\times ({at}) + ({c}) = {value * at + c}$")
        value = value * at + c
    name = rng.choice("fgp")
    formula = maths(rng, f"{name}(x) = {polynomial(coefficients)}")
    question = pick(
        rng,
        language,
        (
            f"If {formula}, what is {name}({at})?",
            f"Let {formula}. Find {name}({at}).",
            f"Given {formula}, compute ${name}({at})$.",
        ),
        (
            f"已知 {formula}，求 {name}({at})。",
            f"设 {formula}，求 ${name}({at})$ 的值。",
            f"若 {formula}，则 {name}({at}) 等于多少？",
        ),
    )
    code = f"x = {at}\nprint({python_polynomial(coefficients)})"
    return Draft(
        question,
        str(value),
        (Step(say(language, "We put the value in.", "代入数值计算。"), code),),
        say(language, "The value is ${box}$.", "函数值是 ${box}$。"),
        "\n".join(rows[1:]),
    )


def expansion(rng: Random, language: Language) -> Draft:
    """The product of two linear factors, multiplied out."""
    a, c = rng.choice((1, 1, 2, 3, 4, 5)), rng.choice((1, 1, 2, 3, 4, 5))
    b, d = nonzero(rng, -12, 12), nonzero(rng, -12, 12)
    product = (a * c, a * d + b * c, b * d)
    plain = f"({polynomial((a, b))})({polynomial((c, d))})"
    formula = maths(rng, plain)
    question = pick(
        rng,
        language,
        (
            f"Expand {formula}.",
            f"Multiply out {formula}.",
            f"What is the expansion of {formula}?",
            f"Expand the product {formula}.",
        ),
        (f"展开 {formula}。", f"将 {formula} 展开。", f"{formula} 展开后是什么？"),
    )
    code = (
        "from sympy import symbols, expand, latex\n\nx = symbols('x')\n"
        f"print(latex(expand(({python_polynomial((a, b))})*({python_polynomial((c, d))}))))"
    )
    return Draft(
        question,
        spaced(product),
        (Step(say(language, "We expand with sympy.", "用 sympy 展开。"), code),),
        say(language, "The expansion is ${box}$.", "展开式是 ${box}$。"),
        rf"$x^2$: ${a} \times {c} = {a * c}$" + "\n"
        rf"$x$: ${a} \times ({d}) + ({b}) \times {c} = {product[1]}$" + "\n"
        rf"$({b}) \times ({d}) = {b * d}$",
    )


def factoring(rng: Random, language: Language) -> Draft:
    """A monic quadratic with whole roots, as a product."""
    p = nonzero(rng, -15, 15)
    q = rng.choice([n for n in range(-15, 16) if n not in (0, p)])
    coefficients = (1, p + q, p * q)
    formula = maths(rng, polynomial(coefficients))
    question = pick(
        rng,
        language,
        (
            f"Factor {formula}.",
            f"Factorize {formula}.",
            f"Factor the polynomial {formula}.",
            f"Write {formula} as a product of linear factors.",
        ),
        (f"因式分解 {formula}。", f"将 {formula} 因式分解。", f"把 {formula} 分解因式。"),
    )
    code = (
        "from sympy import symbols, factor, latex\n\nx = symbols('x')\n"
        f"print(latex(factor({python_polynomial(coefficients)})))"
    )
    low, high = sorted((p, q))
    factors = (rf"\left({polynomial((1, n))}\right)" for n in (low, high))
    return Draft(
        question,
        " ".join(factors),
        (Step(say(language, "We factor with sympy.", "用 sympy 因式分解。"), code),),
        say(language, "The factors are ${box}$.", "因式分解的结果是 ${box}$。"),
        rf"${p} + ({q}) = {p + q}$" + "\n" + rf"${p} \times ({q}) = {p * q}$",
    )


def spaced(coefficients: Sequence[int]) -> str:
    """A polynomial in x in sympy's LaTeX, which orders terms and sets spaces in its own way."""
    import sympy

    return str(sympy.latex(sympy.Poly(list(coefficients), sympy.Symbol("x")).as_expr()))
