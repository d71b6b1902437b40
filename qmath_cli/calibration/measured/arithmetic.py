"""Kinds of arithmetic: the order of operations, fractions, percentages, units."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, inside, line


def operations(rng: Random) -> Exercise:
    """A product and a quotient inside a sum."""
    a, b, c, d, e = (rng.randint(2, 60) for _ in range(5))
    dividend = c * d
    value = e * (a + b) - dividend // d
    shown = rf"{e} \times ({a} + {b}) - {dividend} \div {d}"
    return Exercise(
        (
            (f"Evaluate ${shown}$.", f"计算 ${shown}$ 的值。"),
            (f"What is the value of the expression \\({shown}\\)?", f"算式 \\({shown}\\) 的结果是多少？"),
        ),
        str(value),
        (
            line("Start with the sum in the parentheses", "先算括号里的和", f"{a} + {b} = {a + b}"),
            line("Multiply this sum", "再算乘法", rf"{e} \times {a + b} = {e * (a + b)}"),
            line("Carry out the division", "再算除法", rf"{dividend} \div {d} = {c}"),
            line("Subtract the quotient from the product", "最后相减", f"{e * (a + b)} - {c} = {value}"),
        ),
        (
            calculation(
                "evaluate the expression with whole numbers",
                "用整数计算这个算式",
                f"value = {e} * ({a} + {b}) - {dividend} // {d}\nprint(value)",
                value,
            ),
        ),
        ("the value of the expression is {}", "算式的值是 {}"),
    )


def fraction_sums(rng: Random) -> Exercise:
    """A sum of two fractions and a whole number's share."""
    a, c = rng.randint(1, 11), rng.randint(1, 11)
    b, d = rng.sample((3, 4, 5, 6, 8, 9, 10, 12, 15), 2)
    first, second = Fraction(a, b), Fraction(c, d)
    total = first - second
    common = b * d
    shown = rf"\frac{{{a}}}{{{b}}} - \frac{{{c}}}{{{d}}}"
    return Exercise(
        (
            (f"Write ${shown}$ as a single fraction in lowest terms.", f"把 ${shown}$ 化为最简分数。"),
            (f"Simplify \\({shown}\\).", f"化简 \\({shown}\\)。"),
        ),
        frac(total),
        (
            line(
                "A common denominator is the product of the two",
                "取两个分母的乘积作公分母",
                rf"{b} \cdot {d} = {common}",
            ),
            line(
                "Expand both fractions to it",
                "把两个分数通分",
                rf"\frac{{{a * d}}}{{{common}}} - \frac{{{c * b}}}{{{common}}} = \frac{{{a * d - c * b}}}{{{common}}}",
            ),
            line("Cancel what numerator and denominator have in common", "约分", frac(total)),
        ),
        (
            calculation(
                "subtract exact fractions",
                "用精确分数相减",
                f"from fractions import Fraction\n\nprint(Fraction({a}, {b}) - Fraction({c}, {d}))",
                total,
            ),
        ),
        ("the difference is {}", "差是 {}"),
    )


def percentages(rng: Random) -> Exercise:
    """A price that rises and falls by percentages."""
    up, down = 5 * rng.randint(1, 9), 5 * rng.randint(1, 9)
    price = 400 * rng.randint(1, 40)
    higher = price * (100 + up) // 100
    final = Fraction(higher * (100 - down), 100)
    return Exercise(
        (
            (
                f"A bicycle costs {price} yuan. Its price first rises by {up}% and then falls by {down}%. "
                "What does it cost in the end?",
                f"一辆自行车原价 {price} 元，先涨价 {up}%，再降价 {down}%。最后的价格是多少元？",
            ),
            (
                f"After an increase of {up}% and a decrease of {down}%, what becomes of a price of {price}?",
                f"某商品定价 {price} 元，先提价 {up}%，后又打折降低 {down}%，求现价。",
            ),
        ),
        frac(final),
        (
            line(
                f"The increase multiplies the price by $1 + {up}/100$",
                f"涨价 {up}% 就是乘以 $1 + {up}/100$",
                rf"{price} \times \frac{{{100 + up}}}{{100}} = {higher}",
            ),
            line(
                "The decrease is taken from the new price, not from the old one",
                "降价的百分数以新价格为基准，而不是原价",
                rf"{higher} \times \frac{{{100 - down}}}{{100}} = {frac(final)}",
            ),
        ),
        (
            calculation(
                "apply both changes one after the other",
                "依次计算两次变化",
                f"from fractions import Fraction\n\nprice = Fraction({price})\nprice *= Fraction({100 + up}, 100)\n"
                f"print(price)\nprice *= Fraction({100 - down}, 100)\nprint(price)",
                f"{higher}\n{final}",
            ),
        ),
        ("the final price is {}", "最后的价格是 {} 元"),
    )


def units(rng: Random) -> Exercise:
    """Kilometres an hour in metres a second."""
    speed, seconds = 18 * rng.randint(1, 20), rng.randint(5, 90)
    per_second = speed * 5 // 18
    return Exercise(
        (
            (
                f"A train moves at {speed} km/h. How many metres does it cover in {seconds} seconds?",
                f"一列火车以每小时 {speed} 千米的速度行驶，{seconds} 秒行驶多少米？",
            ),
            (
                f"How far, in metres, does a car travel in {seconds} s at a steady {speed} kilometres per hour?",
                f"汽车的速度是 {speed} km/h，求它在 {seconds} 秒内行驶的路程（单位：米）。",
            ),
        ),
        str(per_second * seconds),
        (
            line("One kilometre is 1000 metres, one hour 3600 seconds", "1 千米 = 1000 米，1 小时 = 3600 秒"),
            line(
                "Convert the speed", "换算速度", rf"{speed} \times \frac{{1000}}{{3600}} = {per_second} \text{{ m/s}}"
            ),
            line("Multiply by the time", "乘以时间", rf"{per_second} \times {seconds} = {per_second * seconds}"),
        ),
        (
            calculation(
                "convert the speed and multiply",
                "换算速度并求路程",
                f"metres_per_second = {speed} * 1000 / 3600\nprint(round(metres_per_second * {seconds}))",
                per_second * seconds,
            ),
        ),
        ("the distance is {} metres", "路程是 {} 米"),
    )


def powers(rng: Random) -> Exercise:
    """A quotient of powers of one base."""
    base, m, n = rng.choice((2, 3, 5, 7, 10)), rng.randint(3, 9), rng.randint(2, 8)
    k = m + n - rng.randint(1, 4)
    rest = m + n - k
    shown = rf"\frac{{{base}^{{{m}}} \cdot {base}^{{{n}}}}}{{{base}^{{{k}}}}}"
    return Exercise(
        (
            (f"Simplify ${shown}$.", f"化简 ${shown}$。"),
            (f"Use the laws of exponents to compute ${shown}$.", f"利用同底数幂的运算法则计算 ${shown}$。"),
        ),
        str(base**rest),
        (
            line(
                "Powers of one base are multiplied by adding exponents",
                "同底数幂相乘，指数相加",
                f"{m} + {n} = {m + n}",
            ),
            line("They are divided by subtracting them", "同底数幂相除，指数相减", f"{m + n} - {k} = {rest}"),
            line("What is left is one power", "结果是一个幂", f"{base}^{{{rest}}} = {base**rest}"),
        ),
        (
            calculation(
                "compute the powers",
                "计算各个幂",
                f"numerator = {base}**{m} * {base}**{n}\nprint(numerator // {base}**{k}, numerator % {base}**{k})",
                f"{base**rest} 0",
            ),
        ),
        (f"the quotient equals ${base}^{{{rest}}}$, that is {{}}", f"商等于 ${base}^{{{rest}}}$，也就是 {{}}"),
    )


def negatives(rng: Random) -> Exercise:
    """Sums and products of negative numbers."""
    a, b, c = rng.randint(-30, -2), rng.randint(-30, -2), rng.randint(2, 30)
    value = a - b * c
    shown = f"{a} - ({b}) \\cdot {c}"
    return Exercise(
        (
            (f"Compute ${shown}$.", f"计算 ${shown}$。"),
            (f"Find the value of ${shown}$, minding the signs.", f"求 ${shown}$ 的值，注意符号。"),
        ),
        str(value),
        (
            line("The product comes before the difference", "先算乘法", rf"({b}) \cdot {c} = {b * c}"),
            line(
                "To subtract a negative number is to add its opposite",
                "减去一个负数等于加上它的相反数",
                f"{a} - {inside(b * c)} = {a} + {-b * c}",
            ),
            line("Add the two", "相加", f"{a} + {-b * c} = {value}"),
        ),
        (calculation("let Python compute it", "让 Python 计算", f"print({a} - ({b}) * {c})", value),),
        ("the result is {}", "结果是 {}"),
    )
