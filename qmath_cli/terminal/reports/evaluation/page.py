"""An evaluation as one HTML page: table, bar chart with intervals, every problem with its samples and verdicts.

Self-contained: no script, nothing is loaded (a Content-Security-Policy forbids it), MathML for the mathematics, inline
SVG for the chart. All text of models and data sets is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from qmath_cli.evaluation.comparison import against_published
from qmath_cli.evaluation.datasets import Dataset, Item
from qmath_cli.evaluation.records import GradedSample
from qmath_cli.evaluation.score import Score, ScoredRun
from qmath_cli.records import Mark, Verdict
from qmath_cli.terminal.export.document import blocks
from qmath_cli.terminal.export.html import BLOCKS, body, formula
from qmath_cli.terminal.maths import render_inline
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.reports.evaluation.figures import NOTHING, energy_lines, interval, name_of, percent, unboxed

_STYLE = """
body { max-width: 72em; margin: 1.5em auto; padding: 0 1em; font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1b;
  background: #fff; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; }
th, td { padding: .25em .8em .25em 0; text-align: right; vertical-align: bottom; overflow-wrap: normal; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
tr { border-bottom: 1px solid #8884; } svg { width: 100%; height: auto; max-width: 34em; font-size: 13px; }
details { border-top: 1px solid #8884; padding: .3em 0; } details details { margin-left: 1em; }
summary { cursor: pointer; }
.correct { color: #11702c; } .wrong { color: #b3261e; } .undecided { color: #8a5a00; }
svg text { fill: currentColor; } svg .bar { fill: #5b8def; } svg .whisker { stroke: currentColor; stroke-width: 2; }
@media (prefers-color-scheme: dark) { body { background: #121212; color: #ddd; } .correct { color: #6fd08a; }
  .wrong { color: #ff8a80; } .undecided { color: #e0b050; } }
"""
_FORMULA = re.compile(r"\$([^$]+)\$")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDTH, _LEFT, _ROW, _BAR = 420, 12, 46, 16  # lengths of the chart, in units of its viewBox
_SIGNS = {Mark.CORRECT: "✓ correct", Mark.WRONG: "✗ wrong", Mark.UNDECIDED: "? undecided"}


def page(data: Dataset, runs: Sequence[ScoredRun], *, partial: bool = False) -> str:
    """Write the page.

    Args:
        data: The problems.
        runs: The scored runs over them, at least one.
        partial: Whether the evaluation was interrupted.

    Returns:
        The HTML text.
    """
    scores = [run.score for run in runs]
    first = scores[0]
    state = " (interrupted)" if partial else ""
    samples = "one sample" if first.k == 1 else f"{first.k} samples"
    about = f"{first.items} problems, {samples} each, {first.grade} grade{state}"
    said = (remark for one in scores for remark in (*unboxed(one), *one.remarks))
    remarks = dict.fromkeys([*energy_lines(scores), *said])
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>qmath eval: {escape(data.name)}</title>\n<style>{_STYLE}{BLOCKS}</style>\n"
        f"<h1>{escape(data.name)}</h1>\n<p>{about}</p>\n{_table(scores)}\n{_chart(scores)}\n"
        + "".join(f"<p>{escape(remark)}</p>\n" for remark in remarks)
        + "<h2>Problems</h2>\n"
        + "\n".join(_problems(data, runs))
        + "\n</html>\n"
    )


def _chart(scores: Sequence[Score]) -> str:
    """One bar per run with its 95 % interval, as SVG."""
    scores = [one for one in scores if one.items]
    height = _ROW * len(scores) + 26
    scale = _WIDTH - _LEFT - 72
    rows = []
    for at, one in enumerate(scores):
        top, end = at * _ROW + 22, _LEFT + scale * one.accuracy
        middle, low, high = top + _BAR / 2, _LEFT + scale * one.ci95[0], _LEFT + scale * one.ci95[1]
        rows.append(
            f'<text x="{_LEFT}" y="{top - 6}">{escape(name_of(one))}</text>'
            f'<rect class="bar" x="{_LEFT}" y="{top}" width="{end - _LEFT:.1f}" height="{_BAR}"/>'
            f'<path class="whisker" d="M{low:.1f} {middle}H{high:.1f}'
            f'M{low:.1f} {middle - 5}v10M{high:.1f} {middle - 5}v10"/>'
            f'<text x="{high + 8:.1f}" y="{middle + 5:.1f}">{percent(one.accuracy)}</text>'
        )
    ticks = "".join(
        f'<text x="{_LEFT + scale * share:.1f}" y="{height - 6}" text-anchor="middle">{share:.0%}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    label = "accuracy with 95 % intervals"
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{label}">{"".join(rows)}{ticks}</svg>'


def _table(scores: Sequence[Score]) -> str:
    """One row per run, without the columns that are empty in all of them."""
    columns = [column for column in zip(_heads(scores), *map(_cells, scores), strict=True) if any(column[1:])]
    heads, *runs = zip(*columns, strict=True)
    rows = [f"<tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"]
    rows += [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>" for cells in runs]
    return f'<div class="scroll"><table>{"".join(rows)}</table></div>'


def _heads(scores: Sequence[Score]) -> tuple[str, ...]:
    k, reward = scores[0].k, next((one.ranked[0] for one in scores if one.ranked[1]), "rm")
    votes = (f"maj@{k}", f"pass@{k}", f"{reward}@{k}", f"{reward}-vote@{k}")
    return ("run", "accuracy", "95 %", *votes, "no answer", "cut off", "degenerate", "undecided", "published")


def _cells(one: Score) -> tuple[str, ...]:
    """The cells of a run; one that says nothing is empty."""
    rates, several = one.rates, one.k > 1
    shares = (rates.no_answer, rates.out_of_tokens, rates.degenerate, rates.undecided)
    return (
        name_of(one),
        percent(one.accuracy) if one.items else NOTHING,
        interval(one.ci95) if one.items else NOTHING,
        percent(one.maj[one.k]) if several and one.items else "",
        percent(one.passed[one.k]) if several and one.items else "",
        *(percent(shares[one.k]) if shares and one.items else "" for shares in one.ranked[1:]),
        *(percent(share) if one.items else NOTHING for share in shares),
        ", ".join(f"{percent(figure)} ({method})" for method, figure, _ in against_published(one)),
    )


def _problems(data: Dataset, runs: Sequence[ScoredRun]) -> Iterator[str]:
    by_item = [_grouped(run.samples) for run in runs]
    for number, item in enumerate(data.items, 1):
        if any(item.id in found for found in by_item):
            signs = " ".join(_outcome(run.score, item) for run in runs)
            inside = "".join(
                _samples(name_of(run.score), found.get(item.id, ())) for run, found in zip(runs, by_item, strict=True)
            )
            title = f"{clean(item.label or str(number))}. {_short(item.problem)}"
            yield (
                f"<details><summary>{escape(title)} {signs}</summary>\n"
                f"{_prose(item.problem)}\n<p>expected: {formula(clean(item.reference))}</p>\n{inside}</details>"
            )


def _grouped(samples: Sequence[GradedSample]) -> Mapping[str, list[GradedSample]]:
    found: dict[str, list[GradedSample]] = {}
    for one in samples:
        found.setdefault(one.item, []).append(one)
    return found


def _outcome(score: Score, item: Item) -> str:
    if item.id not in score.verdicts:
        return ""
    right = score.verdicts[item.id]
    return f'<span class="{"correct" if right else "wrong"}">{"✓" if right else "✗"}</span>'


def _samples(run: str, samples: Sequence[GradedSample]) -> str:
    return "".join(
        f"<details><summary>{escape(run)}, sample {one.sample.index + 1}: {_grades(one)}</summary>\n"
        f"{_prose(one.sample.text)}</details>\n"
        for one in samples
    )


def _grades(one: GradedSample) -> str:
    """The answer of a sample, and the verdicts of both graders on it."""
    answer = "no answer" if one.sample.answer is None else formula(clean(one.sample.answer))
    marks = (("official", one.grades.official), ("strict", one.grades.strict))
    return f"{answer}, " + ", ".join(f"{name} {_verdict(verdict)}" for name, verdict in marks)


def _verdict(verdict: Verdict) -> str:
    why = f" ({escape(verdict.why)})" if verdict.why else ""
    return f'<span class="{verdict.mark}">{_SIGNS[verdict.mark]}</span>{why}'


def _prose(text: str) -> str:
    return body(blocks(clean(text)))


def _short(text: str, width: int = 90) -> str:
    """A problem on one line of at most `width` characters, its formulas drawn where that is possible."""
    drawn = _FORMULA.sub(lambda found: render_inline(found[1]) or found[0], clean(text))
    line = " ".join(drawn.split())
    return line if len(line) <= width else line[: width - 1] + "…"
