"""`qmath` and `python -m qmath_cli`. `main` imports the program, so that Ctrl-C during the import exits with 130."""

import gc
import os
import sys


def main() -> None:
    """Run the program and exit with its exit code."""
    gc.disable()  # imports make no garbage
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
    sys.exit(code)


if __name__ == "__main__":
    main()
