"""`qmath` and `python -m qmath_cli`. `main` imports the program, so that Ctrl-C during the import exits with 130."""

import sys


def main() -> None:
    """Run the program and exit with its exit code."""
    try:
        from qmath_cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
