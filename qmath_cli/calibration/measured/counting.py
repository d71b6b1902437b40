"""Kinds of combinatorics: committees, words, sums of parts, paths."""

from __future__ import annotations

from math import comb, factorial, prod
from random import Random

from qmath_cli.calibration.exercise import Exercise, calculation, line

_WORDS = ("BANANA", "LETTER", "PARALLEL", "SUCCESS", "MINIMUM", "COFFEE", "ADDRESS", "BALLOON", "TATTOO", "PEPPER")


def committees(rng: Random) -> Exercise:
    """A committee with at least one member of a group."""
    men, women, size = rng.randint(4, 9), rng.randint(3, 8), rng.randint(3, 4)
    everyone, without = comb(men + women, size), comb(men, size)
    return Exercise(
        (
            (
                f"A committee of {size} is chosen from {men} men and {women} women. In how many ways can this "
                f"be done if at least one woman must be on it?",
                f"从 {men} 名男生和 {women} 名女生中选出 {size} 人组成委员会，至少有一名女生的选法有多少种？",
            ),
            (
                f"How many {size}-person teams with at least one woman can be formed from {men} men and {women} women?",
                f"{men} 名男士与 {women} 名女士中选 {size} 人，要求其中至少有一名女士，共有多少种不同的选法？",
            ),
        ),
        str(everyone - without),
        (
            line("Count all committees first", "先求所有的选法", rf"\binom{{{men + women}}}{{{size}}} = {everyone}"),
            line(
                "Those without a woman consist of men only", "没有女生的选法", rf"\binom{{{men}}}{{{size}}} = {without}"
            ),
            line("Take them away", "相减", f"{everyone} - {without} = {everyone - without}"),
        ),
        (
            calculation(
                "count with binomial coefficients",
                "用组合数计算",
                f"from math import comb\n\nprint(comb({men + women}, {size}) - comb({men}, {size}))",
                everyone - without,
            ),
        ),
        ("the number of committees is {}", "选法共有 {} 种"),
    )


def words(rng: Random) -> Exercise:
    """Arrangements of letters of which some are equal."""
    word = rng.choice(_WORDS)
    counts = {letter: word.count(letter) for letter in sorted(set(word))}
    repeated = [n for n in counts.values() if n > 1]
    value = factorial(len(word)) // prod(map(factorial, repeated))
    below = " ".join(f"{n}!" for n in repeated)
    return Exercise(
        (
            (
                f"In how many different ways can the letters of the word {word} be arranged?",
                f"单词 {word} 的字母共有多少种不同的排列？",
            ),
            (
                f'How many distinct strings are permutations of "{word}"?',
                f'把 "{word}" 的字母重新排列，可以得到多少个不同的字符串？',
            ),
        ),
        str(value),
        (
            line(
                f"The word has {len(word)} letters",
                f"这个单词有 {len(word)} 个字母",
                f"{len(word)}! = {factorial(len(word))}",
            ),
            line(
                "Equal letters can be exchanged without any change",
                "相同字母交换后不产生新的排列",
                ", ".join(rf"{letter}: {n}" for letter, n in counts.items()),
            ),
            line("Divide by these exchanges", "除以相同字母的排列数", rf"\frac{{{len(word)}!}}{{{below}}} = {value}"),
        ),
        (
            calculation(
                "divide the factorials",
                "用阶乘计算",
                f"from collections import Counter\nfrom math import factorial\n\nways = factorial({len(word)})\n"
                f"for n in Counter('{word}').values():\n    ways //= factorial(n)\nprint(ways)",
                value,
            ),
        ),
        ("the number of arrangements is {}", "不同的排列共有 {} 种"),
    )


def parts(rng: Random) -> Exercise:
    """Solutions of a sum in non-negative integers."""
    total, count = rng.randint(6, 20), rng.randint(3, 5)
    value = comb(total + count - 1, count - 1)
    shown = " + ".join(f"x_{i}" for i in range(1, count + 1)) + f" = {total}"
    return Exercise(
        (
            (
                f"How many solutions in non-negative integers does ${shown}$ have?",
                f"方程 ${shown}$ 有多少组非负整数解？",
            ),
            (
                f"In how many ways can {total} equal balls be put into {count} different boxes?",
                f"把 {total} 个相同的球放入 {count} 个不同的盒子，有多少种放法？",
            ),
        ),
        str(value),
        (
            line(
                f"Draw {total} stars in a row and divide them by {count - 1} bars",
                f"把 {total} 个星排成一行，用 {count - 1} 个隔板分开",
            ),
            line(
                "Each placement of the bars is one solution",
                "每一种放隔板的方法对应一组解",
                rf"\binom{{{total} + {count} - 1}}{{{count} - 1}} = \binom{{{total + count - 1}}}{{{count - 1}}}",
            ),
            line("Compute the binomial coefficient", "计算组合数", str(value)),
        ),
        (
            calculation(
                "use the formula of stars and bars",
                "用隔板法公式计算",
                f"from math import comb\n\nn, k = {total}, {count}\nprint(comb(n + k - 1, k - 1))",
                value,
            ),
        ),
        ("the number of solutions is {}", "共有 {} 种"),
    )


def paths(rng: Random) -> Exercise:
    """Shortest paths in a grid through a point."""
    a, b, c, d = (rng.randint(1, 4) for _ in range(4))
    first, second = comb(a + b, a), comb(c + d, c)
    end = (a + c, b + d)
    return Exercise(
        (
            (
                f"A path from $(0, 0)$ to ${end}$ goes one unit right or one unit up at each step and passes "
                f"through $({a}, {b})$. How many such paths are there?",
                f"从 $(0, 0)$ 走到 ${end}$，每步只能向右或向上走一个单位，并且经过点 $({a}, {b})$，共有多少条路径？",
            ),
        ),
        str(first * second),
        (
            line(
                f"From the origin to $({a}, {b})$ there are {a + b} steps, of which {a} go right",
                f"从原点到 $({a}, {b})$ 共 {a + b} 步，其中 {a} 步向右",
                rf"\binom{{{a + b}}}{{{a}}} = {first}",
            ),
            line(
                f"From there to ${end}$ there are {c + d} steps, of which {c} go right",
                f"从该点到 ${end}$ 共 {c + d} 步，其中 {c} 步向右",
                rf"\binom{{{c + d}}}{{{c}}} = {second}",
            ),
            line(
                "Any first part goes with any second part",
                "两段路径可以任意搭配",
                rf"{first} \cdot {second} = {first * second}",
            ),
        ),
        (
            calculation(
                "multiply the two binomial coefficients",
                "把两个组合数相乘",
                f"from math import comb\n\nprint(comb({a + b}, {a}) * comb({c + d}, {c}))",
                first * second,
            ),
        ),
        ("the number of paths is {}", "路径共有 {} 条"),
    )
