"""Kinds of word problems: work together, mixtures, ages, travel, money."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, line

_NAMES = (("Maria", "小红"), ("Ahmed", "小刚"), ("Sofia", "小芳"), ("Peter", "小明"), ("Yuki", "小丽"), ("Tom", "小华"))


def work(rng: Random) -> Exercise:
    """Two who work together."""
    (a_en, a_zh), (b_en, b_zh) = rng.sample(_NAMES, 2)
    m, n = rng.sample(range(2, 25), 2)
    value = Fraction(m * n, m + n)
    return Exercise(
        (
            (
                f"{a_en} paints a room in {m} hours, {b_en} in {n} hours. How many hours do they need together?",
                f"{a_zh}单独粉刷一个房间要 {m} 小时，{b_zh}要 {n} 小时。两人一起粉刷需要多少小时？",
            ),
        ),
        frac(value),
        (
            line(f"In one hour {a_en} paints a share of", f"{a_zh}每小时完成", rf"\frac{{1}}{{{m}}}"),
            line(f"In one hour {b_en} paints a share of", f"{b_zh}每小时完成", rf"\frac{{1}}{{{n}}}"),
            line(
                "Together they paint in an hour",
                "两人每小时共完成",
                rf"\frac{{1}}{{{m}}} + \frac{{1}}{{{n}}} = \frac{{{m + n}}}{{{m * n}}}",
            ),
            line("The time is the reciprocal", "所需时间是它的倒数", rf"\frac{{{m * n}}}{{{m + n}}} = {frac(value)}"),
        ),
        (
            calculation(
                "add the rates and invert the sum",
                "把效率相加再取倒数",
                f"from fractions import Fraction\n\nrate = Fraction(1, {m}) + Fraction(1, {n})\nprint(1 / rate)",
                value,
            ),
        ),
        ("together they need {} hours", "两人一起需要 {} 小时"),
    )


def mixtures(rng: Random) -> Exercise:
    """Salt water that is thinned."""
    grams, high = 100 * rng.randint(2, 12), 4 * rng.randint(4, 12)
    low = high // 2 if rng.random() < 0.5 else high // 4
    salt = grams * high // 100
    water = salt * 100 // low - grams
    return Exercise(
        (
            (
                f"How many grams of water must be added to {grams} g of a {high}% salt solution to obtain a "
                f"{low}% solution?",
                f"要把 {grams} 克浓度为 {high}% 的盐水稀释成 {low}% 的盐水，需要加水多少克？",
            ),
        ),
        str(water),
        (
            line("The amount of salt does not change", "盐的质量不变", rf"{grams} \times {high}\% = {salt}"),
            line("The thinned solution weighs", "稀释后盐水的质量", rf"{salt} \div {low}\% = {grams + water}"),
            line("The difference is the water", "两者之差就是加入的水", f"{grams + water} - {grams} = {water}"),
        ),
        (
            calculation(
                "solve for the amount of water",
                "解出加水量",
                f"from sympy import Eq, Rational, solve, symbols\n\nw = symbols('w')\nsalt = {grams} * "
                f"Rational({high}, 100)\nprint(solve(Eq(salt / ({grams} + w), Rational({low}, 100)), w)[0])",
                water,
            ),
        ),
        ("the water that must be added weighs {} grams", "需要加水 {} 克"),
    )


def ages(rng: Random) -> Exercise:
    """Ages that become a multiple of one another."""
    (name, chinese), times, child = rng.choice(_NAMES), rng.randint(2, 4), rng.randint(4, 14)
    years = rng.randint(2, 15)
    parent = times * (child + years) - years
    return Exercise(
        (
            (
                f"{name} is {child} years old, and {name}'s mother is {parent}. In how many years will the "
                f"mother be {times} times as old as {name}?",
                f"{chinese}今年 {child} 岁，妈妈今年 {parent} 岁。几年后妈妈的年龄是{chinese}的 {times} 倍？",
            ),
        ),
        str(years),
        (
            line("Let $t$ be the number of years", "设 $t$ 年后", rf"{parent} + t = {times}({child} + t)"),
            line("Expand the right side", "展开右边", f"{parent} + t = {times * child} + {times}t"),
            line(
                "Collect $t$ on one side", "移项合并", f"{parent - times * child} = {times - 1}t".replace("= 1t", "= t")
            ),
            line("So the number of years is", "解得", f"t = {years}"),
        ),
        (
            calculation(
                "try one year after the other",
                "逐年尝试",
                f"t = 0\nwhile {parent} + t != {times} * ({child} + t):\n    t += 1\nprint(t)",
                years,
            ),
        ),
        ("this is the case in {} years", "{} 年后成立"),
    )


def meeting(rng: Random) -> Exercise:
    """Two who go towards one another."""
    u, v, hours = rng.randint(3, 60), rng.randint(3, 60), rng.randint(2, 8)
    distance = (u + v) * hours
    return Exercise(
        (
            (
                f"Two towns are {distance} km apart. A bus leaves one of them at {u} km/h and a van the other "
                f"at {v} km/h, towards each other. After how many hours do they meet?",
                f"甲、乙两地相距 {distance} 千米，客车和货车同时从两地相向而行，速度分别为每小时 {u} 千米和 {v} "
                f"千米。几小时后相遇？",
            ),
        ),
        str(hours),
        (
            line(
                "Each hour the distance shrinks by the sum of the speeds",
                "每小时两车的距离缩短速度之和",
                f"{u} + {v} = {u + v}",
            ),
            line("Divide the distance by it", "用距离除以速度和", rf"\frac{{{distance}}}{{{u + v}}} = {hours}"),
        ),
        (
            calculation(
                "divide distance by speed",
                "用距离除以速度和",
                f"distance = {distance}\nspeed = {u} + {v}\nprint(distance // speed, distance % speed)",
                f"{hours} 0",
            ),
        ),
        ("they meet after {} hours", "{} 小时后相遇"),
    )


def orchards(rng: Random) -> Exercise:
    """A longer story with several steps."""
    (name, chinese), rows, trees, kilos = (
        rng.choice(_NAMES),
        rng.randint(4, 20),
        rng.randint(5, 30),
        rng.randint(10, 45),
    )
    lost, price, cost = rng.randint(2, 60), rng.randint(2, 9), rng.randint(100, 900)
    all_trees = rows * trees
    harvest = all_trees * kilos - lost
    income = harvest * price
    return Exercise(
        (
            (
                f"{name} has an orchard of {rows} rows with {trees} apple trees each. Every tree bears {kilos} "
                f"kg of apples, but {lost} kg are "
                f"lost to a storm. The rest is sold at {price} dollars a kilogram, and the harvest costs {cost} "
                f"dollars. What is left of the income?",
                f"{chinese}家的果园有 {rows} 行苹果树，每行 {trees} 棵，每棵产苹果 {kilos} 千克，其中 {lost} "
                f"千克被暴风雨损坏。其余的按每千克 {price} 元"
                f"卖出，采摘费用为 {cost} 元。扣除费用后还剩多少元？",
            ),
        ),
        str(income - cost),
        (
            line("Count the trees", "先求果树的棵数", rf"{rows} \times {trees} = {all_trees}"),
            line("Find the harvest of all trees", "求总产量", rf"{all_trees} \times {kilos} = {all_trees * kilos}"),
            line("Take away what the storm destroyed", "减去损坏的部分", f"{all_trees * kilos} - {lost} = {harvest}"),
            line("Multiply by the price", "乘以单价", rf"{harvest} \times {price} = {income}"),
            line("Subtract the cost of the harvest", "减去采摘费用", f"{income} - {cost} = {income - cost}"),
        ),
        (
            calculation(
                "follow the story step by step",
                "按题意逐步计算",
                f"trees = {rows} * {trees}\napples = trees * {kilos} - {lost}\nincome = apples * "
                f"{price}\nprint(f'trees: {{trees}}, apples: {{apples}} kg')\nprint(income - {cost})",
                f"trees: {all_trees}, apples: {harvest} kg\n{income - cost}",
            ),
        ),
        ("what is left is {}", "还剩 {} 元"),
    )
