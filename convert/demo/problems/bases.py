"""The kind that changes number bases."""

from __future__ import annotations

from random import Random

from .base import Draft, Language, Step, pick, say

DIGITS = "0123456789abcdef"


def in_base(n: int, base: int) -> str:
    """The digits of a positive whole number in a base up to 16."""
    digits = ""
    while n:
        n, digit = divmod(n, base)
        digits = DIGITS[digit] + digits
    return digits or "0"


def bases(rng: Random, language: Language) -> Draft:
    """A whole number from base ten into another base, or the other way round."""
    base, n = rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 16)), rng.randint(5, 5000)
    digits = in_base(n, base)
    return (
        _from_base(rng, language, base, digits, n) if rng.random() < 0.5 else _to_base(rng, language, base, digits, n)
    )


def _from_base(rng: Random, language: Language, base: int, digits: str, n: int) -> Draft:
    question = pick(
        rng,
        language,
        (
            f"Convert {digits} from base {base} to base 10.",
            f"What is the base {base} number {digits} in base 10?",
            f"What is ${digits}_{{{base}}}$ in base 10?",
            f"Write the base {base} number {digits} in decimal.",
        ),
        (
            f"把 {base} 进制数 {digits} 转换为十进制。",
            f"{base} 进制的 {digits} 等于十进制的多少？",
            f"将 {base} 进制数 {digits} 化为 10 进制。",
        ),
    )
    return Draft(
        question,
        str(n),
        (
            Step(
                say(language, "We compute this directly in Python.", "直接用 Python 计算。"),
                f"print(int('{digits}', {base}))",
            ),
        ),
        say(language, "In base 10 it is ${box}$.", "十进制下是 ${box}$。"),
        "$"
        + " + ".join(
            rf"{DIGITS.index(d)} \times {base**p}" for p, d in zip(range(len(digits) - 1, -1, -1), digits, strict=True)
        )
        + f" = {n}$",
    )


def _to_base(rng: Random, language: Language, base: int, digits: str, n: int) -> Draft:
    question = pick(
        rng,
        language,
        (
            f"Convert {n} to base {base}.",
            f"Write {n} in base {base}.",
            f"What is {n} in base {base}?",
            f"Convert the decimal number {n} to base {base}.",
        ),
        (
            f"把 {n} 转换为 {base} 进制。",
            f"将十进制数 {n} 化为 {base} 进制。",
            f"{n} 用 {base} 进制表示是多少？",
        ),
    )
    code = (
        f"n = {n}\ndigits = ''\nwhile n > 0:\n"
        f"    digits = '{DIGITS[:base]}'[n % {base}] + digits\n    n = n // {base}\nprint(digits)"
    )
    rows, rest = [], n
    while rest:
        rows.append(rf"${rest} = {base} \times {rest // base} + {rest % base}$")
        rest //= base
    return Draft(
        question,
        digits,
        (Step(say(language, "We divide again and again.", "反复做除法取余数。"), code),),
        say(language, f"In base {base} it is ${{box}}$.", f"{base} 进制下是 ${{box}}$。"),
        "\n".join(rows),
    )
