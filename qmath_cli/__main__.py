"""`qmath` and `python -m qmath_cli`. `main` imports the program; a signal during the import ends it in order."""

import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn


def main() -> None:
    """Run the program and exit with its exit code."""
    gc.disable()  # imports make no garbage
    signal.signal(signal.SIGTERM, _terminate)  # until `run` has its own handler
    try:
        from qmath_cli.runtime import ahead

        started = ahead.start(sys.argv[1:], os.environ)
        try:
            from qmath_cli.app import run

            gc.freeze()
            gc.enable()
            code = run(sys.argv[1:], started)
        finally:
            started.close()
    except KeyboardInterrupt:
        sys.exit(130)
    _leave(code)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(143)


def _leave(code: int) -> NoReturn:
    """Exit without freeing every object first, which takes as long as a model of a few megabytes takes to load."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # the reader of a pipe has gone; the usual way knows what to do
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    main()
