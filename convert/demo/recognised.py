"""How well the demo's kinds are told from other problems: the table in `README.md`.

    python -m convert.demo.recognised --others ../shared/data/benchmarks/*.jsonl --sentences tests/data/everyday.txt

The held-out problems are to be recognised, as they are and reworded; problems of benchmarks and everyday sentences are
not.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random

from qmath_cli.demo.kinds import load
from qmath_cli.evaluation.statistics import wilson

from .problems import KINDS, Language
from .solutions import draw_draft

Reword = Callable[[str], str]
AS_THEY_ARE = "as they are"

_FIRST = re.compile(
    r"^(?!.* (?:and|that|for|between|in|to|from|as|when)\b)"
    r"(Find the [a-z]+|Solve|Factor|Expand|Simplify|Compute|Calculate|Evaluate)(?: of)? ([^a-z].*?|x.*?)\.?$"
)

REWORDINGS: Mapping[str, Reword] = {
    AS_THEY_ARE: lambda text: text,
    "in lower case": str.lower,
    "without the final sign": lambda text: text.rstrip(".?。？"),
    "between quotation marks": lambda text: f'"{text}"',
    "with please, or 请": lambda text: f"Please {text[0].lower()}{text[1:]}" if text.isascii() else f"请{text}",
    "without dollars": lambda text: text.replace("$", ""),
    "formulas between \\( and \\)": lambda text: re.sub(r"\$([^$]*)\$", r"\\(\1\\)", text),
    "the formula first": lambda text: _FIRST.sub(lambda found: f"{found[2]}, {found[1].lower()}", text),
    "other names": lambda text: re.sub(
        r"\b(?:Tom|Anna|Li Lei|Maria)\b", "Sarah", re.sub("小[明红华]|李雷", "王芳", text)
    ),
    "other goods": lambda text: re.sub(r"\b(?:apple|cake)(?=s?\b)", "melon", re.sub("苹果|蛋糕", "西瓜", text)),
}


def problems_of(path: Path) -> list[str]:
    """The problems of a benchmark's file: the field `problem` or `question` of each line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [str(row.get("problem") or row.get("question")) for row in rows]


def fresh(count: int) -> list[str]:
    """New problems of the held-out side, `count` of each kind in each language."""
    rng = Random("fresh")
    return [
        draw_draft(rng, kind, language, held_out=True).problem
        for kind in KINDS
        for language in Language
        for _ in range(count)
    ]


def recognised(texts: Iterable[str]) -> int:
    """How many of the texts are recognised."""
    return sum(load().recognise(text) is not None for text in texts)


def row(name: str, hits: int, of: int) -> str:
    """A row of the table, with the 95 % interval (Wilson)."""
    low, high = wilson(hits, of)
    return f"| {name} | {of} | {hits} | {hits / of:.1%} | {low:.1%} to {high:.1%} |"


def main() -> None:
    """Prints both halves of the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heldout", type=Path, default=Path("qmath_cli/demo/heldout.jsonl"))
    parser.add_argument("--fresh", type=int, default=20, help="new held-out problems of each kind and language")
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="files of problems of other kinds")
    parser.add_argument("--sentences", type=Path, help="a file of other sentences, one a line")
    args = parser.parse_args()
    print("| problems | number | recognised | share | 95 % interval |\n|---|---|---|---|---|")
    held_out = problems_of(args.heldout)
    for name, reword in REWORDINGS.items():
        texts = [reword(text) for text in held_out if name == AS_THEY_ARE or reword(text) != text]
        print(row(f"held-out, {name}", recognised(texts), len(texts)))
    more = fresh(args.fresh)
    print(row("held-out, newly drawn", recognised(more), len(more)))
    print("\n| problems | number | caught | share | 95 % interval |\n|---|---|---|---|---|")
    others = {path.stem: problems_of(path) for path in args.others}
    if args.sentences is not None:
        others["everyday sentences"] = args.sentences.read_text(encoding="utf-8").splitlines()
    for name, texts in others.items():
        print(row(name, len(texts) - recognised(texts), len(texts)))


if __name__ == "__main__":
    main()
