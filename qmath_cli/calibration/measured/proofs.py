"""Proofs: by induction, by parity, by contradiction. They have neither answer nor program."""

from __future__ import annotations

from random import Random

from qmath_cli.calibration.exercise import Exercise, line, polynomial


def induction(rng: Random) -> Exercise:
    """The sum of an arithmetic progression by induction."""
    a, d = rng.randint(1, 9), 2 * rng.randint(1, 6)
    half = d // 2
    term = f"{a} + {d}(k-1)"
    closed = polynomial((half, a - half, 0), "n")
    k, following = closed.replace("n", "k"), closed.replace("n", "(k+1)")
    return Exercise(
        (
            (
                f"Prove by induction that $\\sum_{{k=1}}^{{n}} ({term}) = {closed}$ for all positive integers $n$.",
                f"用数学归纳法证明：对任意正整数 $n$，$\\sum_{{k=1}}^{{n}} ({term}) = {closed}$。",
            ),
        ),
        "",
        (
            line(
                "Base case: for $n = 1$ both sides are equal",
                "奠基：当 $n = 1$ 时，两边相等",
                f"{a} = {half} + ({a - half})",
            ),
            line(
                "Induction step: assume the statement for some $n = k$", "归纳假设：设 $n = k$ 时命题成立", f"S_k = {k}"
            ),
            line("Add the next term to both sides", "两边加上下一项", f"S_{{k+1}} = {k} + ({a} + {d}k)"),
            line(
                "Rearranging shows the claim for $k + 1$",
                "整理可知 $n = k + 1$ 时命题也成立",
                f"S_{{k+1}} = {following}",
            ),
        ),
        (),
        (
            "By the principle of induction the formula holds for all positive integers $n$. $\\blacksquare$",
            "由数学归纳法，命题对一切正整数 $n$ 成立。证毕。",
        ),
    )


def irrational(rng: Random) -> Exercise:
    """A square root that is no fraction."""
    p = rng.choice((2, 3, 5, 7, 11, 13, 17))
    return Exercise(
        ((f"Prove that $\\sqrt{{{p}}}$ is irrational.", f"证明 $\\sqrt{{{p}}}$ 是无理数。"),),
        "",
        (
            line(
                f"Suppose that $\\sqrt{{{p}}}$ were a fraction in lowest terms",
                f"假设 $\\sqrt{{{p}}}$ 是有理数，可写成既约分数",
                rf"\sqrt{{{p}}} = \frac{{a}}{{b}}, \quad \gcd(a, b) = 1",
            ),
            line("Square both sides", "两边平方", f"a^2 = {p}b^2"),
            line(
                f"So ${p}$ divides $a^2$, and because ${p}$ is prime, it divides $a$",
                f"于是 ${p}$ 整除 $a^2$；因为 ${p}$ 是质数，所以 ${p}$ 整除 $a$",
                f"a = {p}c",
            ),
            line("Put this back and cancel", "代回并约简", f"{p}c^2 = b^2"),
            line(
                f"Then ${p}$ divides $b$ as well, although $a$ and $b$ have no common factor",
                f"从而 ${p}$ 也整除 $b$，这与 $a$、$b$ 互质矛盾",
            ),
        ),
        (),
        (
            f"This is a contradiction, hence $\\sqrt{{{p}}}$ is irrational. $\\blacksquare$",
            f"因此假设不成立，$\\sqrt{{{p}}}$ 是无理数。证毕。",
        ),
    )


def divisibility(rng: Random) -> Exercise:
    """A product of consecutive numbers."""
    m = rng.choice((2, 3, 4, 5, 6, 7, 8, 9))
    base = m * rng.randint(1, 12) + 1
    return Exercise(
        (
            (
                f"Show that ${base}^n - 1$ is divisible by {m} for every positive integer $n$.",
                f"证明：对任意正整数 $n$，${base}^n - 1$ 能被 {m} 整除。",
            ),
        ),
        "",
        (
            line(
                f"Look at the base modulo {m}",
                f"考察底数模 {m} 的余数",
                rf"{base} = {base // m} \cdot {m} + 1 \equiv 1 \pmod{{{m}}}",
            ),
            line("Congruences may be raised to a power", "同余式可以乘方", rf"{base}^n \equiv 1^n = 1 \pmod{{{m}}}"),
            line("Subtract 1 on both sides", "两边减 1", rf"{base}^n - 1 \equiv 0 \pmod{{{m}}}"),
        ),
        (),
        (
            f"Therefore {m} divides ${base}^n - 1$ for every $n$, as was to be shown.",
            f"所以 {m} 整除 ${base}^n - 1$，命题得证。",
        ),
    )


def triangles(rng: Random) -> Exercise:
    """Isosceles triangles."""
    p, q, r = rng.choice((("A", "B", "C"), ("P", "Q", "R"), ("X", "Y", "Z"), ("D", "E", "F")))
    m = rng.choice("MNST")
    return Exercise(
        (
            (
                f"In triangle ${p}{q}{r}$ let ${p}{q} = {p}{r}$. Prove that the angles at ${q}$ and ${r}$ are equal.",
                f"在 $\\triangle {p}{q}{r}$ 中，${p}{q} = {p}{r}$。求证：$\\angle {q} = \\angle {r}$。",
            ),
        ),
        "",
        (
            line(
                f"Let ${m}$ be the midpoint of ${q}{r}$ and draw ${p}{m}$", f"取 ${q}{r}$ 的中点 ${m}$，连接 ${p}{m}$"
            ),
            line("Two sides are equal by assumption", "由已知，两边相等", f"{p}{q} = {p}{r}"),
            line("Two are equal by the choice of the midpoint", "由中点的定义", f"{q}{m} = {m}{r}"),
            line("The third one is common", "公共边", f"{p}{m} = {p}{m}"),
            line(
                "By the three sides the triangles are congruent",
                "由“边边边”，两个三角形全等",
                rf"\triangle {p}{q}{m} \cong \triangle {p}{r}{m}",
            ),
        ),
        (),
        (
            f"Corresponding angles of congruent triangles are equal, so $\\angle {q} = \\angle {r}$. $\\square$",
            f"全等三角形的对应角相等，所以 $\\angle {q} = \\angle {r}$。证毕。",
        ),
    )
