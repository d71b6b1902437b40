"""The child process of `preflight`: it loads a model and decodes a few tokens.

Run as `python -m qmath_cli.engine.llama.probe MODEL FEATURES DEVICE`. It exits with 0 if prefill and decode worked, and
prints the types of weights of which llama.cpp keeps a second copy, one a line; none where a GPU has the weights. An
error is one line on stderr, a usage error (no such device) a second one with its hint. A crash writes no core file.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Features, Preflight
from qmath_cli.engine.llama.repacking import repacked_types
from qmath_cli.errors import QmathError, UsageError
from qmath_cli.records import Prompt, Sampling, Segment

_PROMPT = "What is 12 + 30? " * 8  # long enough to use the matrix kernels of prefill
_TOKENS = 4  # decoded per sequence


def main(arguments: list[str]) -> int:
    """Load, prefill and decode; returns the exit code."""
    path, features, device = arguments
    _disable_core_files()
    try:
        options = Options(device=device, ctx=512)
        with load(Path(path), options, Preflight(Features[features])) as model, Batch(model, 2, cells=512) as batch:
            batch.start(Prompt((Segment(_PROMPT),)), [Sampling(max_tokens=_TOKENS)] * 2)
            while batch.step():
                pass
            if Features[features] is Features.FULL and model.placement.device is None:
                sys.stdout.write("\n".join(repacked_types()))
    except QmathError as exc:
        sys.stderr.write(f"{exc.message}\n")
        if isinstance(exc, UsageError):
            sys.stderr.write(f"{exc.hint}\n")
        return exc.exit_code
    return 0


def _disable_core_files() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system supports this limit
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
