"""What `convert` and `pull` share: a plan carried out under a progress bar, errors in our own tree, a trial decode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qmath_cli import gguf_file
from qmath_cli.commands.invocation import Invocation
from qmath_cli.errors import DoesNotFit, EngineUnusable, IntegrityError, ModelMissing, Terminated
from qmath_cli.models import fit, memory, store
from qmath_cli.terminal.output import Terminal
from qmath_cli.terminal.progress import byte_progress

if TYPE_CHECKING:
    from pathlib import Path

    from qmath_convert.pipeline import Options, Plan, Written

_STAGES = {"write": "converting", "verify": "verifying"}
_CELLS = 512  # the context of the trial decode


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
    except (KeyboardInterrupt, Terminated):
        terminal.note("what is converted is kept: the same command goes on from there")
        raise


def _discard(plan: Plan) -> None:
    """What was converted from a shard that turned out to be damaged must not be taken up again."""
    from qmath_convert.part import unfinished_files

    for output in plan.outputs:
        for path in unfinished_files(output.path):
            path.unlink(missing_ok=True)


def try_decoding(here: Invocation, written: Sequence[Written]) -> None:
    """The last check: llama.cpp loads each model in a child process, and decodes a few tokens with it.

    Where that cannot be tried (llama.cpp does not run here, too little free memory), one line says so. Raises
    `IntegrityError` if the demo model runs and this one does not.
    """
    from qmath_cli.engine.llama import preflight

    try:
        verdict = preflight.check(store.locate("demo", here.paths).path, here.paths.cache)
    except (EngineUnusable, ModelMissing) as exc:
        here.terminal.note(f"not tried in llama.cpp: {exc.message}")
        return
    if verdict.way is None:
        here.terminal.note(f"not tried in llama.cpp: {verdict.note}")
        return
    for file in written:
        if file.quant is None:
            continue
        if not _fits(file.path):
            here.terminal.note(f"{file.path.name} was not tried in llama.cpp: there is too little free memory")
        elif failure := preflight.run_child(file.path, verdict.way, "auto"):
            raise IntegrityError(f"llama.cpp cannot run {file.path}: {failure}", "Report this as a defect of qmath.")


def _fits(path: Path) -> bool:
    free = memory.memory()
    wanted = fit.need(gguf_file.read(path), _CELLS)
    return fit.judge(wanted, free.available if free else None).verdict is not fit.FitVerdict.NO
