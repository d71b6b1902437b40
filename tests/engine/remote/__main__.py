"""Scripted servers in a process of their own: `python -m tests.engine.remote vllm --slots 64`.

Prints the address, one line of JSON, and serves until its stdin ends, so that it never outlives who started it.
`--model tests.bench.some_module:function` names the model (a `generation.Model`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from tests.engine.remote.dialects import DIALECTS
from tests.engine.remote.generation import Model
from tests.engine.remote.server import ScriptedServer
from tests.engine.remote.serving import Latency, Serving, hello


def _model(name: str) -> Model:
    if not name:
        return hello
    module, _, function = name.partition(":")
    found: Model = getattr(importlib.import_module(module), function)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="A scripted server on loopback.")
    parser.add_argument("kind", choices=DIALECTS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--context", type=int, default=4096)
    parser.add_argument("--name", default="Qwen2.5-Math-7B-Instruct")
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default="")
    parser.add_argument("--prefill-tps", type=float, default=0.0)
    parser.add_argument("--token-s", type=float, default=0.0)
    parser.add_argument("--busy-s", type=float, default=0.0)
    parser.add_argument("--per-piece", type=int, default=1)
    given = parser.parse_args()
    latency = Latency(given.prefill_tps, given.token_s, given.busy_s, given.per_piece)
    serving = Serving(_model(given.model), given.name, given.context, given.slots, given.key, latency=latency)
    with ScriptedServer(DIALECTS[given.kind], serving, given.port) as server:
        print(json.dumps({"url": server.url}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
