"""Kinds of number theory: divisors, primes, remainders, congruences."""

from __future__ import annotations

from math import gcd, lcm, prod
from random import Random

from .base import Draft, Language, Step, maths, pick, say


def greatest_divisor(rng: Random, language: Language) -> Draft:
    """The greatest common divisor of two numbers."""
    common = rng.randint(1, 60)
    a, b = common * rng.randint(2, 300), common * rng.randint(2, 300)
    question = pick(
        rng,
        language,
        (
            f"What is the greatest common divisor of {a} and {b}?",
            f"Find the greatest common divisor of {a} and {b}.",
            f"Find gcd({a}, {b}).",
            f"Compute $\\gcd({a}, {b})$.",
            f"What is the GCD of {a} and {b}?",
            f"What is the greatest common factor of {a} and {b}?",
        ),
        (
            f"求 {a} 和 {b} 的最大公约数。",
            f"{a} 与 {b} 的最大公约数是多少？",
            f"计算 {a} 和 {b} 的最大公因数。",
            f"求 gcd({a}, {b})。",
        ),
    )
    return Draft(
        question,
        str(gcd(a, b)),
        (
            Step(
                say(language, "We use the gcd function.", "使用 gcd 函数。"),
                f"from math import gcd\n\nprint(gcd({a}, {b}))",
            ),
        ),
        say(language, "The greatest common divisor is ${box}$.", "最大公约数是 ${box}$。"),
        _euclid(a, b),
    )


def _euclid(a: int, b: int) -> str:
    a, b = max(a, b), min(a, b)
    rows = []
    while b:
        rows.append(rf"${a} = {a // b} \times {b} + {a % b}$")
        a, b = b, a % b
    return "\n".join(rows)


def least_multiple(rng: Random, language: Language) -> Draft:
    """The least common multiple of two numbers."""
    common = rng.randint(1, 20)
    a, b = common * rng.randint(2, 60), common * rng.randint(2, 60)
    question = pick(
        rng,
        language,
        (
            f"What is the least common multiple of {a} and {b}?",
            f"Find the least common multiple of {a} and {b}.",
            f"Find lcm({a}, {b}).",
            f"What is the LCM of {a} and {b}?",
        ),
        (
            f"求 {a} 和 {b} 的最小公倍数。",
            f"{a} 与 {b} 的最小公倍数是多少？",
            f"计算 {a} 和 {b} 的最小公倍数。",
            f"求 lcm({a}, {b})。",
        ),
    )
    g = gcd(a, b)
    return Draft(
        question,
        str(lcm(a, b)),
        (
            Step(
                say(language, "We use the lcm function.", "使用 lcm 函数。"),
                f"from math import lcm\n\nprint(lcm({a}, {b}))",
            ),
        ),
        say(language, "The least common multiple is ${box}$.", "最小公倍数是 ${box}$。"),
        rf"$\gcd({a}, {b}) = {g}$" + "\n" + rf"${a} \div {g} \times {b} = {lcm(a, b)}$",
    )


def prime_factors(n: int) -> dict[int, int]:
    """The prime factors of n with their exponents, by trial division."""
    factors: dict[int, int] = {}
    p = 2
    while p * p <= n:
        while n % p == 0:
            factors[p] = factors.get(p, 0) + 1
            n //= p
        p += 1
    return factors if n == 1 else factors | {n: 1}


def _factored(factors: dict[int, int]) -> str:
    return r" \cdot ".join(str(p) if e == 1 else f"{p}^{{{e}}}" for p, e in factors.items())


def factorisation(rng: Random, language: Language) -> Draft:
    """A number as a product of prime powers."""
    n = prod(rng.choice((2, 2, 2, 3, 3, 5, 7, 11, 13, 17, 23)) for _ in range(rng.randint(2, 6)))
    factors = prime_factors(n)
    question = pick(
        rng,
        language,
        (
            f"Find the prime factorization of {n}.",
            f"What is the prime factorization of {n}?",
            f"Write {n} as a product of primes.",
            f"Factor {n} into primes.",
        ),
        (
            f"将 {n} 分解质因数。",
            f"求 {n} 的质因数分解。",
            f"把 {n} 写成质数的乘积。",
            f"{n} 的质因数分解是什么？",
        ),
    )
    code = (
        f"from sympy import factorint\n\nfactors = factorint({n})\n"
        r'print(" \\cdot ".join(str(p) if e == 1 else f"{p}^{{{e}}}" for p, e in factors.items()))'
    )
    rows, rest = [], n
    for p in (p for p, e in factors.items() for _ in range(e)):
        rows.append(rf"${rest} = {p} \times {rest // p}$")
        rest //= p
    return Draft(
        question,
        _factored(factors),
        (Step(say(language, "We use factorint.", "使用 factorint 函数。"), code),),
        say(language, "The factorization is ${box}$.", "分解结果是 ${box}$。"),
        "\n".join(rows),
    )


def divisor_count(rng: Random, language: Language) -> Draft:
    """How many divisors a number has, in two programs: factors first, then the count."""
    n = rng.randint(12, 9999)
    factors = prime_factors(n)
    question = pick(
        rng,
        language,
        (
            f"How many positive divisors does {n} have?",
            f"How many divisors does {n} have?",
            f"Find the number of positive divisors of {n}.",
        ),
        (
            f"{n} 有多少个正因数？",
            f"求 {n} 的正因数的个数。",
            f"{n} 的正约数有多少个？",
        ),
    )
    first = f"from sympy import factorint\n\nfactors = factorint({n})\nprint(factors)"
    second = "count = 1\nfor e in factors.values():\n    count *= e + 1\nprint(count)"
    answer = prod(e + 1 for e in factors.values())
    return Draft(
        question,
        str(answer),
        (
            Step(say(language, "First we factor the number.", "先分解质因数。"), first),
            Step(
                say(language, "Now we multiply the exponents plus one.", "再把各指数加一相乘。"),
                second,
            ),
        ),
        say(language, "The number of divisors is ${box}$.", "正因数的个数是 ${box}$。"),
        f"${n} = {_factored(factors)}$\n$" + r" \times ".join(f"({e} + 1)" for e in factors.values()) + f" = {answer}$",
    )


def modular_powers(rng: Random, language: Language) -> Draft:
    """The remainder of a power."""
    a, b, m = rng.randint(2, 99), rng.randint(5, 999), rng.randint(3, 199)
    plain, power = f"{a}^{b}", rf"{a}^{{{b}}}"
    formula = maths(rng, plain, power)
    modulo = maths(rng, f"{plain} mod {m}", rf"{power} \bmod {m}")
    question = pick(
        rng,
        language,
        (
            f"What is the remainder when {formula} is divided by {m}?",
            f"Find the remainder when {formula} is divided by {m}.",
            f"Compute {modulo}.",
            f"What is {plain} modulo {m}?",
        ),
        (
            f"求 {formula} 除以 {m} 的余数。",
            f"{formula} 除以 {m} 的余数是多少？",
            f"计算 {modulo}。",
        ),
    )
    return Draft(
        question,
        str(pow(a, b, m)),
        (
            Step(
                say(language, "We use modular exponentiation.", "使用模幂运算。"),
                f"print(pow({a}, {b}, {m}))",
            ),
        ),
        say(language, "The remainder is ${box}$.", "余数是 ${box}$。"),
        _squarings(a, b, m),
    )


def _squarings(a: int, b: int, m: int) -> str:
    rows, value = [], 1
    for bit in bin(b)[2:]:
        value = value * value * (a if bit == "1" else 1) % m
        rows.append(str(value))
    return rf"$b = {bin(b)[2:]}_2$" + "\n$" + r" \to ".join(rows) + "$"


def congruences(rng: Random, language: Language) -> Draft:
    """`ax = b (mod m)`: the short program fails where a has no inverse, and a search follows."""
    m, a = rng.randint(5, 120), rng.randint(2, 60)
    least = rng.randint(1, m // gcd(a, m))
    b = a * least % m
    answer = next(x for x in range(1, m + 1) if (a * x - b) % m == 0)
    relation = maths(rng, f"{a}x = {b} (mod {m})", rf"{a}x \equiv {b} \pmod{{{m}}}")
    question = pick(
        rng,
        language,
        (
            f"Find the smallest positive integer x such that {relation}.",
            f"What is the smallest positive integer x with {relation}?",
            f"Find the least positive solution of {relation}.",
        ),
        (
            f"求满足 {relation} 的最小正整数 x。",
            f"求同余方程 {relation} 的最小正整数解。",
        ),
    )
    inverse = Step(
        say(language, "We multiply by the modular inverse.", "乘以模逆元。"),
        f"x = {b} * pow({a}, -1, {m}) % {m}\nprint(x if x > 0 else {m})",
    )
    search = Step(
        say(language, "There is no inverse, so we search.", "没有逆元，改用逐个查找。"),
        f"print(next(x for x in range(1, {m + 1}) if ({a} * x - {b}) % {m} == 0))",
    )
    return Draft(
        question,
        str(answer),
        (inverse,) if gcd(a, m) == 1 else (inverse, search),
        say(language, "The smallest solution is $x = {box}$.", "最小正整数解是 $x = {box}$。"),
        rf"${a} \times {answer} = {a * answer} = {a * answer // m} \times {m} + {a * answer % m}$",
    )
