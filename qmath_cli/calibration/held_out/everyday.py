"""Held-out kinds of everyday problems: animals, shopping, averages, tests, handshakes, tanks, a proof."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, frac, line


def legs(rng: Random) -> Exercise:
    """Animals by heads and legs."""
    hens, cows = rng.randint(3, 40), rng.randint(3, 40)
    heads, feet = hens + cows, 2 * hens + 4 * cows
    return Exercise(
        (
            (
                f"On a farm there are hens and cows, {heads} heads and {feet} legs in all. How many cows are there?",
                f"农场里有母鸡和奶牛，共 {heads} 个头、{feet} 条腿。奶牛有多少头？",
            ),
        ),
        str(cows),
        (
            line("If all were hens, there would be", "假设全是母鸡，腿的条数为", rf"2 \cdot {heads} = {2 * heads}"),
            line("There are more legs than that", "实际多出的腿数", f"{feet} - {2 * heads} = {feet - 2 * heads}"),
            line(
                "Every cow has two more legs than a hen", "每头奶牛比母鸡多两条腿", rf"{feet - 2 * heads} : 2 = {cows}"
            ),
        ),
        (
            calculation(
                "try every number of cows",
                "逐个尝试奶牛的头数",
                f"for cows in range({heads} + 1):\n    hens = {heads} - cows\n    if 2 * hens + 4 * cows == "
                f"{feet}:\n        print('cows:', cows, 'hens:', hens)",
                f"cows: {cows} hens: {hens}",
            ),
        ),
        ("the farm has {} cows", "奶牛有 {} 头"),
    )


def baskets(rng: Random) -> Exercise:
    """What is paid, and what is given back."""
    name, chinese = rng.choice((("Omar", "小林"), ("Julia", "小梅"), ("Ken", "小强"), ("Rosa", "小雪")))
    pens, price, books, cost = rng.randint(2, 9), rng.randint(2, 7), rng.randint(1, 5), rng.randint(8, 25)
    total = pens * price + books * cost
    paid = (total // 50 + 1) * 50
    return Exercise(
        (
            (
                f"{name} buys {pens} pens for ${price} each and {books} notebooks for ${cost} each and pays "
                f"with ${paid}. How much change does {name} get, in dollars?".replace("$", "\\$"),
                f"{chinese}买了 {pens} 支笔，每支 {price} 元；又买了 {books} 本笔记本，每本 {cost} 元。付了 "
                f"{paid} 元，应找回多少元？",
            ),
        ),
        str(paid - total),
        (
            line("The pens cost", "笔的总价", rf"{pens} \cdot {price} = {pens * price}"),
            line("The notebooks cost", "笔记本的总价", rf"{books} \cdot {cost} = {books * cost}"),
            line("Both together", "合计", f"{pens * price} + {books * cost} = {total}"),
            line("The change is what is left of the money", "找回的钱", f"{paid} - {total} = {paid - total}"),
        ),
        (
            calculation(
                "add up the bill",
                "计算账单",
                f"bill = {pens} * {price} + {books} * {cost}\nprint(bill, {paid} - bill)",
                f"{total} {paid - total}",
            ),
        ),
        ("the change is {} dollars", "应找回 {} 元"),
    )


def averages(rng: Random) -> Exercise:
    """A value that is missing from an average."""
    scores = [rng.randint(55, 99) for _ in range(4)]
    mean = rng.randint(max(60, sum(scores) // 5 + 10), 90)
    missing = 5 * mean - sum(scores)
    shown = ", ".join(map(str, scores))
    return Exercise(
        (
            (
                f"In four tests a student scored {shown}. Which score in a fifth test makes the average {mean}?",
                f"某同学四次测验的成绩是 {shown}。第五次测验得多少分，才能使五次的平均分为 {mean}？",
            ),
        ),
        str(missing),
        (
            line("The average fixes the sum of all five", "平均分决定五次的总分", rf"5 \cdot {mean} = {5 * mean}"),
            line("So far the sum is", "前四次的总分", f"{' + '.join(map(str, scores))} = {sum(scores)}"),
            line(
                "The fifth score has to make up for the rest", "第五次应得", f"{5 * mean} - {sum(scores)} = {missing}"
            ),
        ),
        (
            calculation(
                "subtract from the required sum",
                "从所需总分中减去",
                f"scores = {scores}\nprint(5 * {mean} - sum(scores))",
                missing,
            ),
        ),
        ("the fifth score must be {}", "第五次应得 {} 分"),
    )


def screening(rng: Random) -> Exercise:
    """A conditional probability."""
    sick, hit, false = rng.randint(1, 10), 5 * rng.randint(14, 19), rng.randint(1, 10)
    positive = sick * hit + (100 - sick) * false
    value = Fraction(sick * hit, positive)
    return Exercise(
        (
            (
                f"{sick}% of a population has a disease. A test is positive for {hit}% of those who have it and "
                f"for {false}% of those who do not. What is the probability that someone with a positive test "
                f"has the disease?",
                f"某人群中 {sick}% 的人患病。检测对患者有 {hit}% 呈阳性，对健康人有 {false}% 呈阳性。"
                f"某人检测呈阳性，他患病的概率是多少？",
            ),
        ),
        frac(value),
        (
            line(
                "Imagine ten thousand people; sick and positive are",
                "设想一万人，患病且阳性的人数",
                rf"{sick} \cdot {hit} = {sick * hit}",
            ),
            line(
                "Healthy and positive are", "健康但阳性的人数", rf"{100 - sick} \cdot {false} = {(100 - sick) * false}"
            ),
            line(
                "By Bayes' rule the probability is the share of the first among all positives",
                "由贝叶斯公式",
                rf"\frac{{{sick * hit}}}{{{positive}}} = {frac(value)}",
            ),
        ),
        (
            calculation(
                "apply Bayes' rule",
                "应用贝叶斯公式",
                f"from fractions import Fraction as F\n\nsick, hit, false = F({sick}, 100), F({hit}, 100), "
                f"F({false}, 100)\nprint(sick * hit / (sick * hit + (1 - sick) * false))",
                value,
            ),
        ),
        ("the probability equals {}", "所求的概率等于 {}"),
    )


def handshakes(rng: Random) -> Exercise:
    """Handshakes, from their number to that of people."""
    n = rng.randint(5, 40)
    shakes = n * (n - 1) // 2
    return Exercise(
        (
            (
                f"At a meeting everyone shakes hands with everyone else once, {shakes} times in all. How many "
                f"people are there?",
                f"聚会上每两人握手一次，共握手 {shakes} 次。参加聚会的有多少人？",
            ),
        ),
        str(n),
        (
            line(
                "With $n$ people there are this many handshakes",
                "设有 $n$ 人，握手次数为",
                rf"\frac{{n(n-1)}}{{2}} = {shakes}",
            ),
            line("Multiply by two and bring all to one side", "去分母并移项", f"n^2 - n - {2 * shakes} = 0"),
            line(
                "Only the positive root makes sense",
                "取正根",
                rf"n = \frac{{1 + \sqrt{{1 + {8 * shakes}}}}}{{2}} = \frac{{1 + {2 * n - 1}}}{{2}} = {n}",
            ),
        ),
        (
            calculation(
                "look for the number of people",
                "查找人数",
                f"n = 1\nwhile n * (n - 1) // 2 < {shakes}:\n    n += 1\nprint(n)",
                n,
            ),
        ),
        ("the number of people is {}", "参加聚会的有 {} 人"),
    )


def tanks(rng: Random) -> Exercise:
    """A tank that is filled and drained."""
    fill, drain, minutes = rng.randint(12, 40), rng.randint(2, 11), rng.randint(5, 50)
    volume = (fill - drain) * minutes
    return Exercise(
        (
            (
                f"Water flows into an empty tank of {volume} litres at {fill} litres a minute and leaks out at "
                f"{drain} litres a minute. After how many minutes is the tank full?",
                f"一个容量为 {volume} 升的空水箱，每分钟注水 {fill} 升，同时每分钟漏水 {drain} 升。多少分钟后注满？",
            ),
        ),
        str(minutes),
        (
            line("What stays in the tank each minute", "每分钟净增加", f"{fill} - {drain} = {fill - drain}"),
            line("Divide the volume by it", "用容量除以净增加量", rf"{volume} : {fill - drain} = {minutes}"),
        ),
        (
            calculation(
                "simulate the minutes",
                "逐分钟模拟",
                f"water = minutes = 0\nwhile water < {volume}:\n    water += {fill} - {drain}\n    minutes += "
                f"1\nprint(minutes)",
                minutes,
            ),
        ),
        ("the tank is full after {} minutes", "{} 分钟后注满"),
    )


def squares(rng: Random) -> Exercise:
    """A proof of an inequality by a square."""
    k = rng.randint(1, 12)
    return Exercise(
        (
            (
                f"Show that $x^2 + {k * k} \\ge {2 * k}x$ for every real number $x$. When does equality hold?",
                f"证明对任意实数 $x$ 都有 $x^2 + {k * k} \\ge {2 * k}x$，并指出等号成立的条件。",
            ),
        ),
        "",
        (
            line("Bring everything to the left side", "移项", rf"x^2 - {2 * k}x + {k * k} \ge 0"),
            line("The left side is a perfect square", "左边是完全平方", rf"(x - {k})^2 \ge 0"),
            line("A square of a real number is never negative", "实数的平方非负，不等式成立"),
            line("It is zero for one value only", "只有一个值使它为零", f"x = {k}"),
        ),
        (),
        (
            f"So the inequality always holds, with equality exactly for $x = {k}$",
            f"所以不等式恒成立，当且仅当 $x = {k}$ 时取等号",
        ),
    )
