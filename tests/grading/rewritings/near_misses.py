r"""Rules whose answers look like the truth and are different: one digit, one sign, one bracket, one item, one unit."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.grading.rewritings.kinds import (
    Rewrite,
    Rewritten,
    choice,
    decimal,
    equation,
    fraction,
    integer,
    interval,
    members,
    mixed,
    natural,
    number,
    only,
    parts,
    roots,
    sub,
)


def _changed(digit: str) -> str:
    return str(int(digit) + 1) if digit < "9" else "8"


def _as_sum(truth: str) -> str | None:
    """`42` as `21(21)`: equal only to one who adds the two."""
    value = integer(truth)
    if value is None or not 5 <= value < 10**6:
        return None
    return f"{value - value // 2}({value // 2})"


def _sign(truth: str) -> str | None:
    if not re.search(r"[1-9]|pi", truth) or r"\pm" in truth:
        return None
    return truth[1:] if truth.startswith("-") and not re.search(r"[-+]", truth[1:]) else f"-({truth})"


def _inverted(truth: str) -> str | None:
    found = fraction(truth)
    if found is None or not found[1] or found[1] == found[2]:
        return None
    return rf"{found[0]}\frac{{{found[2]}}}{{{found[1]}}}"


def _ends(write: Callable[[str, str, str, str], str | None]) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        ends = interval(truth)
        return write(*ends) if ends and ends[1] != ends[2] else None

    return rewrite


def _bracketed(truth: str) -> bool:
    """Whether a truth is an interval, which a bracket or an infinite end shows."""
    return interval(truth) is not None and re.search(r"[\[\]]|infty", truth) is not None


def _other_left(left: str, low: str, high: str, right: str) -> str | None:
    return None if "infty" in low else f"{'(' if left == '[' else '['}{low},{high}{right}"


def _other_right(left: str, low: str, high: str, right: str) -> str | None:
    return None if "infty" in high else f"{left}{low},{high}{')' if right == ']' else ']'}"


def _items(truth: str) -> list[str] | None:
    return members(truth) or roots(truth)


def _of_items(write: Callable[[list[str]], list[str]], fewest: int) -> Rewrite:
    """A rule for sets and lists of answers."""

    def rewrite(truth: str) -> Rewritten:
        found = _items(truth)
        if found is None or len(found) < fewest:
            return None
        return rf"\{{{','.join(write(found))}\}}" if members(truth) else ";".join(write(found))

    return rewrite


def _letter(truth: str) -> str | None:
    letters = choice(truth)
    return None if letters is None else letters[:-1] + chr(ord(letters[-1]) + 1)


def _mixed_as_product(truth: str) -> str | None:
    found = mixed(truth)
    return rf"\frac{{{found[0] * found[1]}}}{{{found[2]}}}" if found else None


def _exact(truth: str) -> bool:
    return number(truth) and "." not in truth


def _positive(truth: str) -> bool:
    return natural(truth) and integer(truth) != 0


def _sides(write: Callable[[str, str], str]) -> Rewrite:
    def rewrite(truth: str) -> Rewritten:
        sides = equation(truth)
        return write(*sides) if sides else None

    return rewrite


def _coordinates_turned(truth: str) -> str | None:
    found = re.fullmatch(r"\(([^()]*,[^()]*,[^()]*)\)(.*)", truth)
    return f"({','.join(reversed(parts(found[1], ',')))}){found[2]}" if found else None


DIFFERENT: tuple[tuple[str, Rewrite], ...] = (
    ("last digit changed", sub(r"(?s)\d(?=\D*$)", lambda found: _changed(found[0]))),
    ("first digit changed", sub(r"\d", lambda found: _changed(found[0]), count=1)),
    ("last digit lost", sub(r"^(-?\d+)\d$", r"\1")),
    ("digit added", sub(r"^(-?\d*[1-9])$", r"\g<1>0")),
    ("two digits turned", sub(r"^(-?\d*)(\d)(\d)$", r"\1\3\2")),
    ("decimal point moved", only(decimal, sub(r"(\d)\.(\d)", r"\1\2."))),
    ("decimal point lost", only(lambda t: decimal(t) and not t.startswith("0"), sub(r"\.", ""))),
    ("sign changed", only(number, _sign)),
    ("plus for minus", sub(r"(?<=[\dxyi})])\s*-\s*(?=[\d\\])", "+", count=1)),
    ("minus for plus", sub(r"(?<=[\dxyi})])\s*\+\s*(?=[\dx\\]\b)", "-", count=1)),
    ("fraction inverted", _inverted),
    ("denominator lost", sub(r"^(-?)\\frac\{(\d+)\}\{\d+\}$", r"\1\2")),
    ("fraction as two numbers", sub(r"^(\d+)/(\d+)$", r"\1,\2")),
    ("mixed number as a product", _mixed_as_product),
    ("whole of a mixed number lost", sub(r"^\d+(\\frac\d\d)$", r"\1")),
    ("root lost", sub(r"\\sqrt\{(\d+)\}", r"\1")),
    ("cube root for a root", sub(r"\\sqrt\{(\d+)\}", r"\\sqrt[3]{\1}")),
    ("pi lost", sub(r"(?<=\d)\\pi|\\pi(?=\})", lambda found: "" if found.string[found.start() - 1].isdigit() else "1")),
    ("factor lost", sub(r"^[2-9]\d*(?=\\sqrt|\\pi)", "")),
    ("i lost", sub(r"(?<=\d)(?:i|\\mathrm\{i\})$", "")),
    ("exponent changed", sub(r"\^\{(\d)\}", lambda found: f"^{{{_changed(found[1])}}}")),
    ("other variable", only(lambda t: "|" not in t, sub(r"(?<![a-zA-Z\\{])[xn](?![a-zA-Z])", "t", count=1))),
    ("times a variable", only(natural, lambda truth: f"{truth}x")),
    ("sum for a product", _as_sum),
    ("thousandfold", only(natural, lambda truth: f"{truth},000")),
    ("million", only(natural, lambda truth: rf"{truth}\text{{ million}}")),
    ("万 added", only(natural, lambda truth: f"{truth}万")),
    ("tenfold percentage", sub(r"^(\d+)(\\?%)$", r"\g<1>0\2")),
    ("hundredth of a percentage", sub(r"^(\d+)\\?%$", r"0.00\1")),
    ("one added to a big number", lambda t: (f"2^{{100}}+{int(t) + 1}", f"2^{{100}}+{t}") if natural(t) else None),
    (
        "one added to a big quotient",
        lambda t: (rf"\frac{{3^{{90}}+{int(t) + 2}}}{{2}}", rf"\frac{{3^{{90}}+{t}}}{{2}}") if natural(t) else None,
    ),
    ("very small number added", only(_exact, lambda truth: rf"{truth}+\frac{{1}}{{3^{{70}}}}")),
    ("one after thirty digits", only(natural, lambda t: (f"{t}{'0' * 30}1", f"{t}{'0' * 30}2"))),
    ("factorial and one", only(natural, lambda t: (f"{t}+40!", f"{int(t) + 1}+40!"))),
    ("kilometres for metres", only(_positive, lambda t: (rf"{t}\text{{ km}}", rf"{t}\text{{ m}}"))),
    ("area for a length", only(_positive, lambda t: (rf"{t}\text{{ cm}}^2", rf"{t}\text{{ cm}}"))),
    ("hours for minutes", only(_positive, lambda t: (f"{t} hours", f"{t} minutes"))),
    ("years for months", only(_positive, lambda t: (rf"{t}\text{{ years}}", rf"{t}\text{{ months}}"))),
    ("milliampere for ampere", only(_positive, lambda t: (rf"{t}\text{{ mA}}", rf"{t}\text{{ A}}"))),
    ("千克 for 克", only(_positive, lambda t: (f"{t}千克", f"{t}克"))),
    ("other unit", sub(r"(?<=\d)(?:\\;|\s)*(cm|m)\^\{2\}", r"\\text{ \1}^3")),
    ("full hours", only(natural, lambda t: (f"{int(t) % 11 + 1}:00", f"{int(t) % 11 + 2}:00"))),
    ("clock times in proportion", only(natural, lambda t: (f"{2 * (int(t) % 5 + 1)}:20", f"{int(t) % 5 + 1}:10"))),
    ("p.m. for a.m.", sub(r"am$", "pm")),
    ("equation for a value", only(integer, lambda truth: f"x+1={truth}")),
    ("equation with the value on its right", only(integer, lambda truth: f"x^2+y^2={truth}")),
    (
        "right side for an equation",
        only(lambda t: re.match(r".*x.*y.*=\d+$|.*y.*x.*=\d+$", t), _sides(lambda _, right: right)),
    ),
    ("interval for its end", lambda t: (t, f"({t},{int(t) + 2}]") if natural(t) else None),
    ("number for a union", only(natural, lambda t: (t, rf"(0,{t})\cup({t},\infty)"))),
    ("ends turned", _ends(lambda left, low, high, right: f"{left}{high},{low}{right}")),
    ("first bracket changed", only(_bracketed, _ends(_other_left))),
    ("last bracket changed", only(_bracketed, _ends(_other_right))),
    ("coordinates turned", _coordinates_turned),
    ("intersection for union", sub(r"\\cup", r"\\cap")),
    ("part of a union lost", sub(r"^(.*)\\cup.*$", r"\1")),
    ("item lost", _of_items(lambda found: found[:-1], 2)),
    ("item added", _of_items(lambda found: [*found, "97"], 1)),
    ("item changed", _of_items(lambda found: [*found[:-1], "97"], 2)),
    ("product of the members", lambda t: r"\{97\}" if members(t) else None),
    ("relation turned", sub(r"<|>", lambda found: "<" if found[0] == ">" else ">")),
    ("less for less or equal", sub(r"\\leq ?", "<", count=1)),
    ("right side changed", _sides(lambda left, right: f"{left}={right}+1")),
    ("other letter", _letter),
    ("letter lost", lambda truth: truth[:-1].strip() if choice(truth) and len(truth) > 1 else None),
    ("letter added", lambda truth: f"{truth}K" if choice(truth) and "K" not in truth else None),
    ("vectors swapped", sub(r"(\\overrightarrow\{)a\}", r"\1c}")),
    ("condition turned", sub(r"necessary but not a sufficient", "sufficient but not a necessary")),
    ("circled number changed", sub(r"\\textcircled\{(\d)\}$", lambda found: rf"\textcircled{{{_changed(found[1])}}}")),
)
