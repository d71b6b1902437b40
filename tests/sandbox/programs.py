"""Running programs in an executor, as several tests do it."""

from __future__ import annotations

from qmath_cli.records import Output
from qmath_cli.sandbox.executor import RestrictedExecutor

EXIT = "import random\nrandom._os._exit(0)"


def run(executor: RestrictedExecutor, *programs: str) -> list[Output]:
    """The outputs of programs that one worker runs in order."""
    worker = executor.open()
    try:
        return [worker.run(code) for code in programs]
    finally:
        worker.close()


def settle(executor: RestrictedExecutor) -> None:
    """Wait until the spare worker is ready: from then on processes and descriptors do not change by themselves."""
    assert executor._spare is not None
    executor._spare.result()
