"""Held-out kinds about numbers: progressions, interest, multiples, digits, recursions, sets."""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, line


def progressions(rng: Random) -> Exercise:
    """A sum of an arithmetic progression."""
    first, step, count = rng.randint(1, 30), rng.randint(2, 12), rng.randint(8, 60)
    last = first + step * (count - 1)
    total = (first + last) * count // 2
    return Exercise(
        (
            (
                f"What is the sum of the first {count} terms of the arithmetic sequence {first}, "
                f"{first + step}, {first + 2 * step}, ...?",
                f"等差数列 {first}, {first + step}, {first + 2 * step}, … 的前 {count} 项和是多少？",
            ),
            (
                f"Add up the first {count} numbers of the sequence that starts with {first} and grows by {step} "
                f"each time.",
                f"一个数列首项是 {first}，以后每项比前一项多 {step}，求前 {count} 项之和。",
            ),
        ),
        str(total),
        (
            line(
                "Find the last term that is added",
                "求最后一项",
                rf"a_{{{count}}} = {first} + {count - 1} \cdot {step} = {last}",
            ),
            line(
                "Pair the first with the last, the second with the second last, and so on; each pair has the same sum",
                "首尾配对，每对的和都相等",
                f"{first} + {last} = {first + last}",
            ),
            line(
                "There are half as many pairs as terms",
                "共有项数一半的对",
                rf"\frac{{{count} \cdot {first + last}}}{{2}} = {total}",
            ),
        ),
        (calculation("sum the range", "对范围求和", f"print(sum(range({first}, {last} + 1, {step})))", total),),
        ("the sum of these terms is {}", "这些项的和是 {}"),
    )


def interest(rng: Random) -> Exercise:
    """Compound interest over two years."""
    capital, rate = 1000 * rng.randint(1, 30), rng.randint(2, 12)
    value = Fraction(capital) * Fraction(100 + rate, 100) ** 2
    gain = value - capital
    return Exercise(
        (
            (
                f"Lena puts {capital} euros into an account that pays {rate}% a year, compounded annually. How "
                f"many euros of interest has she earned after two years?",
                f"把 {capital} 元存入银行，年利率为 {rate}%，按复利计算，两年后共得利息多少元？",
            ),
        ),
        frac(gain) if gain.denominator == 1 else f"{float(gain):.10g}",
        (
            line(
                "After one year the account holds",
                "一年后账户中有",
                rf"{capital} \cdot 1.{rate:02} = {float(capital * Fraction(100 + rate, 100)):.10g}",
            ),
            line(
                "In the second year the interest earns interest, too",
                "第二年利息也生利息",
                rf"{capital} \cdot 1.{rate:02}^2 = {float(value):.10g}",
            ),
            line(
                "The interest is what exceeds the capital",
                "利息等于超出本金的部分",
                f"{float(value):.10g} - {capital} = {float(gain):.10g}",
            ),
        ),
        (
            calculation(
                "compound twice with exact decimals",
                "用精确小数计算两年复利",
                f"from decimal import Decimal\n\nmoney = Decimal({capital})\nfor year in (1, 2):\n    money *= "
                f"Decimal('1.{rate:02}')\n    print(year, money.normalize().to_eng_string() if money % 1 else "
                f"int(money))",
                "\n".join(f"{year} {_plain(capital * Fraction(100 + rate, 100) ** year)}" for year in (1, 2)),
            ),
        ),
        ("the interest amounts to {} euros", "利息共 {} 元"),
    )


def _plain(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.10g}"


def lights(rng: Random) -> Exercise:
    """Three periods that meet."""
    a, b, c = rng.sample((4, 6, 8, 9, 10, 12, 14, 15, 18, 20, 21, 24), 3)
    value = lcm(a, b, c)
    return Exercise(
        (
            (
                f"Three lights flash every {a}, {b} and {c} seconds. They have just flashed together. After how "
                f"many seconds will they do so again?",
                f"三盏灯分别每隔 {a} 秒、{b} 秒、{c} 秒闪一次，现在同时闪过一次，至少再过多少秒又同时闪？",
            ),
        ),
        str(value),
        (
            line("A common moment is a multiple of all three periods", "同时闪的时刻是三个周期的公倍数"),
            line(
                "For the first two the least common multiple is",
                "前两个数的最小公倍数",
                rf"\operatorname{{lcm}}({a}, {b}) = {lcm(a, b)}",
            ),
            line("Together with the third", "再与第三个数", rf"\operatorname{{lcm}}({lcm(a, b)}, {c}) = {value}"),
        ),
        (
            calculation(
                "compute the least common multiple",
                "求最小公倍数",
                f"import math\n\nprint(math.lcm({a}, {b}, {c}))",
                value,
            ),
        ),
        ("it takes {} seconds", "至少再过 {} 秒"),
    )


def digits(rng: Random) -> Exercise:
    """A number of two digits from their sum and what reversal does."""
    tens, ones = rng.randint(1, 8), rng.randint(2, 9)
    while ones <= tens:
        tens, ones = rng.randint(1, 8), rng.randint(2, 9)
    n, turned = 10 * tens + ones, 10 * ones + tens
    return Exercise(
        (
            (
                f"The digits of a two-digit number add up to {tens + ones}. If they are exchanged, the number "
                f"grows by {turned - n}. Which number is it?",
                f"一个两位数的数字之和是 {tens + ones}，交换两个数字后，新数比原数大 {turned - n}。"
                f"原来的两位数是多少？",
            ),
        ),
        str(n),
        (
            line(
                "Let $t$ be the tens digit and $u$ the units digit",
                "设十位数字为 $t$，个位数字为 $u$",
                f"t + u = {tens + ones}",
            ),
            line(
                "The exchange changes the number by",
                "交换后数值的变化为",
                f"(10u + t) - (10t + u) = 9(u - t) = {turned - n}",
            ),
            line("So the difference of the digits is", "所以两个数字之差为", f"u - t = {ones - tens}"),
            line(
                "Sum and difference give both digits",
                "由和与差求出两个数字",
                rf"u = \frac{{{tens + ones} + {ones - tens}}}{{2}} = {ones}, \quad t = {tens}",
            ),
        ),
        (
            calculation(
                "test all two-digit numbers",
                "检验所有两位数",
                f"for n in range(10, 100):\n    t, u = divmod(n, 10)\n    if t + u == {tens + ones} and 10 * u "
                f"+ t - n == {turned - n}:\n        print(n)",
                n,
            ),
        ),
        ("the number is {}", "这个两位数是 {}"),
    )


def recursions(rng: Random) -> Exercise:
    """A sequence in which a term depends on the two before it."""
    a, b, p, q, n = rng.randint(0, 4), rng.randint(1, 5), rng.randint(1, 3), rng.randint(1, 2), rng.randint(5, 7)
    terms = [a, b]
    while len(terms) <= n:
        terms.append(p * terms[-1] + q * terms[-2])
    rule = f"a_{{n+1}} = {'' if p == 1 else p}a_n + {'' if q == 1 else q}a_{{n-1}}"
    return Exercise(
        (
            (
                f"A sequence starts with $a_0 = {a}$, $a_1 = {b}$ and satisfies ${rule}$. Determine $a_{{{n}}}$.",
                f"数列满足 $a_0 = {a}$，$a_1 = {b}$，${rule}$，求 $a_{{{n}}}$。",
            ),
        ),
        str(terms[n]),
        tuple(
            line(
                f"The term with index {i}",
                f"第 {i} 项",
                rf"a_{{{i}}} = {p} \cdot {terms[i - 1]} + {q} \cdot {terms[i - 2]} = {terms[i]}",
            )
            for i in range(2, n + 1)
        ),
        (
            calculation(
                "iterate the recursion",
                "迭代递推式",
                f"terms = [{a}, {b}]\nfor _ in range({n - 1}):\n    terms.append({p} * terms[-1] + {q} * "
                f"terms[-2])\nprint(terms)",
                terms,
            ),
        ),
        (f"the term $a_{{{n}}}$ equals {{}}", f"$a_{{{n}}}$ 等于 {{}}"),
    )


def unions(rng: Random) -> Exercise:
    """How many numbers are multiples of one of two."""
    limit = 10 * rng.randint(10, 99)
    a, b = rng.sample((2, 3, 4, 5, 6, 7, 9, 10, 11), 2)
    both = lcm(a, b)
    value = limit // a + limit // b - limit // both
    return Exercise(
        (
            (
                f"How many of the integers from 1 to {limit} are divisible by {a} or by {b}?",
                f"从 1 到 {limit} 的整数中，能被 {a} 或 {b} 整除的有多少个？",
            ),
        ),
        str(value),
        (
            line(f"Multiples of {a}", f"{a} 的倍数", rf"\lfloor {limit} / {a} \rfloor = {limit // a}"),
            line(f"Multiples of {b}", f"{b} 的倍数", rf"\lfloor {limit} / {b} \rfloor = {limit // b}"),
            line(
                f"Those of both are multiples of {both} and were counted twice",
                f"同时是两者倍数的数是 {both} 的倍数，被数了两次",
                rf"\lfloor {limit} / {both} \rfloor = {limit // both}",
            ),
            line("Inclusion and exclusion", "由容斥原理", f"{limit // a} + {limit // b} - {limit // both} = {value}"),
        ),
        (
            calculation(
                "count by going through all of them",
                "逐个计数",
                f"print(len([n for n in range(1, {limit} + 1) if n % {a} == 0 or n % {b} == 0]))",
                value,
            ),
        ),
        ("the count is {}", "共有 {} 个"),
    )
