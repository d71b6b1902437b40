"""What `qmath convert` measures before it quantizes: `--imatrix auto`, and the surroundings of any measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from qmath_cli.commands.invocation import Invocation
from qmath_cli.errors import UsageError
from qmath_cli.models import fit, lockfile
from qmath_cli.runtime.quantizing.measuring import Instruments
from qmath_cli.terminal.counted import CountedProgress
from qmath_cli.terminal.progress import ByteProgress

if TYPE_CHECKING:
    from qmath_convert.imatrix import Importance
    from qmath_convert.recipe import Quant
    from qmath_convert.source import Source

AUTO = "auto"


def check(imatrix: str | None, quants: Mapping[Path, Quant]) -> None:
    """Raise `UsageError` where nothing is quantized that a matrix could be measured for."""
    if imatrix == AUTO and not any(quant.base.is_quantized for quant in quants.values()):
        raise UsageError("--imatrix auto: nothing is quantized", "leave it out, or choose another type with -q")


def importance(
    here: Invocation, imatrix: str | None, source: Source, beside: Path, progress: ByteProgress, later: int
) -> Importance | None:
    """The matrix that was asked for: from a file, measured now, or none.

    Args:
        here: the invocation.
        imatrix: a file, `auto`, or None.
        source: the checkpoint.
        beside: an output; the intermediate file lies beside it.
        progress: the progress of conversions.
        later: bytes of disk that the conversion takes afterwards.
    """
    from qmath_cli.runtime.quantizing.matrix import importance_of
    from qmath_cli.runtime.quantizing.texts import calibration
    from qmath_convert.imatrix import read_importance

    if imatrix != AUTO:
        return read_importance(Path(imatrix)) if imatrix is not None else None
    with measuring(here, progress, beside, later + missing(source), source) as surroundings:
        return importance_of(source, beside, calibration(), surroundings)


@contextmanager
def measuring(
    here: Invocation, progress: ByteProgress, beside: Path, later: int, source: Source | None = None
) -> Iterator[Instruments]:
    """The surroundings of a measurement; the status line has what is counted, or the bytes of a conversion.

    Args:
        here: the invocation.
        progress: the progress of conversions.
        beside: an output; intermediate files lie beside it.
        later: bytes of disk that are needed there besides.
        source: a checkpoint that is read again afterwards: its downloaded shards are kept meanwhile.
    """
    from qmath_cli.runtime.checkpoint import kept

    stages: list[CountedProgress] = []
    latest: Callable[[], str] = progress.text
    named = ""

    def on_bytes(stage: str, done: int, total: int, detail: str = "") -> None:
        nonlocal latest
        progress.update(stage, done, total, detail)
        latest = progress.text

    def on_count(what: str, unit: str, done: int, total: int) -> None:
        nonlocal latest, named
        if what != named:
            named = what
            stages.append(CountedProgress(what, unit))
            if not here.terminal.status.shown:
                here.terminal.note(what)
        if done:
            stages[-1](done, total)
        latest = stages[-1].text

    def require_disk(size: int) -> None:
        fit.require_disk(beside.absolute().parent, size + later, "what is measured before the conversion")
        if source is not None and (download := missing(source)):
            here.terminal.note(f"the downloaded checkpoint stays until then, too: {fit.size(download)}")

    again = nullcontext() if source is None else kept(source)
    with again, here.terminal.status.during(lambda: latest()):  # noqa: PLW0108  `latest` changes
        yield Instruments(
            here.settings(), here.paths, lockfile.load(), on_bytes, on_count, here.terminal.note, require_disk
        )


def missing(source: Source) -> int:
    """Bytes of a hub's checkpoint that are not on this disk yet; 0 for a folder."""
    from qmath_cli.runtime.checkpoint import RemoteSource

    if not isinstance(source, RemoteSource):
        return 0
    return sum(source.missing(name) for name in source.files() if name.endswith(".safetensors"))
