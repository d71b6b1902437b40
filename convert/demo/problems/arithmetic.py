"""Kinds of arithmetic: whole numbers, decimals, fractions, percentages, powers, roots."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isqrt
from random import Random

from .base import Draft, Language, Step, frac, maths, pick, say


def _number(rng: Random, most: int = 6) -> int:
    digits = rng.randint(1, most)
    return rng.randint(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1)


def _compute(rng: Random, language: Language, formula: str) -> str:
    """The question that many kinds of arithmetic share."""
    return pick(
        rng,
        language,
        (
            f"What is {formula}?",
            f"Compute {formula}.",
            f"Calculate {formula}.",
            f"Evaluate {formula}.",
            f"Find the value of {formula}.",
            f"{formula} = ?",
            f"How much is {formula}?",
        ),
        (
            f"计算 {formula}。",
            f"{formula} 等于多少？",
            f"求 {formula} 的值。",
            f"{formula} 的值是多少？",
            f"计算：{formula}",
        ),
    )


def _tex(plain: str) -> str:
    return plain.replace("*", r"\times")


def _direct(language: Language) -> str:
    return say(language, "We compute this directly in Python.", "直接用 Python 计算。")


def _result(language: Language) -> str:
    return say(language, "The result is ${box}$.", "结果是 ${box}$。")


def integers(rng: Random, language: Language) -> Draft:
    """Sums, differences and products of two or three whole numbers up to six digits."""
    a, b, c = _number(rng), _number(rng), _number(rng, 3)
    sign = rng.choice("+-*")
    shape = rng.choice(("two", "two", "two", "grouped", "chain"))
    if shape == "two":
        plain = f"{a} {sign} {b}"
    elif shape == "grouped":
        plain = f"({a} {sign} {b}) * {c}"
    else:
        plain = f"{a} {rng.choice('+-')} {b} {rng.choice('+-*')} {c}"
    times = rng.choice(("*", "*", r"\times", "×"))
    shown = plain.replace("*", "×") if times == "×" else plain
    formula = maths(rng, shown, _tex(plain))
    value = int(eval(plain))  # noqa: S307 - made of the digits and signs above
    return Draft(
        _compute(rng, language, formula),
        str(value),
        (Step(_direct(language), f"print({plain})"),),
        _result(language),
        f"${_tex(plain)} = {value}$",
    )


def decimals(rng: Random, language: Language) -> Draft:
    """Sums, differences and products of two decimals, exactly."""
    places = (rng.randint(1, 3), rng.randint(1, 3))
    a, b = (Decimal(rng.randint(1, 10**6)).scaleb(-p) for p in places)
    sign = rng.choice("+-*")
    value = a + b if sign == "+" else a - b if sign == "-" else a * b
    code = f"from decimal import Decimal\n\nprint(Decimal('{a}') {sign} Decimal('{b}'))"
    plain = f"{a} {sign} {b}"
    return Draft(
        _compute(rng, language, maths(rng, plain, _tex(plain))),
        str(value),
        (Step(say(language, "We use exact decimals.", "用精确的小数计算。"), code),),
        _result(language),
        f"${_tex(plain)} = {value}$",
    )


def fractions(rng: Random, language: Language) -> Draft:
    """The four operations on two fractions, or the quotient of two whole numbers."""
    if rng.random() < 0.2:
        return _quotient(rng, language)
    a, c = rng.randint(1, 40), rng.randint(1, 40)
    b, d = rng.randint(2, 40), rng.randint(2, 40)
    left, right = Fraction(a, b), Fraction(c, d)
    sign = rng.choice("+-*/")
    value = {
        "+": left + right,
        "-": left - right,
        "*": left * right,
        "/": left / right,
    }[sign]
    named = {"+": "+", "-": "-", "*": r"\times", "/": r"\div"}[sign]
    plain = f"{a}/{b} {sign} {c}/{d}" if sign in "+-" else f"({a}/{b}) {sign} ({c}/{d})"
    tex = rf"\frac{{{a}}}{{{b}}} {named} \frac{{{c}}}{{{d}}}"
    code = f"from sympy import Rational, latex\n\nprint(latex(Rational({a}, {b}) {sign} Rational({c}, {d})))"
    return Draft(
        _compute(rng, language, maths(rng, plain, tex)),
        frac(value),
        (Step(say(language, "We use exact fractions.", "用精确的分数计算。"), code),),
        _result(language),
        f"${tex} = {frac(value)}$",
    )


def _quotient(rng: Random, language: Language) -> Draft:
    divisor = rng.randint(2, 60)
    whole = divisor * rng.randint(1, 200) if rng.random() < 0.6 else rng.randint(1, 2000)
    tex = rng.choice((rf"{whole} \div {divisor}", rf"\frac{{{whole}}}{{{divisor}}}"))
    formula = maths(rng, f"{whole} {rng.choice('//÷')} {divisor}", tex)
    value = frac(Fraction(whole, divisor))
    code = f"from sympy import Rational, latex\n\nprint(latex(Rational({whole}, {divisor})))"
    return Draft(
        _compute(rng, language, formula),
        value,
        (Step(say(language, "We use exact fractions.", "用精确的分数计算。"), code),),
        _result(language),
        f"${tex} = {value}$",
    )


def percentages(rng: Random, language: Language) -> Draft:
    """A percentage of a number."""
    p, whole = rng.randint(1, 150), _number(rng, 5)
    value = Decimal(p) * whole / 100
    question = pick(
        rng,
        language,
        (
            f"What is {p}% of {whole}?",
            f"Find {p}% of {whole}.",
            f"Calculate {p}% of {whole}.",
            f"What is {p} percent of {whole}?",
            f"What is ${p}\\%$ of ${whole}$?",
        ),
        (
            f"{whole} 的 {p}% 是多少？",
            f"求 {whole} 的 {p}%。",
            f"计算 {whole} 的 {p}%。",
            f"{whole}的{p}%等于多少？",
            f"${whole}$ 的 ${p}\\%$ 是多少？",
        ),
    )
    code = f"from decimal import Decimal\n\nprint(Decimal({p}) * {whole} / 100)"
    return Draft(
        question,
        str(value),
        (Step(say(language, "A percentage is a part of 100.", "百分数是一百分之几。"), code),),
        _result(language),
        rf"${p}\% \times {whole} = {p} \times {whole} \div 100 = {p * whole} \div 100 = {value}$",
    )


def powers(rng: Random, language: Language) -> Draft:
    """A whole number, perhaps negative, to a small power."""
    base = rng.randint(2, 99)
    exponent = rng.randint(2, 12 if base < 20 else 6)
    negative = rng.random() < 0.2
    plain = f"({-base})^{exponent}" if negative else f"{base}^{exponent}"
    power = rf"({-base})^{{{exponent}}}" if negative else rf"{base}^{{{exponent}}}"
    value = (-base if negative else base) ** exponent
    question = (
        pick(
            rng,
            language,
            (
                f"What is {base} to the power of {exponent}?",
                f"Compute {base} to the power {exponent}.",
            ),
            (f"{base} 的 {exponent} 次方是多少？", f"求 {base} 的 {exponent} 次方。"),
        )
        if rng.random() < 0.3 and not negative
        else _compute(rng, language, maths(rng, plain, power))
    )
    code = f"print(({-base})**{exponent})" if negative else f"print({base}**{exponent})"
    return Draft(
        question,
        str(value),
        (Step(_direct(language), code),),
        _result(language),
        f"${power} = {value}$",
    )


def radicals(rng: Random, language: Language) -> Draft:
    """A square root in simplest form."""
    outer, inner = rng.randint(1, 25), rng.randint(2, 60)
    n = outer * outer * inner
    root = max(k for k in range(1, isqrt(n) + 1) if n % (k * k) == 0)
    rest = n // root**2
    answer = str(root) if rest == 1 else rf"\sqrt{{{rest}}}" if root == 1 else rf"{root} \sqrt{{{rest}}}"
    formula = maths(rng, f"sqrt({n})", rf"\sqrt{{{n}}}")
    question = pick(
        rng,
        language,
        (
            f"Simplify {formula}.",
            f"What is {formula} in simplest form?",
            f"Write {formula} in simplest radical form.",
            f"Simplify the square root of {n}.",
        ),
        (
            f"化简 {formula}。",
            f"将 {formula} 化为最简根式。",
            f"{formula} 的最简形式是什么？",
            f"化简 {n} 的平方根。",
        ),
    )
    code = f"from sympy import sqrt, latex\n\nprint(latex(sqrt({n})))"
    return Draft(
        question,
        answer,
        (Step(say(language, "We take the squares out of the root.", "把平方因子提出根号。"), code),),
        say(language, "In simplest form it is ${box}$.", "最简形式是 ${box}$。"),
        rf"${n} = {root}^2 \times {rest}$",
    )
