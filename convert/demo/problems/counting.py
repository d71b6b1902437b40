"""Kinds of counting: factorials, binomials, permutations, probability, statistics."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, perm
from random import Random

from .base import Draft, Language, Step, frac, maths, pick, say


def factorials(rng: Random, language: Language) -> Draft:
    """A factorial, a sum, a difference or a quotient of two."""
    n, m = rng.randint(0, 30), rng.randint(0, 12)
    shape = rng.choice(("one", "one", "one", "+", "-", "/"))
    if shape == "one":
        plain, tex, code, value = f"{n}!", f"{n}!", f"factorial({n})", factorial(n)
    elif shape == "/":
        n = m + rng.randint(1, 9)
        plain, tex = f"{n}!/{m}!", rf"\frac{{{n}!}}{{{m}!}}"
        code, value = f"factorial({n}) // factorial({m})", factorial(n) // factorial(m)
    else:
        plain = tex = f"{n}! {shape} {m}!"
        code = f"factorial({n}) {shape} factorial({m})"
        value = factorial(n) + (factorial(m) if shape == "+" else -factorial(m))
    formula = maths(rng, plain, tex)
    spoken = rng.random() < 0.3 and shape == "one"
    question = _spoken_factorial(rng, language, n) if spoken else _written_factorial(rng, language, plain, formula)
    return Draft(
        question,
        str(value),
        (
            Step(
                say(language, "We use the factorial function.", "使用阶乘函数。"),
                f"from math import factorial\n\nprint({code})",
            ),
        ),
        say(language, "The result is ${box}$.", "结果是 ${box}$。"),
        f"${tex} = {value}$",
    )


def _spoken_factorial(rng: Random, language: Language, n: int) -> str:
    return pick(
        rng,
        language,
        (
            f"What is {n} factorial?",
            f"Compute the factorial of {n}.",
            f"What is the factorial of {n}?",
            f"In how many ways can {n} different books be arranged on a shelf?",
        ),
        (
            f"{n} 的阶乘是多少？",
            f"求 {n} 的阶乘。",
            f"计算 {n} 的阶乘。",
            f"{n} 本不同的书排成一排，有多少种排法？",
        ),
    )


def _written_factorial(rng: Random, language: Language, plain: str, formula: str) -> str:
    return pick(
        rng,
        language,
        (
            f"What is {formula}?",
            f"What is {plain}?",
            f"Compute {formula}.",
            f"Calculate {formula}.",
            f"Find the value of {formula}.",
            f"Evaluate {formula}.",
        ),
        (
            f"计算 {formula}。",
            f"{formula} 等于多少？",
            f"求 {formula} 的值。",
            f"{plain} 的值是多少？",
            f"{plain}等于多少？",
        ),
    )


def binomials(rng: Random, language: Language) -> Draft:
    """The number of ways to choose k of n."""
    n = rng.randint(3, 40)
    k = rng.randint(1, min(n, 12))
    formula = rng.choice((f"C({n}, {k})", rf"$\binom{{{n}}}{{{k}}}$", f"$C_{{{n}}}^{{{k}}}$"))
    things, several = rng.choice(((("people", "人")), ("books", "本书"), ("balls", "个球"), ("students", "名学生")))
    question = pick(
        rng,
        language,
        (
            f"Compute {formula}.",
            f"What is {formula}?",
            f"In how many ways can {k} {things} be chosen from {n} {things}?",
            f"How many ways are there to choose {k} {things} from {n}?",
            f"What is {n} choose {k}?",
        ),
        (
            f"计算 {formula}。",
            f"{formula} 等于多少？",
            f"从 {n} {several}中选出 {k} {several[0]}，有多少种选法？",
            f"从 {n} {several}中任选 {k} {several[0]}，共有多少种不同的选法？",
        ),
    )
    return Draft(
        question,
        str(comb(n, k)),
        (
            Step(
                say(language, "This is a binomial coefficient.", "这是组合数。"),
                f"from math import comb\n\nprint(comb({n}, {k}))",
            ),
        ),
        say(language, "The number of ways is ${box}$.", "种数是 ${box}$。"),
        rf"$\binom{{{n}}}{{{k}}} = {perm(n, k)} \div {factorial(k)} = {comb(n, k)}$",
    )


def permutations(rng: Random, language: Language) -> Draft:
    """The number of ordered choices of k of n."""
    n = rng.randint(3, 25)
    k = rng.randint(2, min(n, 6))
    formula = rng.choice((f"P({n}, {k})", f"$P({n}, {k})$", f"$A_{{{n}}}^{{{k}}}$"))
    question = pick(
        rng,
        language,
        (
            f"Compute {formula}.",
            f"How many ways are there to arrange {k} of {n} people in a row?",
            f"In how many ways can {k} of {n} runners take the first {k} places?",
            f"How many ordered selections of {k} objects from {n} objects are there?",
        ),
        (
            f"计算排列数 {formula}。",
            f"从 {n} 人中选出 {k} 人排成一排，有多少种排法？",
            f"从 {n} 个不同的元素中取出 {k} 个排成一列，有多少种排法？",
        ),
    )
    factors = r" \times ".join(str(n - i) for i in range(k))
    return Draft(
        question,
        str(perm(n, k)),
        (
            Step(
                say(language, "This is a number of permutations.", "这是排列数。"),
                f"from math import perm\n\nprint(perm({n}, {k}))",
            ),
        ),
        say(language, "The number of ways is ${box}$.", "种数是 ${box}$。"),
        f"${factors} = {perm(n, k)}$",
    )


def probability(rng: Random, language: Language) -> Draft:
    """Drawing balls from a bag, or the sum of two dice."""
    return _balls(rng, language) if rng.random() < 0.7 else _dice(rng, language)


def _balls(rng: Random, language: Language) -> Draft:
    red, other, drawn = rng.randint(2, 20), rng.randint(1, 20), rng.choice((1, 2, 2, 3))
    drawn = min(drawn, red)
    colour, chinese = rng.choice((("blue", "蓝"), ("white", "白"), ("green", "绿")))
    balls = "ball is" if drawn == 1 else "balls are"
    red_what = "that it is red" if drawn == 1 else "that all of them are red"
    value = Fraction(comb(red, drawn), comb(red + other, drawn))
    question = pick(
        rng,
        language,
        (
            f"A bag has {red} red balls and {other} {colour} balls. {drawn} {balls} drawn at "
            f"random. What is the probability {red_what}?",
            f"A box contains {red} red and {other} {colour} balls. If {drawn} {balls} drawn "
            f"without replacement, find the probability {red_what}.",
        ),
        (
            f"袋中有 {red} 个红球和 {other} 个{chinese}球，随机取出 {drawn} 个，求取出的都是红球的概率。",
            f"一个盒子里有 {red} 个红球和 {other} 个{chinese}球，从中任取 {drawn} 个球，全是红球的概率是多少？",
        ),
    )
    code = (
        "from sympy import Rational, latex\nfrom math import comb\n\n"
        f"print(latex(Rational(comb({red}, {drawn}), comb({red} + {other}, {drawn}))))"
    )
    return Draft(
        question,
        frac(value),
        (Step(say(language, "We count the cases.", "数出各种情况。"), code),),
        say(language, "The probability is ${box}$.", "概率是 ${box}$。"),
        rf"$\binom{{{red}}}{{{drawn}}} = {comb(red, drawn)}$" + "\n"
        rf"$\binom{{{red + other}}}{{{drawn}}} = {comb(red + other, drawn)}$",
    )


def _dice(rng: Random, language: Language) -> Draft:
    total, count = rng.randint(2, 16), rng.choice((2, 2, 3))
    total = min(max(total, count), 6 * count)
    sides = range(1, 7)
    sums = [0]
    for _ in range(count):
        sums = [s + a for s in sums for a in sides]
    value = Fraction(sums.count(total), len(sums))
    number, chinese = {2: ("Two", "两"), 3: ("Three", "三")}[count]
    question = pick(
        rng,
        language,
        (
            f"{number} fair dice are rolled. What is the probability that the sum is {total}?",
            f"{number} dice are thrown. Find the probability that the sum is {total}.",
        ),
        (
            f"掷{chinese}枚骰子，点数之和为 {total} 的概率是多少？",
            f"同时掷{chinese}枚均匀的骰子，求点数之和等于 {total} 的概率。",
        ),
    )
    code = (
        "from sympy import Rational, latex\nfrom itertools import product\n\n"
        f"rolls = list(product(range(1, 7), repeat={count}))\n"
        f"good = [r for r in rolls if sum(r) == {total}]\n"
        "print(latex(Rational(len(good), len(rolls))))"
    )
    return Draft(
        question,
        frac(value),
        (Step(say(language, "We list all the rolls.", "列出所有可能的点数。"), code),),
        say(language, "The probability is ${box}$.", "概率是 ${box}$。"),
        f"${sums.count(total)} / {len(sums)} = {frac(value)}$",
    )


def statistics(rng: Random, language: Language) -> Draft:
    """The mean or the variance of a few numbers; the variance takes two programs."""
    size = rng.choice((3, 4, 5, 6))
    data = [rng.randint(0, 60) for _ in range(size)]
    listed = ", ".join(map(str, data))
    mean = Fraction(sum(data), size)
    code = (
        f"from sympy import Rational, latex\n\ndata = {data}\nmean = Rational(sum(data), len(data))\nprint(latex(mean))"
    )
    first = Step(say(language, "First we find the mean.", "先求平均数。"), code)
    rows = f"${' + '.join(map(str, data))} = {sum(data)}$\n${sum(data)} / {size} = {frac(mean)}$"
    if rng.random() < 0.5:
        question = pick(
            rng,
            language,
            (f"What is the mean of {listed}?", f"Find the average of {listed}."),
            (f"求 {listed} 的平均数。", f"{listed} 的平均数是多少？"),
        )
        closing = say(language, "The mean is ${box}$.", "平均数是 ${box}$。")
        return Draft(question, frac(mean), (first,), closing, rows)
    question = pick(
        rng,
        language,
        (
            f"Find the population variance of {listed}.",
            f"What is the variance of the numbers {listed}?",
        ),
        (f"求 {listed} 的方差。", f"数据 {listed} 的方差是多少？"),
    )
    second = Step(
        say(language, "Now we average the squared deviations.", "再求偏差平方的平均数。"),
        "print(latex(sum((n - mean)**2 for n in data) / len(data)))",
    )
    value = sum(((n - mean) ** 2 for n in data), Fraction(0)) / size
    closing = say(language, "The variance is ${box}$.", "方差是 ${box}$。")
    return Draft(question, frac(value), (first, second), closing, rows)
