"""The child process of `preflight`: it loads a model and decodes a few tokens.

Run as `python -m qmath_cli.engine.llama.probe MODEL WAY DEVICE`. Exit code 0 means that prefill and decode both worked.
An error is one line on stderr; a crash is seen by the parent process. No core file is left behind.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from qmath_cli.engine.batch import Batch
from qmath_cli.engine.llama.model import Options, load
from qmath_cli.engine.llama.preflight import Preflight, Way
from qmath_cli.errors import QmathError
from qmath_cli.records import Prompt, Sampling, Segment

_PROMPT = "What is 12 + 30? " * 8  # long enough for the matrix kernels of prefill
_TOKENS = 4


def main(arguments: list[str]) -> int:
    """Load, prefill, decode."""
    path, way, device = arguments
    _no_core_file()
    try:
        options = Options(device=device, ctx=512)
        with load(Path(path), options, Preflight(Way[way])) as model, Batch(model, 2, cells=512) as batch:
            batch.start(Prompt((Segment(_PROMPT),)), [Sampling(max_tokens=_TOKENS)] * 2)
            while batch.step():
                pass
    except QmathError as exc:
        sys.stderr.write(f"{exc.message}\n")
        return exc.exit_code
    return 0


def _no_core_file() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has limits, or lets them be set
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
