"""What `convert` and `pull` share: a plan carried out under a progress bar, and the converter's errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qmath_cli.errors import DoesNotFit, EngineUnusable, IntegrityError
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import byte_progress

if TYPE_CHECKING:
    from qmath_convert.pipeline import Options, Plan, Written

_STAGES = {"write": "converting", "verify": "verifying"}


@contextmanager
def translated() -> Iterator[None]:
    """The border: every `ConvertError` becomes the `QmathError` that has its exit code, with message and hint."""
    from qmath_convert import errors

    try:
        yield
    except errors.CannotWrite as exc:
        raise DoesNotFit(exc.message, exc.hint) from exc
    except errors.LibraryMissing as exc:
        raise EngineUnusable(exc.message, exc.hint) from exc
    except errors.ConvertError as exc:
        raise IntegrityError(exc.message, exc.hint) from exc


def carry_out(terminal: Terminal, plan: Plan, options: Options) -> tuple[Written, ...]:
    """Convert, and show how far it is. Raises `QmathError`s."""
    from qmath_convert.pipeline import convert

    try:
        with translated(), byte_progress(terminal) as progress:
            return convert(plan, options, lambda p: progress.update(_STAGES[p.stage], p.done, p.total, p.tensor))
    except IntegrityError:
        _discard(plan)
        raise


def _discard(plan: Plan) -> None:
    """What was converted from a shard that turned out to be damaged must not be taken up again."""
    for output in plan.outputs:
        for suffix in (".part", ".part.journal"):
            output.path.with_name(output.path.name + suffix).unlink(missing_ok=True)
