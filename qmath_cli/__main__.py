"""`qmath` and `python -m qmath_cli`: imports happen inside, so that Ctrl-C during them still exits cleanly."""

import sys


def main() -> None:
    """Run the program and leave with its exit code."""
    try:
        from qmath_cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
