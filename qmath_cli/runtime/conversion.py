"""A conversion plan carried out: errors in our own tree, what is left after a failure, a trial decode at the end.

Shared by `convert` and `pull`. Progress and notes for the user go to callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qmath_cli import gguf_file
from qmath_cli.engine.llama import preflight
from qmath_cli.errors import DoesNotFit, EngineUnusable, IntegrityError, ModelMissing, TerminationSignal, UsageError
from qmath_cli.models import fit, memory
from qmath_cli.models.describe import describe
from qmath_cli.models.lockfile import Lock
from qmath_cli.paths import Paths

if TYPE_CHECKING:
    from pathlib import Path

    from qmath_convert.pipeline import Options, Plan, Written

OnProgress = Callable[[str, int, int, str], None]
"""Called with a stage, the bytes done, the bytes in all, and the name of the tensor."""

Note = Callable[[str], None]
"""Called with a sentence for people."""

_STAGES = {"write": "converting", "verify": "verifying"}
_CELLS = 512  # the context of the trial decode, in tokens


@contextmanager
def translated() -> Iterator[None]:
    """The border: every `ConvertError` becomes the `QmathError` that has its exit code, with message and hint."""
    from qmath_convert import errors

    try:
        yield
    except errors.CannotWrite as exc:
        raise DoesNotFit(exc.message, exc.hint) from exc
    except errors.BadRule as exc:
        raise UsageError(exc.message, exc.hint) from exc
    except errors.LibraryMissing as exc:
        raise EngineUnusable(exc.message, exc.hint) from exc
    except errors.ConvertError as exc:
        raise IntegrityError(exc.message, exc.hint) from exc


def convert_plan(plan: Plan, options: Options, on_progress: OnProgress, note: Note) -> tuple[Written, ...]:
    """Convert what was planned. What the plan leaves out is said first, in notes.

    Raises:
        IntegrityError: the checkpoint is damaged; what was converted from it is deleted.
        DoesNotFit: the disk does not take it.
        KeyboardInterrupt, TerminationSignal: interrupted; what is converted is kept.
    """
    from qmath_convert.pipeline import convert

    for sentence in plan.notes:
        note(sentence)
    try:
        with translated():
            return convert(plan, options, lambda p: on_progress(_STAGES[p.stage], p.done, p.total, p.tensor))
    except IntegrityError:
        _discard(plan)
        raise
    except (KeyboardInterrupt, TerminationSignal):
        note("what is converted is kept: the same command resumes there")
        raise


def _discard(plan: Plan) -> None:
    """Delete what was converted from a damaged shard, so that it is not resumed."""
    from qmath_convert.part import unfinished_files

    for output in plan.outputs:
        for path in unfinished_files(output.path):
            path.unlink(missing_ok=True)


def try_decoding(written: Sequence[Written], paths: Paths, lock: Lock, note: Note) -> None:
    """The last check: llama.cpp loads each model in a child process and decodes a few tokens.

    Where that cannot be tried (llama.cpp does not run here, too little free memory), one note says so.

    Raises:
        IntegrityError: the demo model runs and this one does not.
    """
    try:
        verdict = preflight.check(describe("demo", paths, lock).path, paths.cache)
    except (EngineUnusable, ModelMissing) as exc:
        note(f"not tried in llama.cpp: {exc.message}")
        return
    if verdict.features is None:
        note(f"not tried in llama.cpp: {verdict.note}")
        return
    for file in written:
        if file.quant is None:
            continue
        if not _fits(file.path):
            note(f"{file.path.name} was not tried in llama.cpp: there is too little free memory")
        elif failure := preflight.run_child(file.path, verdict.features, "auto").failure:
            raise IntegrityError(f"llama.cpp cannot run {file.path}: {failure}", "report this as a defect of qmath")


def _fits(path: Path) -> bool:
    free = memory.memory()
    wanted = fit.need(gguf_file.read(path), _CELLS)
    return fit.judge(wanted, free.available if free else None).verdict is not fit.FitVerdict.NO
