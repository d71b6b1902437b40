"""Kinds of number theory: Euclid's algorithm, powers modulo a number, divisors, congruences, bases."""

from __future__ import annotations

from math import gcd, prod
from random import Random

from qmath_cli.calibration.exercise import Exercise, Line, calculation, line


def euclid(rng: Random) -> Exercise:
    """The greatest common divisor, by divisions with remainder."""
    common = rng.randint(2, 40)
    a, b = sorted((common * rng.randint(5, 90), common * rng.randint(5, 90)), reverse=True)
    steps: list[Line] = [
        line(
            "Divide the larger number by the smaller one, then the divisor by the remainder, and so on",
            "用大数除以小数，再用除数除以余数，如此继续",
        )
    ]
    m, n = a, b
    while n:
        steps.append(line("Division with remainder", "带余除法", rf"{m} = {m // n} \times {n} + {m % n}"))
        m, n = n, m % n
    steps.append(
        line(f"The last divisor, {m}, divides both numbers, and no larger one does", f"最后的除数 {m} 就是最大公约数")
    )
    return Exercise(
        (
            (f"Determine the greatest common divisor of {a} and {b}.", f"求 {a} 与 {b} 的最大公约数。"),
            (f"What is $\\gcd({a}, {b})$?", f"$\\gcd({a}, {b})$ 是多少？"),
        ),
        str(m),
        tuple(steps),
        (
            calculation(
                "run Euclid's algorithm",
                "执行辗转相除法",
                f"a, b = {a}, {b}\nwhile b:\n    a, b = b, a % b\nprint(a)",
                m,
            ),
        ),
        ("the greatest common divisor is {}", "最大公约数是 {}"),
    )


def last_digits(rng: Random) -> Exercise:
    """The remainder of a power, by its period."""
    base, modulus = rng.randint(2, 19), rng.choice((7, 10, 11, 13))
    exponent = rng.randint(20, 900)
    seen = [1]
    while (following := seen[-1] * base % modulus) not in seen:
        seen.append(following)
    start = seen.index(following)
    period = len(seen) - start
    value = pow(base, exponent, modulus)
    cycle = ", ".join(map(str, seen[: start + period]))
    return Exercise(
        (
            (
                f"Find the remainder of ${base}^{{{exponent}}}$ on division by {modulus}.",
                f"求 ${base}^{{{exponent}}}$ 除以 {modulus} 的余数。",
            ),
            (f"What is ${base}^{{{exponent}}} \\bmod {modulus}$?", f"计算 ${base}^{{{exponent}}} \\bmod {modulus}$。"),
        ),
        str(value),
        (
            line(
                f"List the powers of ${base}$ modulo ${modulus}$, from the exponent 0 on",
                f"从零次幂开始列出 ${base}$ 的各次幂模 ${modulus}$ 的余数",
                cycle,
            ),
            line("From there on the remainders repeat", "此后余数循环出现", rf"\text{{period}} = {period}"),
            line(
                "So only the exponent's remainder matters",
                "因此只需看指数除以周期的余数",
                rf"{exponent} \equiv {exponent % period} \pmod{{{period}}}",
            ),
            line("The remainder is", "所求余数为", rf"{base}^{{{exponent}}} \equiv {value} \pmod{{{modulus}}}"),
        ),
        (calculation("use fast exponentiation", "用快速幂计算", f"print(pow({base}, {exponent}, {modulus}))", value),),
        ("the remainder is {}", "余数是 {}"),
    )


def divisors(rng: Random) -> Exercise:
    """The number of divisors, from the factorisation."""
    primes = sorted(rng.sample((2, 3, 5, 7, 11, 13), 3))
    exponents = [rng.randint(1, 3) for _ in primes]
    n = prod(p**e for p, e in zip(primes, exponents, strict=True))
    factored = r" \cdot ".join(f"{p}^{e}" if e > 1 else str(p) for p, e in zip(primes, exponents, strict=True))
    count = prod(e + 1 for e in exponents)
    product = "".join(f"({e} + 1)" for e in exponents)
    return Exercise(
        (
            (f"How many positive divisors does {n} have?", f"{n} 有多少个正因数？"),
            (f"Count the positive integers that divide {n} without remainder.", f"能整除 {n} 的正整数共有几个？"),
        ),
        str(count),
        (
            line("Factor the number into primes", "分解质因数", f"{n} = {factored}"),
            line(
                "A divisor has each prime with an exponent from 0 to that of the number",
                "每个因数中各质数的指数可以从 0 取到该数中的指数",
            ),
            line(
                "The choices are independent, so their numbers multiply",
                "各选择相互独立，根据乘法原理",
                f"{product} = {count}",
            ),
        ),
        (
            calculation(
                "factor the number",
                "分解质因数",
                f"from sympy import factorint\n\nfactors = factorint({n})\nprint(factors)",
                dict(zip(primes, exponents, strict=True)),
            ),
            calculation(
                "multiply the exponents plus one",
                "把各指数加一后相乘",
                "count = 1\nfor exponent in factors.values():\n    count *= exponent + 1\nprint(count)",
                count,
            ),
        ),
        ("the number of divisors is {}", "正因数的个数是 {}"),
    )


def congruences(rng: Random) -> Exercise:
    """Two remainders at once, by the Chinese remainder theorem."""
    m, n = rng.sample((5, 7, 8, 9, 11, 13), 2)
    x = rng.randint(max(m, n), m * n - 1)
    a, b = x % m, x % n
    inverse = pow(m, -1, n)
    return Exercise(
        (
            (
                f"Find the smallest non-negative integer $x$ with $x \\equiv {a} \\pmod{{{m}}}$ and $x \\equiv "
                f"{b} \\pmod{{{n}}}$.",
                f"求满足 $x \\equiv {a} \\pmod{{{m}}}$ 且 $x \\equiv {b} \\pmod{{{n}}}$ 的最小非负整数 $x$。",
            ),
            (
                f"A number leaves the remainder {a} when divided by {m} and {b} when divided by {n}. What is "
                f"the least such number?",
                f"一个数除以 {m} 余 {a}，除以 {n} 余 {b}，这样的数最小是多少？",
            ),
        ),
        str(x),
        (
            line("By the first condition", "由第一个条件", f"x = {m}k + {a}"),
            line("Put it into the second condition", "代入第二个条件", rf"{m}k \equiv {b} - {a} \pmod{{{n}}}"),
            line(
                f"The inverse of ${m}$ modulo ${n}$ is ${inverse}$",
                f"${m}$ 模 ${n}$ 的逆元是 ${inverse}$",
                rf"k \equiv {inverse} \cdot ({b} - {a}) \equiv {(x - a) // m} \pmod{{{n}}}",
            ),
            line("The least solution is", "最小解为", rf"x = {m} \cdot {(x - a) // m} + {a} = {x}"),
        ),
        (
            calculation(
                "search for the number",
                "逐个查找",
                f"x = 0\nwhile x % {m} != {a} or x % {n} != {b}:\n    x += 1\nprint(x)",
                x,
            ),
        ),
        ("the smallest such number is {}", "最小的数是 {}"),
    )


def bases(rng: Random) -> Exercise:
    """A number from base ten to another base."""
    n, base = rng.randint(50, 4000), rng.choice((2, 3, 5, 6, 7, 8))
    digits, rest, steps = "", n, []
    while rest:
        steps.append(
            line(
                "Divide by the base and note the remainder",
                "除以基数，记下余数",
                rf"{rest} = {rest // base} \times {base} + {rest % base}",
            )
        )
        digits, rest = str(rest % base) + digits, rest // base
    return Exercise(
        (
            (f"Write {n} in base {base}.", f"把十进制数 {n} 化为 {base} 进制数。"),
            (f"What is the base-{base} representation of $n = {n}$?", f"$n = {n}$ 的 {base} 进制表示是什么？"),
        ),
        f"{digits}_{{{base}}}",
        (*steps, line("Read the remainders from the last one to the first", "把余数从下往上读", digits)),
        (
            calculation(
                "collect the remainders",
                "收集余数",
                f"n, digits = {n}, []\nwhile n:\n    n, digit = divmod(n, {base})\n    "
                f"digits.append(str(digit))\nprint(''.join(reversed(digits)))",
                digits,
            ),
        ),
        (f"in base {base} the number is {{}}", f"{base} 进制表示为 {{}}"),
    )


def inverses(rng: Random) -> Exercise:
    """An inverse that does not exist: the first program fails, the second looks why."""
    g = rng.choice((2, 3, 5))
    m, a = g * rng.randint(4, 12), g * rng.randint(2, 9)
    while a % m == 0 or gcd(a, m) == m:
        a += g
    common = gcd(a, m)
    count = sum(a * x % m == common for x in range(m))
    attempt = f"x = {common} * pow({a}, -1, {m}) % {m}"
    return Exercise(
        (
            (
                f"How many $x$ with $0 \\le x < {m}$ satisfy ${a}x \\equiv {common} \\pmod{{{m}}}$?",
                f"满足 $0 \\le x < {m}$ 且 ${a}x \\equiv {common} \\pmod{{{m}}}$ 的整数 $x$ 有几个？",
            ),
        ),
        str(count),
        (
            line(
                "A linear congruence has solutions if the greatest common divisor of factor and modulus divides "
                "the right side",
                "当系数与模的最大公约数整除右边时，一次同余方程有解",
            ),
            line("Here it is", "这里的最大公约数是", rf"\gcd({a}, {m}) = {common}"),
            line(
                "It divides the right side, and there are as many solutions modulo the modulus",
                "它整除右边，且模该模数的解的个数与它相等",
                str(count),
            ),
        ),
        (
            calculation(
                "multiply by the inverse of the factor",
                "乘以系数的逆元",
                f"{attempt}\nprint(x)",
                f"ValueError: base is not invertible for the given modulus (line 1: {attempt})",
            ),
            calculation(
                "count the solutions, as there is no inverse",
                "没有逆元，改为计数",
                f"print(sum(1 for x in range({m}) if {a} * x % {m} == {common}))",
                count,
            ),
        ),
        ("the number of solutions is {}", "解的个数是 {}"),
    )
