"""Writes the held-out problems of `qmath eval demo`, with alternating kinds and languages.

    python -m convert.demo.heldout --count 1000 --out qmath_cli/demo/heldout.jsonl

A hash of its text decides whether a problem is held out (`solutions.is_held_out`), so no training example
is among them. The same seed gives the same file; no problem occurs twice.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from random import Random

from .problems import KINDS, Draft, Language
from .solutions import draw_draft


def problems(count: int, seed: str = "held out") -> Iterator[tuple[str, Language, Draft]]:
    """`count` different held-out problems; the pairs of kind and language alternate."""
    seen: set[str] = set()
    pairs = cycle(product(KINDS, Language))
    rng = Random(seed)
    while len(seen) < count:
        kind, language = next(pairs)
        draft = draw_draft(rng, kind, language, held_out=True)
        while draft.problem in seen:
            draft = draw_draft(rng, kind, language, held_out=True)
        seen.add(draft.problem)
        yield kind, language, draft


def main() -> None:
    """Writes the file of held-out problems."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows = (
        {"problem": d.problem, "answer": d.answer, "kind": kind, "language": language.value}
        for kind, language, d in problems(args.count)
    )
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} problems -> {args.out}")


if __name__ == "__main__":
    main()
