"""Kinds of linear algebra: eigenvalues and determinants."""

from __future__ import annotations

from random import Random

from .algebra import quadratic_roots
from .base import Draft, Language, Step, nonzero, pick, say

Rows = list[list[int]]


def _written(rng: Random, rows: Rows) -> str:
    """A matrix as people type it: nested lists, or LaTeX."""
    if rng.random() < 0.6:
        return str(rows)
    body = r" \\ ".join(" & ".join(map(str, row)) for row in rows)
    return rf"$\begin{{pmatrix}} {body} \end{{pmatrix}}$"


def determinant_of(rows: Rows) -> int:
    """The determinant, along the first row."""
    if len(rows) == 1:
        return rows[0][0]
    minors = ([row[:i] + row[i + 1 :] for row in rows[1:]] for i in range(len(rows)))
    return sum((-1) ** i * c * determinant_of(minor) for i, (c, minor) in enumerate(zip(rows[0], minors, strict=True)))


def determinants(rng: Random, language: Language) -> Draft:
    """The determinant of a matrix of two or three rows."""
    size = rng.choice((2, 3))
    rows = [[rng.randint(-12, 12) for _ in range(size)] for _ in range(size)]
    matrix = _written(rng, rows)
    question = pick(
        rng,
        language,
        (
            f"Find the determinant of the matrix {matrix}.",
            f"What is the determinant of {matrix}?",
            f"Compute the determinant of {matrix}.",
            f"Compute det({matrix}).",
        ),
        (
            f"求矩阵 {matrix} 的行列式。",
            f"矩阵 {matrix} 的行列式是多少？",
            f"计算 {matrix} 的行列式。",
        ),
    )
    value = determinant_of(rows)
    code = f"from sympy import Matrix\n\nprint(Matrix({rows}).det())"
    return Draft(
        question,
        str(value),
        (Step(say(language, "We use sympy's Matrix.", "使用 sympy 的 Matrix。"), code),),
        say(language, "The determinant is ${box}$.", "行列式是 ${box}$。"),
        _along_first_row(rows),
    )


def _along_first_row(rows: Rows) -> str:
    if len(rows) == 2:
        (a, b), (c, d) = rows
        return rf"$({a}) \times ({d}) - ({b}) \times ({c}) = {a * d} - ({b * c})$"
    lines = []
    for i, c in enumerate(rows[0]):
        minor = determinant_of([row[:i] + row[i + 1 :] for row in rows[1:]])
        lines.append(rf"$({(-1) ** i * c}) \times ({minor}) = {(-1) ** i * c * minor}$")
    return "\n".join(lines)


def eigenvalues(rng: Random, language: Language) -> Draft:
    """The real eigenvalues of a matrix of two or three rows, in ascending order."""
    rows, answer, reasoning = _two_rows(rng) if rng.random() < 0.6 else _three_rows(rng)
    matrix = _written(rng, rows)
    question = pick(
        rng,
        language,
        (
            f"Find the eigenvalues of the matrix {matrix}.",
            f"What are the eigenvalues of {matrix}?",
            f"Compute the eigenvalues of {matrix}.",
            f"Find the eigenvalues of {matrix}.",
        ),
        (
            f"求矩阵 {matrix} 的特征值。",
            f"矩阵 {matrix} 的特征值是什么？",
            f"计算 {matrix} 的特征值。",
        ),
    )
    code = (
        f"from sympy import Matrix, latex\n\nvalues = Matrix({rows}).eigenvals()\n"
        'print(", ".join(latex(v) for v in sorted(values)))'
    )
    return Draft(
        question,
        answer,
        (Step(say(language, "We use sympy's Matrix.", "使用 sympy 的 Matrix。"), code),),
        say(language, "The eigenvalues are ${box}$.", "特征值是 ${box}$。"),
        reasoning,
    )


def _two_rows(rng: Random) -> tuple[Rows, str, str]:
    while True:
        a, b, c, d = (rng.randint(-9, 9) for _ in range(4))
        if rng.random() < 0.6:
            b, c = rng.choice(((b, 0), (0, c), (b, b)))
        trace, determinant = a + d, a * d - b * c
        if trace * trace - 4 * determinant >= 0:
            break
    lines = rf"$\lambda^2 - ({trace}) \lambda + ({determinant}) = 0$"
    return [[a, b], [c, d]], quadratic_roots(1, -trace, determinant, ascending=True), lines


def _three_rows(rng: Random) -> tuple[Rows, str, str]:
    """A diagonal matrix, changed by one or two row-and-column steps that keep its eigenvalues."""
    values = [rng.randint(-6, 9) for _ in range(3)]
    rows = [[values[i] if i == j else 0 for j in range(3)] for i in range(3)]
    for _ in range(rng.randint(1, 2)):
        i, j = rng.sample(range(3), 2)
        k = nonzero(rng, -2, 2)
        rows[i] = [p + k * q for p, q in zip(rows[i], rows[j], strict=True)]
        for row in rows:
            row[j] -= k * row[i]
    answer = ", ".join(map(str, sorted(set(values))))
    lines = r"$\det(A - \lambda I) = " + "".join(rf"({v} - \lambda)" for v in sorted(values)) + "$"
    return rows, answer, lines
