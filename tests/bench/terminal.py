"""What drawing costs: the time to split and draw real responses, as a share of the time to decode them.

    python -m tests.bench.terminal [responses.jsonl] [tokens per second]

Every response comes in pieces of three characters, about one token (the mean of the default file is 2.92 characters
per token with the Qwen2 vocabulary).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from qmath_cli.terminal.style import Style
from qmath_cli.terminal.transcript import Transcript

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data" / "responses" / "math_cot_50.jsonl"
CHARACTERS = 3  # per token


def main() -> None:
    """Print the table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 50.0
    lines = path.read_text(encoding="utf-8").splitlines()
    responses = [response for line in lines for response in json.loads(line)["code"]]
    tokens = 0
    worst = 0.0
    started = time.perf_counter()
    for response in responses:
        page = Transcript(Style(drawn=True, colour=True))
        for at in range(0, len(response), CHARACTERS):
            before = time.perf_counter()
            page.text(response[at : at + CHARACTERS])
            worst = max(worst, time.perf_counter() - before)
            tokens += 1
        page.end()
    spent = time.perf_counter() - started
    print(
        f"{len(responses)} responses, {tokens} tokens: drawn in {spent:.2f} s, {spent / tokens * 1e6:.1f} us per token"
    )
    print(f"decoding at {rate:g} tok/s takes {tokens / rate:.0f} s: drawing is {spent / (tokens / rate):.3%} of it")
    print(f"the longest wait for one token: {worst * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
