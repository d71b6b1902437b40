"""The results of a batch as one HTML page: every problem with its answer, and the working folded below it.

Self-contained as all pages of this program: no script, nothing is loaded, MathML for the mathematics, all text of
models and files escaped. Printed, the working is there too, where the browser can open it (`::details-content`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from qmath_cli.problem_set.result import ProblemResult
from qmath_cli.terminal.export.document import blocks
from qmath_cli.terminal.export.html import body, formula
from qmath_cli.terminal.output import clean
from qmath_cli.terminal.panel import WHY_NO_ANSWER

_STYLE = """
body { max-width: 50em; margin: 2em auto; padding: 0 1em; font: 1rem/1.5 system-ui, sans-serif; }
section { border-top: 1px solid #8884; padding: .6em 0; break-inside: avoid; }
h2 { font-size: 1rem; float: left; margin: 0 1em 0 0; } p { margin: .3em 0; overflow-wrap: anywhere; }
.answer { font-weight: bold; } .figures { color: #666; font-size: .85em; } .bad { color: #b3261e; }
pre { padding: .5em .8em; border-left: 3px solid #888; white-space: pre-wrap; }
pre.output { border-left-style: dotted; }
summary { cursor: pointer; font-size: .85em; }
@media (prefers-color-scheme: dark) { body { background: #121212; color: #ddd; } .bad { color: #ff8a80; } }
@media print { body { margin: 0; } details::details-content { content-visibility: visible; display: block; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_EXPECTED = {True: "as expected", False: "not as expected", None: "not compared with certainty"}


def page(results: Iterable[ProblemResult], problems: int) -> Iterator[str]:
    """The page in parts, so that no more than one result is in memory.

    Args:
        results: In the order in which they are shown.
        problems: How many there will be.
    """
    yield (
        '<!doctype html>\n<html>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>qmath: {problems} problems</title>\n<style>{_STYLE}</style>\n"
    )
    shown = 0
    for result in results:
        yield _section(result)
        shown += 1
    if shown < problems:
        yield f"<p>{shown} of {problems} problems; the others are not solved yet.</p>\n"
    yield "</html>\n"


def remarks(result: ProblemResult) -> list[str]:
    """What is to be said about an answer: its agreement, and whether it is the expected one."""
    votes = result.votes
    said = [f"{votes.agree}/{votes.sampled} agree"] if votes.k > 1 else []
    if result.answer is not None and result.finish in WHY_NO_ANSWER:
        said.append(WHY_NO_ANSWER[result.finish])
    if result.expected is not None:
        said.append(f"{_EXPECTED[result.expected.equal]} ({clean(result.expected.answer)})")
    return said


def _section(result: ProblemResult) -> str:
    answer = formula(clean(result.answer)) if result.answer is not None else f"({WHY_NO_ANSWER[result.finish]})"
    wrong = result.expected is not None and result.expected.equal is not True
    judged = f'<span class="{"bad" if wrong else "figures"}">{escape(", ".join(remarks(result)))}</span>'
    made = f"{result.seconds:.1f} s, {result.tokens} tokens, {result.mode}, {result.model}"
    working = f"<details><summary>working</summary>\n{body(blocks(result.text))}\n</details>\n" if result.text else ""
    return (
        f'<section lang="{result.language}">\n<h2>{escape(clean(result.id))}</h2>\n'
        f"{body(blocks(result.problem, typed=True))}\n"
        f'<p><span class="answer">{answer}</span> {judged}</p>\n'
        f'{working}<p class="figures">{escape(made)}</p>\n</section>\n'
    )
