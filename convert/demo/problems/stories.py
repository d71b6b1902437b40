"""Kinds told as a short story, and sequences and plane figures."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from random import Random

from .base import Draft, Language, Step, frac, nonzero, pick, say

GOODS = (
    ("apple", "个苹果", "苹果每个"),
    ("pen", "支笔", "笔每支"),
    ("notebook", "个本子", "本子每个"),
    ("cake", "块蛋糕", "蛋糕每块"),
    ("book", "本书", "书每本"),
)
NAMES = (("Tom", "小明"), ("Anna", "小红"), ("Li Lei", "李雷"), ("Maria", "小华"))


def shopping(rng: Random, language: Language) -> Draft:
    """Two kinds of goods, bought with a note: what is spent, or the change."""
    (one, one_zh, one_each), (two, two_zh, two_each) = rng.sample(GOODS, 2)
    name, name_zh = rng.choice(NAMES)
    n, m, p, q = rng.randint(2, 20), rng.randint(2, 20), rng.randint(1, 30), rng.randint(1, 30)
    spent = n * p + m * q
    paid = spent + rng.randint(1, 100) if rng.random() < 0.5 else 0
    ending = f"{name} pays {paid} dollars. How much is the change?" if paid else ""
    ending = ending or "How many dollars is that in total?"
    ending_zh = f"付了 {paid} 元，应找回多少元？" if paid else "一共花了多少元？"
    question = pick(
        rng,
        language,
        (
            f"{name} buys {n} {one}s at {p} dollars each and {m} {two}s at {q} dollars each. {ending}",
            f"One {one} costs {p} dollars and one {two} costs {q} dollars. {name} buys {n} {one}s "
            f"and {m} {two}s. {ending}",
        ),
        (
            f"{name_zh}买了 {n} {one_zh}，每{one_zh[0]} {p} 元，又买了 {m} {two_zh}，每{two_zh[0]} {q} 元，{ending_zh}",
            f"{one_each} {p} 元，{two_each} {q} 元。{name_zh}买了 {n} {one_zh}和 {m} {two_zh}，{ending_zh}",
        ),
    )
    value = paid - spent if paid else spent
    code = f"cost = {n} * {p} + {m} * {q}\nprint({f'{paid} - cost' if paid else 'cost'})"
    rows = rf"${n} \times {p} + {m} \times {q} = {n * p} + {m * q} = {spent}$"
    return Draft(
        question,
        str(value),
        (Step(say(language, "We add up the prices.", "把价钱加起来。"), code),),
        say(language, "It is ${box}$ dollars.", "一共是 ${box}$ 元。")
        if not paid
        else say(language, "The change is ${box}$ dollars.", "应找回 ${box}$ 元。"),
        rows + (f"\n${paid} - {spent} = {value}$" if paid else ""),
    )


def travel(rng: Random, language: Language) -> Draft:
    """Speed, time and distance: one traveller, or two who meet."""
    v, w, t = rng.randint(3, 120), rng.randint(3, 120), rng.randint(2, 15)
    vehicle, chinese = rng.choice((("car", "汽车"), ("train", "火车"), ("bus", "客车")))
    if rng.random() < 0.5:
        s = v * t + rng.choice((0, rng.randint(0, v)))
        question = pick(
            rng,
            language,
            (
                f"A {vehicle} travels {s} km at {v} km per hour. How many hours does it take?",
                f"How many hours does a {vehicle} need for {s} km at a speed of {v} km/h?",
            ),
            (
                f"一辆{chinese}以每小时 {v} 千米的速度行驶 {s} 千米，需要多少小时？",
                f"{chinese}行驶 {s} 千米，速度是每小时 {v} 千米，要用多少小时？",
            ),
        )
        return _ratio(language, question, str(s), str(v), Fraction(s, v))
    s = (v + w) * t
    question = pick(
        rng,
        language,
        (
            f"Two {vehicle}s are {s} km apart and drive towards each other at {v} km/h and {w} "
            "km/h. After how many hours do they meet?",
        ),
        (f"两辆{chinese}相距 {s} 千米，同时相向而行，速度分别是每小时 {v} 千米和 {w} 千米，几小时后相遇？",),
    )
    return _ratio(language, question, str(s), f"{v} + {w}", Fraction(s, v + w))


def _ratio(language: Language, question: str, s: str, v: str, value: Fraction) -> Draft:
    code = f"from sympy import Rational, latex\n\nprint(latex(Rational({s}, {v})))"
    return Draft(
        question,
        frac(value),
        (Step(say(language, "Time is distance over speed.", "时间等于路程除以速度。"), code),),
        say(language, "It takes ${box}$ hours.", "需要 ${box}$ 小时。"),
        f"${s} \\div ({v}) = {frac(value)}$",
    )


def heads_and_legs(rng: Random, language: Language) -> Draft:
    """Chickens and rabbits in one cage, counted by heads and legs."""
    chickens, rabbits = rng.randint(1, 60), rng.randint(1, 60)
    heads, legs = chickens + rabbits, 2 * chickens + 4 * rabbits
    about_rabbits = rng.random() < 0.5
    animal, chinese = ("rabbits", "兔") if about_rabbits else ("chickens", "鸡")
    question = pick(
        rng,
        language,
        (
            f"A cage holds chickens and rabbits with {heads} heads and {legs} legs. How many {animal} are there?",
            f"There are chickens and rabbits with {heads} heads and {legs} legs in all. Find the number of {animal}.",
        ),
        (
            f"鸡兔同笼，共有 {heads} 个头，{legs} 条腿，{chinese}有多少只？",
            f"笼子里有鸡和兔共 {heads} 只，共有 {legs} 条腿，求{chinese}的只数。",
        ),
    )
    code = (
        "from sympy import symbols, Eq, solve\n\nc, r = symbols('c r')\n"
        f"solution = solve([Eq(c + r, {heads}), Eq(2*c + 4*r, {legs})], [c, r])\n"
        f"print(solution[{'r' if about_rabbits else 'c'}])"
    )
    return Draft(
        question,
        str(rabbits if about_rabbits else chickens),
        (Step(say(language, "We set up two equations.", "列出方程组。"), code),),
        say(language, f"The number of {animal} is ${{box}}$.", f"{chinese}有 ${{box}}$ 只。"),
        f"$({legs} - 2 \\times {heads}) / 2 = {rabbits}$"
        + ("" if about_rabbits else f"\n${heads} - {rabbits} = {chickens}$"),
    )


def discounts(rng: Random, language: Language) -> Draft:
    """A price after a percentage was taken off or added."""
    price, p, less = rng.randint(5, 900), rng.randint(1, 60), rng.random() < 0.6
    value = Decimal(price) * (100 - p if less else 100 + p) / 100
    sign = "-" if less else "+"
    question = pick(
        rng,
        language,
        (
            f"A price of {price} dollars is {'reduced' if less else 'increased'} by {p}%. What is the new price?",
            f"A coat costs {price} dollars. Its price {'falls' if less else 'rises'} by {p}%. "
            "Find the new price in dollars.",
        ),
        (
            f"一件商品原价 {price} 元，{'降价' if less else '涨价'} {p}%，现价是多少元？",
            f"某商品的价格是 {price} 元，{'降低' if less else '提高'} {p}% 后是多少元？",
        ),
    )
    code = f"from decimal import Decimal\n\nprint(Decimal({price}) * (100 {sign} {p}) / 100)"
    return Draft(
        question,
        str(value),
        (Step(say(language, "We change the price in per cent.", "按百分数计算。"), code),),
        say(language, "The new price is ${box}$ dollars.", "现价是 ${box}$ 元。"),
        rf"${price} \times (100 {sign} {p}) \div 100 = {value}$",
    )


def sequences(rng: Random, language: Language) -> Draft:
    """A term, or the sum of the first terms, of an arithmetic sequence."""
    first, step, n = rng.randint(-30, 60), nonzero(rng, -12, 15), rng.randint(5, 90)
    summed = rng.random() < 0.5
    last = first + (n - 1) * step
    value = n * (first + last) // 2 if summed else last
    english = f"sum of the first {n} terms" if summed else f"term number {n}"
    chinese = f"前 {n} 项的和" if summed else f"第 {n} 项"
    question = pick(
        rng,
        language,
        (
            f"An arithmetic sequence has first term {first} and common difference {step}. Find the {english}.",
            f"What is the {english} of the arithmetic sequence {first}, {first + step}, {first + 2 * step}, ...?",
        ),
        (
            f"等差数列的首项是 {first}，公差是 {step}，求{chinese}。",
            f"等差数列 {first}, {first + step}, {first + 2 * step}, ... 的{chinese}是多少？",
        ),
    )
    code = f"a = {first}\nd = {first + step} - a\nn = {n}\n" + (
        "print(n * (2*a + (n - 1)*d) // 2)" if summed else "print(a + (n - 1)*d)"
    )
    if "common" in question or "公差" in question:
        code = code.replace(f"{first + step} - a", str(step))
    rows = rf"${first} + ({n} - 1) \times ({step}) = {last}$"
    if summed:
        rows += "\n" + rf"${n} \times ({first} + ({last})) / 2 = {value}$"
    return Draft(
        question,
        str(value),
        (Step(say(language, "We use the formula.", "使用公式。"), code),),
        say(language, f"The {english} is ${{box}}$.", f"{chinese}是 ${{box}}$。"),
        rows,
    )


def figures(rng: Random, language: Language) -> Draft:
    """The distance of two points, or the hypotenuse of a right triangle."""
    if rng.random() < 0.5:
        a, b = rng.randint(1, 40), rng.randint(1, 40)
        question = pick(
            rng,
            language,
            (
                f"A right triangle has legs {a} and {b}. Find its hypotenuse.",
                f"What is the hypotenuse of a right triangle with legs {a} and {b}?",
            ),
            (
                f"直角三角形的两条直角边是 {a} 和 {b}，求斜边。",
                f"直角三角形的直角边长为 {a} 和 {b}，斜边长是多少？",
            ),
        )
        return _length(language, question, f"{a}**2 + {b}**2", a * a + b * b)
    p, q, r, s = (rng.randint(-15, 15) for _ in range(4))
    question = pick(
        rng,
        language,
        (
            f"Find the distance between the points ({p}, {q}) and ({r}, {s}).",
            f"What is the distance from ({p}, {q}) to ({r}, {s})?",
        ),
        (
            f"求点 ({p}, {q}) 和点 ({r}, {s}) 之间的距离。",
            f"点 ({p}, {q}) 到点 ({r}, {s}) 的距离是多少？",
        ),
    )
    square = (r - p) ** 2 + (s - q) ** 2
    return _length(language, question, f"({r} - ({p}))**2 + ({s} - ({q}))**2", square)


def _length(language: Language, question: str, inside: str, square: int) -> Draft:
    import sympy

    code = f"from sympy import sqrt, latex\n\nprint(latex(sqrt({inside})))"
    answer = sympy.latex(sympy.sqrt(square))
    return Draft(
        question,
        answer,
        (Step(say(language, "We use the Pythagorean theorem.", "使用勾股定理。"), code),),
        say(language, "The length is ${box}$.", "长度是 ${box}$。"),
        rf"${inside.replace('**', '^')} = {square}$",
    )
